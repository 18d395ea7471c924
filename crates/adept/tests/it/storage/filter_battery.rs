//! What a list shows is what its filter and order say, read in the plainest way: random rows, random filters and orders,
//! compared with an evaluation in memory.

#[path = "filter_battery/settings_and_profiles.rs"]
mod settings_and_profiles;

use adept::{
    domain::{
        AuditEntry, AuditEvent, AuditField, AuditResource, DeviceField, DeviceId, DevicePlatform, DeviceRow,
        DiscoverySource, ProfileId, SettingId, SettingKey, TenantId, first_id_at, members,
    },
    storage::{DeviceWrites, Error, ListQuery, Listed, Storage},
};
use adept_odata::Kind as Edm;
use adept_odata::{ArithmeticOp, CompareOp, Expr, Function, Literal, OrderBy, Row};
use jiff::Timestamp;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use uuid::Uuid;

use super::KIND;
use crate::support::database::{TestDatabase, noon, tenant};

/// How many filters are tried on each table.
const TRIES: u32 = 150;

const PLATFORMS: [&str; 3] = ["unknown", "ios", "macOS"];

fn texts() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 15] =
        ["", "a", "A", "ab", "aB%", "_", "%", "\\", "a'b", "É", "é", "ß😀", "10", "9", "z"];
    prop_oneof![
        3 => proptest::sample::select(&KNOWN[..]).prop_map(str::to_owned),
        1 => "[a-cA-C%_\\\\']{0,3}",
    ]
}

/// Around one second, to the nanosecond; stored are microseconds.
fn moments() -> impl Strategy<Value = Timestamp> {
    let nanoseconds = prop_oneof![Just(0_i128), Just(1), Just(999), Just(1000), Just(1500), -3000_i128..3000];
    let seconds = prop_oneof![Just(-62_135_596_800_i128), Just(0), Just(-1), Just(1_700_000_000)];
    (seconds, nanoseconds)
        .prop_map(|(seconds, more)| Timestamp::from_nanosecond(seconds * 1_000_000_000 + more).unwrap())
}

fn ops() -> impl Strategy<Value = CompareOp> {
    proptest::sample::select(&CompareOp::ALL[..])
}

/// What a literal looks like.
fn kind_of(literal: &Literal) -> Edm {
    match literal {
        Literal::Text(_) | Literal::Guid(_) => Edm::String,
        Literal::Boolean(_) => Edm::Boolean,
        Literal::Int(_) => Edm::Int64,
        Literal::DateTime(_) => Edm::DateTimeOffset,
        Literal::Date(_) => Edm::Date,
        Literal::Enum { .. } => Edm::Guid,
    }
}

/// Random values of one kind: of fields, and of functions of them. Texts grow two functions deep.
fn values<F: Copy + std::fmt::Debug + 'static>(
    fields: &[(F, BoxedStrategy<Literal>)],
    text: &[F],
    kind: Edm,
    depth: u32,
) -> BoxedStrategy<Expr<F>> {
    let mut seen = runner();
    let own: Vec<_> = fields
        .iter()
        .filter(|(_, values)| kind_of(&one(&mut seen, values)) == kind)
        .map(|(field, _)| Expr::Field(*field))
        .collect();
    let own = if kind == Edm::String { text.iter().map(|field| Expr::Field(*field)).collect() } else { own };
    let call = |function: Function, arguments: Vec<BoxedStrategy<Expr<F>>>| {
        arguments.prop_map(move |arguments| Expr::Call(function, arguments)).boxed()
    };
    let deeper = |kind| match depth {
        0 => literals(kind),
        _ => prop_oneof![3 => values(fields, text, kind, depth - 1), 1 => literals(kind)].boxed(),
    };
    let number = || (-2..6_i64).prop_map(|number| Expr::Literal(Literal::Int(number))).boxed();
    let mut all: Vec<BoxedStrategy<Expr<F>>> = Vec::new();
    if !own.is_empty() {
        all.extend([proptest::sample::select(own.clone()).boxed(), proptest::sample::select(own).boxed()]);
    }
    let texts = || deeper(Edm::String);
    let times = || deeper(Edm::DateTimeOffset);
    match kind {
        Edm::String => {
            all.push(call(Function::Trim, vec![texts()]));
            all.push(call(Function::Concat, vec![texts(), texts()]));
            all.push(call(Function::Substring, vec![texts(), number()]));
            all.push(call(Function::Substring, vec![texts(), number(), number()]));
        }
        Edm::Int64 => {
            all.push(call(Function::Length, vec![texts()]));
            all.push(call(Function::IndexOf, vec![texts(), texts()]));
            for function in [
                Function::Year,
                Function::Month,
                Function::Day,
                Function::Hour,
                Function::Minute,
                Function::Second,
            ] {
                all.push(call(function, vec![times()]));
            }
            if depth > 0 {
                let whole = values(fields, text, Edm::Int64, 0);
                let ops = proptest::sample::select(&ArithmeticOp::ALL[..]);
                all.push(
                    (ops, whole.clone(), prop_oneof![number(), whole.clone()])
                        .prop_map(|(op, a, b)| Expr::Arithmetic(op, Box::new(a), Box::new(b)))
                        .boxed(),
                );
                all.push(whole.prop_map(|inner| Expr::Negate(Box::new(inner))).boxed());
            }
        }
        Edm::Date => all.push(call(Function::Date, vec![times()])),
        Edm::Boolean => {
            for function in [Function::Contains, Function::StartsWith, Function::EndsWith] {
                all.push(call(function, vec![texts(), texts()]));
            }
        }
        _ if all.is_empty() => all.push(literals(kind)),
        _ => {}
    }
    proptest::strategy::Union::new(all).boxed()
}

