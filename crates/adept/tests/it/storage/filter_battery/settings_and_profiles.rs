//! The same of settings and profiles, whose collections of texts are walked too.

use adept::domain::{
    DevicePlatform, Kept, Profile, ProfileField, ProfileValue, Setting, SettingField, TokenState, TokenType,
    members,
};
use adept_odata::TypeTest;
use serde_json::json;

use super::*;

const STATES: [&str; 10] = [
    "none",
    "ok",
    "terms",
    "expired",
    "revoked",
    "forbidden",
    "unreachable",
    "throttled",
    "our_clock",
    "wrong_server",
];

/// Conditions, half of which ask something of a collection's items, alone or together with the row's own properties.
fn with_items<F: Copy + std::fmt::Debug + 'static>(
    plain: BoxedStrategy<Expr<F>>,
    collection: F,
) -> impl Strategy<Value = Expr<F>> {
    let values = texts().prop_map(Literal::Text).boxed();
    let item = filters(vec![(collection, values)], vec![collection], None);
    let walked =
        (any::<bool>(), item, proptest::option::of(plain.clone())).prop_map(move |(all, item, row)| {
            let predicate = Box::new(match row {
                None => item,
                Some(row) => item.or(row),
            });
            match all {
                true => Expr::All(collection, predicate),
                false => Expr::Any(collection, predicate),
            }
        });
    (plain, walked, 0..6_u8).prop_map(|(plain, walked, how)| match how {
        0 => walked,
        1 => walked.negated(),
        2 => plain.and(walked),
        3 => plain.or(walked.negated()),
        _ => plain,
    })
}

/// An item of a collection: its own field means the item, every other one the row.
struct Item<'r, F> {
    row: &'r dyn Row<F>,
    collection: F,
    text: String,
}

impl<F: PartialEq> Row<F> for Item<'_, F> {
    fn value(&self, field: &F) -> Option<Literal> {
        if *field == self.collection { Some(Literal::Text(self.text.clone())) } else { self.row.value(field) }
    }

    fn items(&self, _collection: &F) -> Vec<Box<dyn Row<F> + '_>> {
        Vec::new()
    }
}

fn items<'r, F: Copy + PartialEq + 'r>(
    row: &'r dyn Row<F>,
    collection: F,
    texts: Vec<String>,
) -> Vec<Box<dyn Row<F> + 'r>> {
    let item = |text| -> Box<dyn Row<F> + 'r> { Box::new(Item { row, collection, text }) };
    texts.into_iter().map(item).collect()
}

fn member(members: &[&'static str], word: &str) -> Option<Literal> {
    let ordinal = members.iter().position(|member| *member == word)?;
    Some(Literal::Enum { member: members[ordinal], ordinal })
}

fn year_one() -> Timestamp {
    "0001-01-01T00:00:00Z".parse().unwrap()
}

struct OneSetting<'s>(&'s Setting);

impl Row<SettingField> for OneSetting<'_> {
    fn value(&self, field: &SettingField) -> Option<Literal> {
        let setting = self.0;
        let moment = |time: Option<Timestamp>| Some(Literal::DateTime(time.unwrap_or_else(year_one)));
        match field {
            SettingField::Id => Some(Literal::Text(setting.id.to_string())),
            SettingField::AppleIdentifier => setting.apple_identifier.clone().map(Literal::Text),
            SettingField::TokenName => setting.token_name.clone().map(Literal::Text),
            SettingField::TokenType => member(members::DEP_TOKEN_TYPE, setting.token_type.as_str()),
            SettingField::TokenExpiration => moment(setting.token_expires_at),
            SettingField::LastModified => moment(Some(setting.modified_at)),
            SettingField::LastSuccessfulSync => moment(setting.sync.succeeded_at),
            SettingField::LastSyncTriggered => moment(setting.sync.triggered_at),
            SettingField::LastSyncErrorCode => {
                Some(Literal::Int(setting.token_state.sync_error_code().into()))
            }
            SettingField::SyncedDeviceCount => Some(Literal::Int(setting.sync.device_count)),
            SettingField::DataSharingConsent => Some(Literal::Boolean(setting.data_sharing_consent)),
            SettingField::ShareWithSchoolDataSync => {
                Some(Literal::Boolean(setting.share_with_school_data_sync))
            }
            SettingField::RoleScopeTags => None,
            other => panic!("{other:?} is asked for in another test"),
        }
    }

    fn items(&self, collection: &SettingField) -> Vec<Box<dyn Row<SettingField> + '_>> {
        items(self, *collection, self.0.role_scope_tag_ids.clone().unwrap_or_default())
    }
}