fn literals<F: Copy + std::fmt::Debug + 'static>(kind: Edm) -> BoxedStrategy<Expr<F>> {
    let literal = match kind {
        Edm::String => texts().prop_map(Literal::Text).boxed(),
        Edm::Int64 => (-2..12_i64).prop_map(Literal::Int).boxed(),
        Edm::Boolean => any::<bool>().prop_map(Literal::Boolean).boxed(),
        // Functions of times know microseconds.
        Edm::DateTimeOffset => moments()
            .prop_map(|at| Literal::DateTime(Timestamp::from_microsecond(at.as_microsecond()).unwrap()))
            .boxed(),
        _ => proptest::sample::select(&["0001-01-01", "1969-12-31", "1970-01-01", "2023-11-14"][..])
            .prop_map(|day| Literal::Date(day.parse().unwrap()))
            .boxed(),
    };
    literal.prop_map(Expr::Literal).boxed()
}

/// Random conditions on these fields, of which `text` ones may be searched.
fn filters<F: Copy + std::fmt::Debug + 'static>(
    fields: Vec<(F, BoxedStrategy<Literal>)>,
    text: Vec<F>,
    collection: Option<F>,
) -> impl Strategy<Value = Expr<F>> {
    let all: Vec<F> = fields.iter().map(|(field, _)| *field).collect();
    let compare = proptest::sample::select(fields.clone()).prop_flat_map(|(field, values)| {
        (ops(), values).prop_map(move |(op, value)| Expr::compare(field, op, value))
    });
    let within = proptest::sample::select(fields.clone()).prop_flat_map(|(field, values)| {
        proptest::collection::vec(values, 1..4)
            .prop_map(move |values| Expr::In(Box::new(Expr::Field(field)), values))
    });
    let kinds = [Edm::String, Edm::Int64, Edm::DateTimeOffset, Edm::Date, Edm::Boolean];
    let made = proptest::strategy::Union::new(kinds.map(|kind| {
        let side = values(&fields, &text, kind, 2);
        let other = prop_oneof![side.clone(), literals(kind)];
        (ops(), side, other).prop_map(|(op, left, right)| Expr::Compare(op, Box::new(left), Box::new(right)))
    }));
    let call = values(&fields, &text, Edm::Boolean, 2);
    let null = (proptest::sample::select(&[CompareOp::Eq, CompareOp::Ne][..]), proptest::sample::select(all))
        .prop_map(|(op, field)| Expr::Compare(op, Box::new(Expr::Field(field)), Box::new(Expr::Null)));
    let leaf = prop_oneof![
        4 => compare,
        2 => within,
        4 => made,
        3 => call,
        1 => null,
        1 => any::<bool>().prop_map(Expr::constant),
    ];
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let many = proptest::collection::vec(inner.clone(), 2..4);
        let mut grown = prop_oneof![
            2 => many.clone().prop_map(Expr::And),
            2 => many.prop_map(Expr::Or),
            1 => inner.clone().prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
        .boxed();
        if let Some(collection) = collection {
            let walked = (any::<bool>(), inner).prop_map(move |(all, inner)| match all {
                true => Expr::All(collection, Box::new(inner)),
                false => Expr::Any(collection, Box::new(inner)),
            });
            grown = prop_oneof![4 => grown, 1 => walked].boxed();
        }
        grown
    })
}