async fn some_settings(database: &TestDatabase, owner: TenantId, runner: &mut TestRunner) {
    let moment = || proptest::option::of(moments().prop_map(|at| at.as_microsecond()));
    let row = (
        (proptest::option::of(texts()), proptest::option::of(texts()), any::<(bool, bool)>()),
        (
            proptest::sample::select(members::DEP_TOKEN_TYPE),
            proptest::sample::select(&STATES[..]),
            proptest::option::of(proptest::collection::vec(texts(), 0..4)),
        ),
        (moments(), moment(), moment(), moment()),
        (0..5_i64, any::<bool>()),
    );
    let time = |time: Option<i64>| time.map_or("NULL".to_owned(), |time| time.to_string());
    let (owner, mut statements) = (bytes(owner.0), String::new());
    for number in 0..60 {
        let (
            (name, apple_id, (consent, share)),
            (kind, state, tags),
            (at, expires, ok, asked),
            (count, hidden),
        ) = one(runner, &row);
        let tags = tags.map(|tags| json!(tags).to_string());
        let setting = bytes(id(number));
        statements.push_str(&format!(
            "INSERT INTO settings (tenant, id, token_name, data_sharing_consent, share_with_sds, role_scope_tag_ids, \
             created_at) VALUES ({owner}, {setting}, {}, {consent}, {share}, {}, 0);\n\
             INSERT INTO setting_states (tenant, setting, apple_identifier, token_type, modified_at, deleted_at, purging, \
             token_state, token_generation, token_expires_at, credential_refused, bare_refusals, page_limit, \
             cursor_complete, cursor_revision, cursor_repeats, sync_requests, sync_triggered_at, sync_succeeded_at, \
             sync_failures, device_count, lease_epoch, assignment_requests, assignment_failures, desired_generation, \
             scan_all) VALUES ({owner}, {setting}, {}, '{kind}', {}, {}, FALSE, '{state}', 0, {}, FALSE, 0, 1000, FALSE, \
             0, 0, 0, {}, {}, 0, {count}, 0, 0, 0, 0, TRUE);\n",
            quoted(name.as_deref()),
            quoted(tags.as_deref()),
            quoted(apple_id.as_deref()),
            at.as_microsecond(),
            if hidden && number % 5 == 0 { "7" } else { "NULL" },
            time(expires),
            time(asked),
            time(ok),
        ));
    }
    database.execute(&statements).await.unwrap();
}

#[tokio::test]
async fn lists_of_settings_show_what_their_filter_and_order_say() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let mut runner = runner();
    let owner = tenant(1);
    storage.tenants.create(tenant(2), "Other", noon(), None).await.unwrap();
    some_settings(&database, owner, &mut runner).await;
    some_settings(&database, tenant(2), &mut runner).await;
    let all = storage.settings.list(owner, &ListQuery::default()).await.unwrap().rows;
    assert!((40..61).contains(&all.len()), "without the hidden ones: {}", all.len());
    assert!(TokenType::ALL.iter().all(|kind| all.iter().any(|setting| setting.token_type == *kind)));
    assert!(all.iter().any(|setting| setting.token_state == TokenState::WrongServer));
    let rows: Vec<_> = all.iter().map(OneSetting).collect();

    let text = || texts().prop_map(Literal::Text).boxed();
    let moment = || moments().prop_map(Literal::DateTime).boxed();
    let flag = || any::<bool>().prop_map(Literal::Boolean).boxed();
    let number = || (-1..10_i64).prop_map(Literal::Int).boxed();
    let ids = (0..70_usize).prop_map(|number| Literal::Text(id(number).to_string().to_uppercase()));
    let fields = vec![
        (SettingField::Id, prop_oneof![ids, parts_of_ids()].boxed()),
        (SettingField::AppleIdentifier, text()),
        (SettingField::TokenName, text()),
        (SettingField::TokenType, member_of(members::DEP_TOKEN_TYPE)),
        (SettingField::TokenExpiration, moment()),
        (SettingField::LastModified, moment()),
        (SettingField::LastSuccessfulSync, moment()),
        (SettingField::LastSyncTriggered, moment()),
        (SettingField::LastSyncErrorCode, number()),
        (SettingField::SyncedDeviceCount, number()),
        (SettingField::DataSharingConsent, flag()),
        (SettingField::ShareWithSchoolDataSync, flag()),
    ];
    let searched = vec![SettingField::Id, SettingField::TokenName, SettingField::AppleIdentifier];
    let ordered = orders(fields.clone(), &searched);
    let plain = filters(fields, searched.clone(), None).boxed();
    let asked = (with_items(plain, SettingField::RoleScopeTags), ordered, 1..30_u32);
    for _ in 0..TRIES {
        let (filter, order, top) = one(&mut runner, &asked);
        let wanted = expected(&rows, &filter, &order, |row| row.0.id.to_string());
        let wanted: Vec<_> = wanted.into_iter().map(|row| row.0.id).collect();
        let shown = format!("{filter:?} by {order:?}");
        let mut query = ListQuery { filter: Some(filter), order, top, count: true, ..ListQuery::default() };
        let mut found = Vec::new();
        loop {
            let page = storage.settings.list(owner, &query).await.unwrap();
            assert_eq!(page.total, Some(wanted.len() as i64), "{shown}");
            found.extend(page.rows.into_iter().map(|row| row.id));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(found, wanted, "{shown}");
    }
}

/// A property of each form in which one is kept.
const KEPT: [ProfileField; 7] = [
    ProfileField::Kept("supportDepartment", Kept::Text),
    ProfileField::Kept("siriDisabled", Kept::Bool),
    ProfileField::Kept("isMandatory", Kept::Bool),
    ProfileField::Kept("sharedIPadMaximumUserCount", Kept::Int),
    ProfileField::Kept("passcodeLockGracePeriodInSeconds", Kept::OptionalInt),
    ProfileField::Kept("iTunesPairingMode", Kept::Member(members::ITUNES_PAIRING_MODE)),
    SKIP_KEYS,
];
const SKIP_KEYS: ProfileField = ProfileField::Kept("enabledSkipKeys", Kept::Texts);
const KINDS: [&str; 6] = [
    "enrollmentProfile",
    "depEnrollmentProfile",
    "depIOSEnrollmentProfile",
    "depMacOSEnrollmentProfile",
    "depTvOSEnrollmentProfile",
    "depVisionOSEnrollmentProfile",
];

struct OneProfile<'p>(&'p Profile);

impl Row<ProfileField> for OneProfile<'_> {
    fn value(&self, field: &ProfileField) -> Option<Literal> {
        let profile = self.0;
        match field {
            ProfileField::Id => Some(Literal::Text(profile.full_id())),
            ProfileField::DisplayName => profile.display_name.clone().map(Literal::Text),
            ProfileField::Description => profile.description.clone().map(Literal::Text),
            ProfileField::Kind => member(&KINDS, profile.kind.as_str()),
            ProfileField::IsDefault => Some(Literal::Boolean(profile.is_default)),
            ProfileField::Kept(name, kept) => {
                let number = match profile.values.get(*name) {
                    Some(ProfileValue::Int(number)) => Some(*number),
                    _ => None,
                };
                match kept {
                    Kept::Text => match profile.values.get(*name) {
                        Some(ProfileValue::Text(text)) => Some(Literal::Text(text.clone())),
                        _ => None,
                    },
                    Kept::Bool => Some(Literal::Boolean(profile.flag(name))),
                    Kept::Int => Some(Literal::Int(number.unwrap_or(0))),
                    Kept::OptionalInt => number.map(Literal::Int),
                    Kept::Member(members) => member(members, profile.text(name).unwrap_or(members[0])),
                    Kept::Texts => None,
                }
            }
        }
    }

    fn items(&self, collection: &ProfileField) -> Vec<Box<dyn Row<ProfileField> + '_>> {
        items(self, *collection, self.0.listed_skip_keys().map(str::to_owned).collect())
    }
}