/// Up to three criteria, of fields or of what is made of them.
fn orders<F: Copy + std::fmt::Debug + 'static>(
    fields: Vec<(F, BoxedStrategy<Literal>)>,
    text: &[F],
) -> impl Strategy<Value = Vec<OrderBy<F>>> {
    let own: Vec<_> = fields.iter().map(|(field, _)| Expr::Field(*field)).collect();
    let kinds = [Edm::String, Edm::Int64, Edm::Date, Edm::Boolean];
    let made = proptest::strategy::Union::new(kinds.map(|kind| values(&fields, text, kind, 1)));
    let criterion = prop_oneof![3 => proptest::sample::select(own), 1 => made];
    proptest::collection::vec((criterion, any::<bool>()), 0..4).prop_map(|criteria| {
        let mut order: Vec<OrderBy<F>> = Vec::new();
        for (by, descending) in criteria {
            if !order.iter().any(|other| format!("{:?}", other.by) == format!("{by:?}")) {
                order.push(OrderBy { by, descending });
            }
        }
        order
    })
}

/// What is expected: the rows that match, in order; nulls come first and equal nothing but empty text.
fn expected<'r, F, R: Row<F>>(
    rows: &'r [R],
    filter: &Expr<F>,
    order: &[OrderBy<F>],
    tie: fn(&R) -> String,
) -> Vec<&'r R> {
    let mut found: Vec<&R> = rows.iter().filter(|row| filter.matches(*row)).collect();
    let null_is_empty = |value: Option<Literal>| value.filter(|value| *value != Literal::Text(String::new()));
    found.sort_by(|a, b| {
        for OrderBy { by, descending, .. } in order {
            let compared = match (null_is_empty(by.value(*a)), null_is_empty(by.value(*b))) {
                (Some(a), Some(b)) => a.compare(&b).unwrap(),
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            let compared = if *descending { compared.reverse() } else { compared };
            if compared.is_ne() {
                return compared;
            }
        }
        tie(a).cmp(&tie(b))
    });
    found
}

fn runner() -> TestRunner {
    let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(Config { cases: TRIES, ..Config::default() }, seed)
}

fn one<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    proptest::strategy::ValueTree::current(&strategy.new_tree(runner).unwrap())
}

fn quoted(text: Option<&str>) -> String {
    text.map_or("NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
}

/// Whole ids, and where they begin, in either case.
fn parts_of_ids() -> impl Strategy<Value = Literal> {
    (0..10_usize, proptest::sample::select(&[36, 35, 20, 9, 1][..]), any::<bool>()).prop_map(
        |(number, length, upper)| {
            let text = id(number).to_string()[..length].to_owned();
            Literal::Text(if upper { text.to_uppercase() } else { text })
        },
    )
}

/// An id as a statement writes it.
fn bytes(id: Uuid) -> String {
    format!("unhex('{}')", id.simple())
}

fn id(number: usize) -> Uuid {
    Uuid::from_u128(0x3000_0000_0000_7000_8000_0000_0000_0000 + number as u128)
}

struct Device<'d>(&'d DeviceRow);

impl Row<DeviceField> for Device<'_> {
    fn value(&self, field: &DeviceField) -> Option<Literal> {
        let device = self.0;
        let member = |members: &[&'static str], word: &str| {
            let ordinal = members.iter().position(|member| *member == word)?;
            Some(Literal::Enum { member: members[ordinal], ordinal })
        };
        match field {
            DeviceField::Id => Some(Literal::Text(device.id.to_string())),
            DeviceField::SerialNumber => Some(Literal::Text(device.serial.clone())),
            DeviceField::Description => device.description.clone().map(Literal::Text),
            DeviceField::Platform => member(members::PLATFORM, device.platform.as_str()),
            DeviceField::DiscoverySource => member(members::DISCOVERY_SOURCE, device.source.as_str()),
            DeviceField::IsDeleted => Some(Literal::Boolean(device.deleted)),
            DeviceField::Created => Some(Literal::DateTime(device.created_at)),
            DeviceField::RequestedProfile => device.desired_profile.map(|id| Literal::Text(id.to_string())),
            DeviceField::RequestedProfileAt => device.desired_at.map(Literal::DateTime),
            DeviceField::IsSupervised => Some(Literal::Boolean(device.supervised)),
            DeviceField::LastContacted => Some(Literal::DateTime("0001-01-01T00:00:00Z".parse().unwrap())),
            DeviceField::EnrollmentState => member(members::ENROLLMENT_STATE, "notContacted"),
        }
    }

    fn items(&self, _collection: &DeviceField) -> Vec<Box<dyn Row<DeviceField> + '_>> {
        Vec::new()
    }
}

fn member_of(members: &'static [&'static str]) -> BoxedStrategy<Literal> {
    (0..members.len()).prop_map(|ordinal| Literal::Enum { member: members[ordinal], ordinal }).boxed()
}

/// Every tenant has one setting of its own id.
async fn some_devices(database: &TestDatabase, storage: &Storage, owner: TenantId, runner: &mut TestRunner) {
    let setting = SettingId(owner.0);
    let row = (
        proptest::option::of(texts()),
        (
            proptest::sample::select(&PLATFORMS[..]),
            proptest::sample::select(members::DISCOVERY_SOURCE),
            any::<bool>(),
        ),
        (
            // Ids tell the time since 1970.
            moments().prop_map(|moment| moment.max(Timestamp::UNIX_EPOCH)),
            proptest::option::of((0..9_usize).prop_map(|number| ProfileId(id(number)))),
            proptest::option::of(moments()),
        ),
    );
    let (mut devices, mut statements) = (Vec::new(), String::new());
    for number in 0..80 {
        let (description, (platform, source, deleted), (created_at, desired_profile, desired_at)) =
            one(runner, &row);
        // Of long ones more begin alike than the first page holds.
        let description = match number % 3 {
            0 => Some(format!("{}{}", "Long ".repeat(10), number % 7)),
            _ => description,
        };
        let serial = format!("{}{number}", ["SN", "sn", "x", "É"][number % 4]);
        // What only a sync writes.
        statements.push_str(&format!(
            "UPDATE devices SET source = '{source}', deleted = {} WHERE serial = '{serial}';\n",
            if deleted { "TRUE" } else { "FALSE" },
        ));
        devices.push(DeviceRow {
            id: DeviceId(Uuid::from_u128(first_id_at(created_at).as_u128() | number as u128)),
            setting,
            serial,
            platform: DevicePlatform::from_word(platform).unwrap(),
            description,
            source: DiscoverySource::AdminImport,
            deleted: false,
            created_at,
            desired_profile,
            desired_at,
            supervised: number % 3 == 0,
        });
    }
    let event = AuditEvent {
        id: id(5000),
        at: noon(),
        actor: None,
        activity: "test",
        operation: "Action",
        resource: AuditResource { kind: "Thing", id: setting.to_string(), name: None },
        changes: Vec::new(),
        correlation: id(1),
    };
    let writes = DeviceWrites { new: devices, changed: Vec::new(), event };
    let decide = |_| Ok::<_, Error>(writes);
    assert!(storage.devices.write(SettingKey::new(owner, setting), &[], &[], noon(), decide).await.unwrap());
    database.execute(&statements).await.unwrap();
    database.keep_devices().await;
}