/// Every tenant's setting has its own id.
async fn some_profiles(database: &TestDatabase, owner: TenantId, runner: &mut TestRunner) {
    let row = (
        (
            proptest::option::of(texts()),
            proptest::option::of(texts()),
            proptest::sample::select(&KINDS[..]),
            any::<bool>(),
        ),
        (proptest::option::of(texts()), any::<[Option<bool>; 2]>(), any::<[Option<i32>; 2]>()),
        (
            proptest::option::of(proptest::sample::select(members::ITUNES_PAIRING_MODE)),
            proptest::option::of(proptest::collection::vec(texts(), 0..4)),
        ),
    );
    let (owner, mut statements) = (bytes(owner.0), String::new());
    for number in 0..60 {
        let ((name, description, kind, default), (department, flags, numbers), (pairing, keys)) =
            one(runner, &row);
        let small = |number: Option<i32>| number.map(|number| number % 4);
        let mut properties = json!({
            "supportDepartment": department, "siriDisabled": flags[0], "isMandatory": flags[1],
            "sharedIPadMaximumUserCount": small(numbers[0]), "passcodeLockGracePeriodInSeconds": small(numbers[1]),
            "iTunesPairingMode": pairing, "enabledSkipKeys": keys,
        });
        properties.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let profile = bytes(id(number));
        statements.push_str(&format!(
            "INSERT INTO enrollment_profiles (tenant, setting, id, kind, display_name, description, properties, revision, \
             version, created_at, modified_at) VALUES ({owner}, {owner}, {profile}, '{kind}', {}, {}, {}, 1, 1, 0, 0);\n",
            quoted(name.as_deref()),
            quoted(description.as_deref()),
            quoted(Some(&properties.to_string())),
        ));
        if default {
            statements.push_str(&format!(
                "INSERT INTO default_profiles (tenant, setting, platform, profile, set_at) \
                 VALUES ({owner}, {owner}, 'p{number}', {profile}, 0);\n"
            ));
        }
    }
    database.execute(&statements).await.unwrap();
}

#[tokio::test]
async fn lists_of_profiles_show_what_their_filter_and_order_say() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let mut runner = runner();
    let (owner, setting) = (tenant(1), SettingId(tenant(1).0));
    storage.tenants.create(tenant(2), "Other", noon(), None).await.unwrap();
    some_profiles(&database, owner, &mut runner).await;
    some_profiles(&database, tenant(2), &mut runner).await;
    let all =
        storage.profiles.list(SettingKey::new(owner, setting), &ListQuery::default()).await.unwrap().rows;
    assert_eq!(all.len(), 60);
    let rows: Vec<_> = all.iter().map(OneProfile).collect();

    let text = || texts().prop_map(Literal::Text).boxed();
    let ids = (0..70_usize).prop_map(move |number| Literal::Text(format!("{setting}_{}", id(number))));
    let mut fields = vec![
        (ProfileField::Id, ids.boxed()),
        (ProfileField::DisplayName, text()),
        (ProfileField::Description, text()),
        (ProfileField::Kind, (0..KINDS.len()).prop_map(|kind| member(&KINDS, KINDS[kind]).unwrap()).boxed()),
        (ProfileField::IsDefault, any::<bool>().prop_map(Literal::Boolean).boxed()),
    ];
    for field in KEPT {
        let ProfileField::Kept(_, kept) = field else { continue };
        let values = match kept {
            Kept::Text => text(),
            Kept::Bool => any::<bool>().prop_map(Literal::Boolean).boxed(),
            Kept::Int | Kept::OptionalInt => (-5..5_i64).prop_map(Literal::Int).boxed(),
            Kept::Member(members) => member_of(members),
            Kept::Texts => continue,
        };
        fields.push((field, values));
    }
    let searched = vec![ProfileField::DisplayName, ProfileField::Description, KEPT[0]];
    let ordered = orders(fields.clone(), &searched);
    let plain = filters(fields, searched.clone(), None).boxed();
    let asked = (with_items(plain, SKIP_KEYS), ordered, 1..30_u32);
    for _ in 0..TRIES {
        let (filter, order, top) = one(&mut runner, &asked);
        let wanted = expected(&rows, &filter, &order, |row| row.0.id.to_string());
        let wanted: Vec<_> = wanted.into_iter().map(|row| row.0.id).collect();
        let shown = format!("{filter:?} by {order:?}");
        let mut query = ListQuery { filter: Some(filter), order, top, count: true, ..ListQuery::default() };
        let mut found = Vec::new();
        loop {
            let page = storage.profiles.list(SettingKey::new(owner, setting), &query).await.unwrap();
            assert_eq!(page.total, Some(wanted.len() as i64), "{shown}");
            found.extend(page.rows.into_iter().map(|row| row.id));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(found, wanted, "{shown}");
    }
}