#[tokio::test]
async fn lists_of_devices_show_what_their_filter_and_order_say() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let mut runner = runner();
    let (owner, setting) = (tenant(1), SettingId(tenant(1).0));
    storage.tenants.create(tenant(2), "Other", noon(), None).await.unwrap();
    some_devices(&database, &storage, tenant(2), &mut runner).await;
    some_devices(&database, &storage, owner, &mut runner).await;
    let all =
        storage.devices.list(SettingKey::new(owner, setting), &ListQuery::default()).await.unwrap().rows;
    assert_eq!(all.len(), 80);
    let rows: Vec<_> = all.iter().map(Device).collect();

    let text = || texts().prop_map(Literal::Text).boxed();
    let moment = || moments().prop_map(Literal::DateTime).boxed();
    let ids: Vec<_> = all.iter().map(|device| device.id.0).chain((0..20).map(id)).collect();
    let ids = proptest::sample::select(ids).prop_map(|id| Literal::Text(id.to_string().to_uppercase()));
    let serials = (0..100_usize).prop_map(|number| Literal::Text(format!("sN{number}")));
    let fields = vec![
        (DeviceField::Id, ids.boxed()),
        (DeviceField::SerialNumber, serials.boxed()),
        (DeviceField::Description, text()),
        (DeviceField::Platform, member_of(members::PLATFORM)),
        (DeviceField::DiscoverySource, member_of(members::DISCOVERY_SOURCE)),
        (DeviceField::IsDeleted, any::<bool>().prop_map(Literal::Boolean).boxed()),
        (DeviceField::Created, moment()),
        (DeviceField::RequestedProfile, prop_oneof![text(), parts_of_ids()].boxed()),
        (DeviceField::RequestedProfileAt, moment()),
        (DeviceField::IsSupervised, any::<bool>().prop_map(Literal::Boolean).boxed()),
        (DeviceField::LastContacted, moment()),
        (DeviceField::EnrollmentState, member_of(members::ENROLLMENT_STATE)),
    ];
    let searched = vec![DeviceField::SerialNumber, DeviceField::Description, DeviceField::RequestedProfile];
    let ordered = orders(fields.clone(), &searched);
    let asked = (filters(fields, searched.clone(), None), ordered, 1..30_u32);
    for number in 0..TRIES {
        let (filter, order, top) = one(&mut runner, &asked);
        // Descriptions alone, upwards and downwards, in pages that end within long ones.
        let (order, top) = match number {
            0 | 3 => (vec![OrderBy { by: Expr::Field(DeviceField::Description), descending: number > 0 }], 5),
            _ => (order, top),
        };
        // What all fulfil is listed by other ways.
        let filter = if number % 3 == 0 { Expr::constant(true) } else { filter };
        let mut by = order.clone();
        // What arrived together is listed in the order of ids.
        if let Some(OrderBy { by: Expr::Field(DeviceField::Created), descending }) = order.last() {
            by.push(OrderBy { by: Expr::Field(DeviceField::Id), descending: *descending });
        }
        let wanted = expected(&rows, &filter, &by, |row| row.0.serial.to_ascii_lowercase());
        let wanted: Vec<_> = wanted.into_iter().map(|row| &row.0.serial).collect();
        let shown = format!("{filter:?} by {order:?}");
        let mut query = ListQuery { filter: Some(filter), order, top, count: true, ..ListQuery::default() };
        let mut found = Vec::new();
        loop {
            let Listed { rows, next, total } =
                storage.devices.list(SettingKey::new(owner, setting), &query).await.unwrap();
            assert_eq!(total, Some(wanted.len() as i64), "{shown}");
            found.extend(rows.into_iter().map(|row| row.serial));
            query.after = next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{shown}");
        let counted =
            storage.devices.count(SettingKey::new(owner, setting), query.filter.as_ref()).await.unwrap();
        assert_eq!(counted, wanted.len() as i64, "{shown}");
    }
}

struct Entry<'e>(&'e AuditEntry);

impl Row<AuditField> for Entry<'_> {
    fn value(&self, field: &AuditField) -> Option<Literal> {
        let entry = self.0;
        let text = |text: &str| Some(Literal::Text(text.to_owned()));
        let optional = |text: &Option<String>| text.clone().map(Literal::Text);
        match field {
            AuditField::Id => text(&entry.id.to_string()),
            AuditField::ActivityType => text(&entry.activity_type),
            AuditField::Component => text("Enrollment"),
            AuditField::Activity => text(&entry.activity),
            AuditField::At => Some(Literal::DateTime(entry.at)),
            AuditField::Operation => text(&entry.operation),
            AuditField::Result => text(&entry.result),
            AuditField::Correlation => Some(Literal::Guid(entry.correlation)),
            AuditField::Resources => None,
            AuditField::ResourceId => text(&entry.resource_id),
            AuditField::ResourceKind => text(&entry.resource_kind),
            AuditField::ResourceName => optional(&entry.resource_name),
            AuditField::ActorType => text(if entry.actor.user.is_some() { "ItPro" } else { "Application" }),
            AuditField::ActorUser => optional(&entry.actor.user),
            AuditField::ActorPrincipalName => optional(&entry.actor.principal_name),
            AuditField::ActorClient => optional(&entry.actor.client),
            AuditField::ActorClientName => optional(&entry.actor.client_name),
            AuditField::ActorAddress => optional(&entry.actor.address),
        }
    }

    fn items(&self, _collection: &AuditField) -> Vec<Box<dyn Row<AuditField> + '_>> {
        vec![Box::new(Entry(self.0))]
    }
}