#[tokio::test]
async fn the_longest_conditions_are_asked_for_without_fail() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let (owner, setting) = (tenant(1), SettingId(tenant(1).0));
    // As many as fit into the longest text: `not(x/any(a:a eq ''))or ` and `b or `.
    let part = Expr::Literal(Literal::Text("x".to_owned()));
    let contains = Expr::Call(Function::Contains, vec![Expr::Field(SKIP_KEYS), part]);
    let any = |_| Expr::Any(SKIP_KEYS, Box::new(contains.clone()));
    let flag = |_| Expr::compare(KEPT[1], CompareOp::Eq, Literal::Boolean(true));
    for filter in [
        Expr::Or((0..120).map(any).collect()),
        Expr::And((0..240).map(flag).collect()),
        (0..adept_odata::MAX_DEPTH).fold(flag(0), |inner, _| Expr::Not(Box::new(inner.and(flag(0))))),
    ] {
        assert_eq!(storage.profiles.count(SettingKey::new(owner, setting), Some(&filter)).await.unwrap(), 0);
    }
}

/// A setting with what its navigations lead to.
struct Whole<'a> {
    setting: &'a Setting,
    profiles: &'a [Profile],
    devices: &'a [DeviceRow],
    default: Option<&'a Profile>,
}

const DEFAULT: SettingField = SettingField::DefaultProfile(DevicePlatform::Ios);

impl Row<SettingField> for Whole<'_> {
    fn value(&self, field: &SettingField) -> Option<Literal> {
        match field {
            SettingField::DefaultProfile(_) => self.default.map(|_| Literal::Boolean(true)),
            SettingField::DefaultProfileField(_, field) => OneProfile(self.default?).value(field),
            own => OneSetting(self.setting).value(own),
        }
    }

    fn items(&self, collection: &SettingField) -> Vec<Box<dyn Row<SettingField> + '_>> {
        match collection {
            SettingField::Profiles => {
                let item =
                    |profile| -> Box<dyn Row<SettingField>> { Box::new(Reached { of: self, profile }) };
                self.profiles.iter().map(item).collect()
            }
            SettingField::Devices => {
                let item =
                    |device| -> Box<dyn Row<SettingField>> { Box::new(ReachedDevice { of: self, device }) };
                self.devices.iter().map(item).collect()
            }
            SettingField::DefaultProfileField(_, _) => {
                let keys =
                    self.default.map(|profile| profile.listed_skip_keys().map(str::to_owned).collect());
                items(self, *collection, keys.unwrap_or_default())
            }
            own => items(self, *own, self.setting.role_scope_tag_ids.clone().unwrap_or_default()),
        }
    }
}

struct Reached<'a> {
    of: &'a Whole<'a>,
    profile: &'a Profile,
}

impl Row<SettingField> for Reached<'_> {
    fn value(&self, field: &SettingField) -> Option<Literal> {
        match field {
            SettingField::Profile(field) => OneProfile(self.profile).value(field),
            other => self.of.value(other),
        }
    }

    fn items(&self, collection: &SettingField) -> Vec<Box<dyn Row<SettingField> + '_>> {
        match collection {
            SettingField::Profile(_) => {
                items(self, *collection, self.profile.listed_skip_keys().map(str::to_owned).collect())
            }
            other => self.of.items(other),
        }
    }
}

struct ReachedDevice<'a> {
    of: &'a Whole<'a>,
    device: &'a DeviceRow,
}

impl Row<SettingField> for ReachedDevice<'_> {
    fn value(&self, field: &SettingField) -> Option<Literal> {
        match field {
            SettingField::Device(field) => Device(self.device).value(field),
            other => self.of.value(other),
        }
    }

    fn items(&self, collection: &SettingField) -> Vec<Box<dyn Row<SettingField> + '_>> {
        self.of.items(collection)
    }
}

/// Being one of these kinds of profiles.
fn of_kinds(field: SettingField, kinds: &[&'static str]) -> TypeTest<SettingField> {
    let values = kinds.iter().map(|kind| member(&KINDS, kind).unwrap()).collect();
    TypeTest { type_name: "microsoft.graph.depEnrollmentBaseProfile", field, values }
}

/// Every tenant has one setting of its own id, with devices and profiles; further ones have neither.
#[tokio::test]
async fn what_navigations_lead_to_is_asked_for_as_it_is() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let mut runner = runner();
    let owner = tenant(1);
    storage.tenants.create(tenant(2), "Other", noon(), None).await.unwrap();
    for tenant in [owner, tenant(2)] {
        some_settings(&database, tenant, &mut runner).await;
        some_profiles(&database, tenant, &mut runner).await;
        some_devices(&database, &storage, tenant, &mut runner).await;
    }
    // A few belong to other settings of the tenant, one of which has a default too.
    let (tenant_id, [first, second]) = (bytes(owner.0), [bytes(id(1)), bytes(id(2))]);
    database
        .execute(&format!(
            "UPDATE enrollment_profiles SET setting = {first} WHERE tenant = {tenant_id} AND id IN ({}, {});\n\
             INSERT INTO default_profiles (tenant, setting, platform, profile, set_at) \
             VALUES ({tenant_id}, {first}, 'ios', {}, 0), ({tenant_id}, {tenant_id}, 'ios', {}, 0);\n\
             UPDATE devices SET setting = {second} WHERE tenant = {tenant_id} AND serial IN ('SN0', 'sn1', 'x2');\n",
            bytes(id(0)),
            bytes(id(1)),
            bytes(id(0)),
            bytes(id(5)),
        ))
        .await
        .unwrap();
    database.keep_devices().await;
    let settings = storage.settings.list(owner, &ListQuery::default()).await.unwrap().rows;
    let mut related = Vec::new();
    for setting in &settings {
        let key = SettingKey::new(owner, setting.id);
        let profiles = storage.profiles.list(key, &ListQuery::default()).await.unwrap().rows;
        related.push((profiles, storage.devices.list(key, &ListQuery::default()).await.unwrap().rows));
    }
    let default_of = |setting: &Setting, profiles: &[Profile]| {
        let wanted = if setting.id.0 == owner.0 { id(5) } else { id(0) };
        let has = setting.id.0 == owner.0 || setting.id.0 == id(1);
        profiles.iter().position(|profile| has && profile.id.0 == wanted)
    };
    let rows: Vec<_> = settings
        .iter()
        .zip(&related)
        .map(|(setting, (profiles, devices))| {
            let default = default_of(setting, profiles).map(|at| &profiles[at]);
            Whole { setting, profiles, devices, default }
        })
        .collect();
    assert_eq!(rows.iter().filter(|row| row.default.is_some()).count(), 2);

    let text = || texts().prop_map(Literal::Text).boxed();
    let flag = || any::<bool>().prop_map(Literal::Boolean).boxed();
    let own = vec![(SettingField::TokenName, text()), (SettingField::DataSharingConsent, flag())];
    let of_profile = |make: &dyn Fn(ProfileField) -> SettingField| {
        vec![
            (make(ProfileField::DisplayName), text()),
            (make(ProfileField::IsDefault), flag()),
            (make(KEPT[0]), text()),
            (make(KEPT[1]), flag()),
            (make(KEPT[5]), member_of(members::ITUNES_PAIRING_MODE)),
        ]
    };
    let of_device = vec![
        (SettingField::Device(DeviceField::Description), text()),
        (SettingField::Device(DeviceField::Platform), member_of(members::PLATFORM)),
        (SettingField::Device(DeviceField::IsDeleted), flag()),
    ];
    let with_own = |fields: Vec<_>| [fields, own.clone()].concat();
    let name = |make: &dyn Fn(ProfileField) -> SettingField| vec![make(ProfileField::DisplayName)];
    let of_default = |field| SettingField::DefaultProfileField(DevicePlatform::Ios, field);
    let walked = |collection: SettingField, predicate: BoxedStrategy<Expr<SettingField>>| {
        (any::<bool>(), predicate).prop_map(move |(all, predicate)| match all {
            true => Expr::All(collection, Box::new(predicate)),
            false => Expr::Any(collection, Box::new(predicate)),
        })
    };
    let kinds = || proptest::sample::subsequence(&KINDS[..], 1..4);
    let kind = SettingField::Profile(ProfileField::Kind);
    let cast = (kinds(), any::<bool>()).prop_map(move |(kinds, value)| {
        let siri = Expr::Cast(of_kinds(kind, &kinds), SettingField::Profile(KEPT[1]));
        Expr::Compare(CompareOp::Eq, Box::new(siri), Box::new(Expr::constant(value)))
    });
    let count = proptest::sample::select(
        &[
            SettingField::Profiles,
            SettingField::Devices,
            SettingField::RoleScopeTags,
            SettingField::DefaultProfileField(DevicePlatform::Ios, SKIP_KEYS),
        ][..],
    );
    let counted =
        (ops(), count, proptest::sample::select(&[0_i64, 1, 3, 77][..])).prop_map(|(op, of, number)| {
            Expr::Compare(op, Box::new(Expr::Count(of)), Box::new(Expr::Literal(Literal::Int(number))))
        });
    let profile = filters(with_own(of_profile(&SettingField::Profile)), name(&SettingField::Profile), None);
    let device = filters(with_own(of_device), vec![SettingField::Device(DeviceField::SerialNumber)], None);
    let default = filters(with_own(of_profile(&of_default)), name(&of_default), None);
    let asked = prop_oneof![
        3 => walked(SettingField::Profiles, profile.boxed()),
        1 => walked(SettingField::Profiles, cast.boxed()),
        1 => walked(SettingField::Profiles, kinds().prop_map(move |kinds| Expr::IsOf(of_kinds(kind, &kinds))).boxed()),
        3 => walked(SettingField::Devices, device.boxed()),
        3 => default,
        1 => counted,
        1 => any::<bool>().prop_map(|null| {
            let is_null = Expr::is_null(DEFAULT);
            if null { is_null } else { is_null.negated() }
        }),
    ];
    let asked = (asked, any::<bool>()).prop_map(|(filter, not)| if not { filter.negated() } else { filter });
    for _ in 0..TRIES {
        let filter = one(&mut runner, &asked);
        let wanted: Vec<_> = expected(&rows, &filter, &[], |row| row.setting.id.to_string());
        let wanted: Vec<_> = wanted.into_iter().map(|row| row.setting.id).collect();
        let shown = format!("{filter:?}");
        let query = ListQuery { filter: Some(filter), ..ListQuery::default() };
        let page = storage.settings.list(owner, &query).await.unwrap();
        assert_eq!(page.rows.iter().map(|row| row.id).collect::<Vec<_>>(), wanted, "{shown}");
    }
    // Lists are ordered by what navigations lead to as well.
    let by = Expr::Count(SettingField::Devices);
    let order = vec![OrderBy { by, descending: true }];
    let page = storage.settings.list(owner, &ListQuery { order, ..ListQuery::default() }).await.unwrap();
    let first: Vec<_> = page.rows.iter().take(2).map(|row| row.id.0).collect();
    assert_eq!(first, [owner.0, id(2)]);
}