async fn some_events(database: &TestDatabase, owner: TenantId, runner: &mut TestRunner) {
    let words = proptest::sample::select(&["create Thing", "upload", "Share it"][..]);
    let row = (
        (moments(), words, proptest::sample::select(&["Create", "Patch", "Action"][..])),
        (texts(), proptest::option::of(texts())),
        (any::<bool>(), texts(), proptest::option::of(texts())),
    );
    let (owner, mut statements) = (bytes(owner.0), String::new());
    for number in 0..60 {
        let ((at, activity, operation), (resource, name), (person, who, client)) = one(runner, &row);
        let actor = match person {
            true => {
                serde_json::json!({ "kind": "user", "user": who, "principalName": client, "client": "c" })
            }
            false => serde_json::json!({ "kind": "application", "client": who, "clientName": client }),
        };
        statements.push_str(&format!(
            "INSERT INTO audit_events (tenant, id, at, activity, operation, resource_type, resource_id, resource_name, \
             actor, changes, correlation) VALUES ({owner}, {}, {}, '{activity}', '{operation}', 'Thing', {}, {}, {}, \
             '[]', {});\n",
            bytes(id(number)),
            at.as_microsecond(),
            quoted(Some(&resource)),
            quoted(name.as_deref()),
            quoted(Some(&actor.to_string())),
            bytes(id(1000 + number % 7)),
        ));
    }
    database.execute(&statements).await.unwrap();
}

#[tokio::test]
async fn the_audit_log_shows_what_its_filter_and_order_say() {
    let database = TestDatabase::new(KIND).await;
    let storage: Storage = database.open().await;
    let mut runner = runner();
    let owner = tenant(1);
    storage.tenants.create(tenant(2), "Other", noon(), None).await.unwrap();
    some_events(&database, owner, &mut runner).await;
    some_events(&database, tenant(2), &mut runner).await;
    let all = storage.audit.list(owner, &ListQuery::default()).await.unwrap().rows;
    assert_eq!(all.len(), 60);
    let rows: Vec<_> = all.iter().map(Entry).collect();

    let text = || texts().prop_map(Literal::Text).boxed();
    let words = |words: &'static [&'static str]| {
        proptest::sample::select(words).prop_map(|word| Literal::Text(word.to_owned())).boxed()
    };
    let fields = vec![
        (AuditField::ActivityType, words(&["create thing", "UPLOAD THING", "a"])),
        (AuditField::Component, words(&["enrollment", "Enrollment", "Other"])),
        (AuditField::Activity, words(&["upload", "Share It", "z"])),
        (AuditField::At, moments().prop_map(Literal::DateTime).boxed()),
        (AuditField::Operation, words(&["create", "Patch", "Get"])),
        (AuditField::Correlation, (1000..1010_usize).prop_map(|number| Literal::Guid(id(number))).boxed()),
        (AuditField::ResourceId, text()),
        (AuditField::ResourceName, text()),
        (AuditField::ActorType, words(&["ItPro", "application", "b"])),
        (AuditField::ActorUser, text()),
        (AuditField::ActorClient, text()),
        (AuditField::ActorClientName, text()),
    ];
    let searched = vec![AuditField::ActivityType, AuditField::ResourceId, AuditField::ActorPrincipalName];
    let ordered = orders(fields.clone(), &searched);
    let asked = (filters(fields, searched.clone(), Some(AuditField::Resources)), ordered, 1..30_u32);
    for _ in 0..TRIES {
        let (filter, order, top) = one(&mut runner, &asked);
        let by = Expr::Field(AuditField::At);
        let newest_first = [OrderBy { by, descending: true }];
        let meant = if order.is_empty() { &newest_first[..] } else { &order };
        let wanted = expected(&rows, &filter, meant, |row| row.0.id.to_string());
        let wanted: Vec<_> = wanted.into_iter().map(|row| row.0.id).collect();
        let shown = format!("{filter:?} by {order:?}");
        let mut query = ListQuery { filter: Some(filter), order, top, ..ListQuery::default() };
        let mut found = Vec::new();
        loop {
            let page = storage.audit.list(owner, &query).await.unwrap();
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
async fn a_list_of_a_thousand_values_is_asked_for_without_fail() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let values = (0..1000).map(|number| Literal::Text(format!("{number}"))).collect();
    let filter = Expr::In(Box::new(Expr::Field(DeviceField::SerialNumber)), values);
    let counted = storage
        .devices
        .count(SettingKey::new(tenant(1), SettingId(tenant(1).0)), Some(&filter))
        .await
        .unwrap();
    assert_eq!(counted, 0);
}
