//! Concurrent writers on either database: each changes what it names and nothing else, and every change that was
//! acknowledged is there at the end. A writer reads back what it wrote before it goes on, so that a change that another one
//! undid is found where it happened.

use std::{future::Future, sync::Arc};

use adept::{
    app::App,
    domain::{
        AppleRecord, Caller, ClientId, DevicePatch, DevicePlatform, NewSetting, OperationType, Origin,
        Permission, ProfileId, ProfileKind, ProfilePatch, ProfileValue, SettingKey, SettingPatch,
    },
    storage::{ClientRow, SecretHash, Storage, TokenChanged},
};
use futures_util::future::BoxFuture;
use tokio::{sync::Mutex, task::JoinSet};

use super::{
    KIND,
    battery::{claim_one, id, make, part, record, server, store_page, upload},
};
use crate::support::{
    database::{noon, tenant},
    random::Random,
    test_app::TestApp,
};

/// Changes of each writer.
const ROUNDS: u64 = 25;

/// What writes one thing and reads it back.
struct Writer {
    name: String,
    write: Box<dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync>,
    read: Box<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>,
    /// What is read after a number was written.
    shows: fn(u64) -> String,
}

impl Writer {
    fn new<W, R>(
        name: &str,
        write: impl Fn(u64) -> W + Send + Sync + 'static,
        read: impl Fn() -> R + Send + Sync + 'static,
        shows: fn(u64) -> String,
    ) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
        R: Future<Output = String> + Send + 'static,
    {
        let name = name.to_owned();
        Self {
            name,
            write: Box::new(move |number| Box::pin(write(number))),
            read: Box::new(move || Box::pin(read())),
            shows,
        }
    }
}

/// Lets all of them write at once. A number is the round in thousands and something random below it.
async fn no_change_is_lost(writers: Vec<Writer>) {
    let random = Random::seeded();
    let seed = random.seed();
    let mut running = JoinSet::new();
    for (index, writer) in writers.into_iter().enumerate() {
        let mut random = random.with(index as u64);
        running.spawn(async move {
            let mut last = 0;
            for round in 0..ROUNDS {
                last = round * 1000 + random.below(1000);
                (writer.write)(last).await;
                for _ in 0..random.below(3) {
                    tokio::task::yield_now().await;
                }
                let name = &writer.name;
                assert_eq!((writer.read)().await, (writer.shows)(last), "seed {seed}, round {round}: {name}");
            }
            (writer, last)
        });
    }
    while let Some(ended) = running.join_next().await {
        let (writer, last) = ended.unwrap();
        let name = &writer.name;
        assert_eq!((writer.read)().await, (writer.shows)(last), "seed {seed}, at the end: {name}");
    }
}

/// The service, somebody who writes, and the setting that is written.
#[derive(Clone)]
struct Ground {
    app: Arc<App>,
    storage: Storage,
    origin: Origin,
    key: SettingKey,
}

impl Ground {
    async fn new(test: &TestApp) -> Self {
        let setting = make(&test.storage, tenant(1), 1, "Setting").await;
        let origin = Origin { caller: Caller::operator(tenant(1)), request: id(1) };
        Self { app: Arc::clone(&test.app), storage: test.storage.clone(), origin, key: setting.key() }
    }

    async fn edit(self, patch: SettingPatch) {
        self.app.settings.update(&self.origin, self.key.id, patch).await.unwrap();
    }

    async fn setting(self) -> adept::domain::Setting {
        self.storage.settings.get(self.key).await.unwrap().unwrap()
    }

    async fn generation(&self) -> i64 {
        self.storage.settings.state(self.key).await.unwrap().unwrap().assignment.desired_generation
    }

    async fn profile(&self, kind: ProfileKind, name: &str) -> ProfileId {
        let input = ProfilePatch { display_name: Some(Some(name.to_owned())), ..ProfilePatch::default() };
        self.app.profiles.create(&self.origin, self.key.id, kind, &input, None).await.unwrap().id
    }
}

fn is_even(number: u64) -> bool {
    number.is_multiple_of(2)
}

/// Pairs what writes with what reads, both with a clone of the same ground.
macro_rules! writer {
    ($ground:expr, $name:expr, |$on:pat_param, $number:ident| $write:expr, |$from:pat_param| $read:expr, $shows:expr) => {{
        let (writes, reads) = ($ground.clone(), $ground.clone());
        Writer::new(
            $name,
            move |$number| {
                let $on = writes.clone();
                async move { $write }
            },
            move || {
                let $from = reads.clone();
                async move { $read }
            },
            $shows,
        )
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_change_of_a_setting_is_lost_beside_others_and_renewals() {
    let test = TestApp::start_on_kind(KIND).await;
    let ground = Ground::new(&test).await;
    let writers = vec![
        writer!(
            ground,
            "tokenName",
            |it, number| {
                let token_name = Some(Some(format!("Name {number}")));
                it.edit(SettingPatch { token_name, ..SettingPatch::default() }).await
            },
            |it| it.setting().await.token_name.unwrap(),
            |number| format!("Name {number}")
        ),
        writer!(
            ground,
            "dataSharingConsentGranted",
            |it, number| {
                let data_sharing_consent = Some(is_even(number));
                it.edit(SettingPatch { data_sharing_consent, ..SettingPatch::default() }).await
            },
            |it| it.setting().await.data_sharing_consent.to_string(),
            |number| is_even(number).to_string()
        ),
        writer!(
            ground,
            "roleScopeTagIds",
            |it, number| {
                let role_scope_tag_ids = Some(Some(vec![number.to_string()]));
                it.edit(SettingPatch { role_scope_tag_ids, ..SettingPatch::default() }).await
            },
            |it| it.setting().await.role_scope_tag_ids.unwrap().concat(),
            |number| number.to_string()
        ),
        writer!(
            ground,
            "shareTokenWithSchoolDataSyncService",
            |it, number| {
                let share = is_even(number);
                it.app.settings.share_with_school_data_sync(&it.origin, it.key.id, share).await.unwrap();
            },
            |it| it.setting().await.share_with_school_data_sync.to_string(),
            |number| is_even(number).to_string()
        ),
        writer!(
            ground,
            "the server token",
            |it, number| {
                let seen = i64::try_from(number / 1000).unwrap();
                let setting = it.clone().setting().await;
                let known = server("AAAA", Some("ORG"));
                let changed = upload(&it.storage, &setting, u128::from(number), seen, &known, true).await;
                assert_eq!(changed, TokenChanged::Done);
            },
            |it| it.setting().await.token_generation.to_string(),
            |number| (number / 1000 + 1).to_string()
        ),
    ];
    no_change_is_lost(writers).await;
}

/// A property of a profile that is written as text.
fn text_of_profile(ground: &(Ground, ProfileId), property: &'static str) -> Writer {
    writer!(
        ground,
        property,
        |(it, id), number| {
            let mut patch = ProfilePatch::default();
            let text = format!("Text {number}");
            match property {
                "displayName" => patch.display_name = Some(Some(text)),
                "description" => patch.description = Some(Some(text)),
                _ => {
                    patch.values.insert(property, Some(ProfileValue::Text(text)));
                }
            }
            it.app.profiles.update(&it.origin, it.key.id, id, &patch).await.unwrap();
        },
        |(it, id)| {
            let profile = it.storage.profiles.get(it.key, id).await.unwrap().unwrap();
            match (property, profile.values.get(property)) {
                ("displayName", _) => profile.display_name.unwrap(),
                ("description", _) => profile.description.unwrap(),
                (_, Some(ProfileValue::Text(text))) => text.clone(),
                (_, other) => format!("{other:?}"),
            }
        },
        |number| format!("Text {number}")
    )
}

fn flag_of_profile(ground: &(Ground, ProfileId), property: &'static str) -> Writer {
    writer!(
        ground,
        property,
        |(it, id), number| {
            let mut patch = ProfilePatch::default();
            patch.values.insert(property, Some(ProfileValue::Bool(is_even(number))));
            it.app.profiles.update(&it.origin, it.key.id, id, &patch).await.unwrap();
        },
        |(it, id)| it.storage.profiles.get(it.key, id).await.unwrap().unwrap().flag(property).to_string(),
        |number| is_even(number).to_string()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_change_of_a_profile_or_a_default_is_lost_and_each_makes_the_desired_state_another_one() {
    let test = TestApp::start_on_kind(KIND).await;
    let ground = Ground::new(&test).await;
    let kinds =
        [ProfileKind::Ios, ProfileKind::MacOs].map(|kind| (kind, kind.platform().unwrap(), kind.as_str()));
    let changed = (ground.clone(), ground.profile(ProfileKind::Ios, "Changed").await);
    let mut writers = vec![
        text_of_profile(&changed, "displayName"),
        text_of_profile(&changed, "description"),
        text_of_profile(&changed, "supportDepartment"),
        flag_of_profile(&changed, "locationDisabled"),
        flag_of_profile(&changed, "siriDisabled"),
    ];
    let changes = writers.len() as u64 * ROUNDS;
    for (kind, platform, name) in kinds {
        let profiles = [ground.profile(kind, "0").await, ground.profile(kind, "1").await];
        writers.push(writer!(
            (ground.clone(), profiles),
            &format!("the default of {name}"),
            |(it, profiles), number| {
                let setting = it.key.id;
                let chosen = profiles[usize::from(is_even(number))];
                it.app.profiles.set_default(&it.origin, setting, chosen, None).await.unwrap();
                // Cleared in every fifth round, and set again in the next.
                if number / 1000 % 5 == 4 {
                    it.app.profiles.clear_default(&it.origin, setting, platform).await.unwrap();
                }
            },
            |(it, _profiles)| {
                let shown = it.storage.profiles.default_of(it.key, platform).await.unwrap();
                shown.map_or_else(|| "none".to_owned(), |profile| profile.display_name.unwrap())
            },
            |number| match number / 1000 % 5 {
                4 => "none".to_owned(),
                _ => u64::from(is_even(number)).to_string(),
            }
        ));
    }
    let before = ground.generation().await;
    no_change_is_lost(writers).await;
    let defaults = 2 * (ROUNDS + ROUNDS / 5);
    let grown = u64::try_from(ground.generation().await - before).unwrap();
    assert_eq!(grown, changes + defaults, "no change of the desired state is overlooked by an assignment");
}

const SERIALS: [&str; 4] = ["C0", "C1", "C2", "C3"];

/// What Apple says of each device in a round: another profile, and nothing of what people change.
fn page(number: u64) -> Vec<AppleRecord> {
    let second = i64::try_from(number / 1000).unwrap() + 10;
    let of = |serial: &&str| AppleRecord {
        platform: None,
        description: None,
        profile_uuid: Some(format!("{number:032}")),
        profile_status: Some("assigned".to_owned()),
        ..record(serial, Some((OperationType::Modified, second)), u128::from(number) + 1)
    };
    SERIALS.iter().map(of).collect()
}

/// A device as everything that is stored of it says.
async fn stored(it: &Ground, serial: &str) -> (adept::domain::DeviceRow, Option<String>) {
    let mut rows = it.storage.devices.of_serials(it.key, &[serial.to_owned()]).await.unwrap();
    let device = it.storage.devices.everywhere(serial).await.unwrap().remove(0).device;
    (rows.remove(0), device.profile_uuid)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_change_of_a_device_is_lost_beside_pages_of_apples() {
    let test = TestApp::start_on_kind(KIND).await;
    let ground = Ground::new(&test).await;
    let setting = ground.clone().setting().await;
    upload(&ground.storage, &setting, 1, 0, &server("AAAA", None), true).await;
    let claim = Arc::new(Mutex::new((claim_one(&ground.storage, noon()).await, 0)));
    let first: Vec<_> = SERIALS.iter().map(|serial| record(serial, None, 0)).collect();
    assert_eq!(store_page(&ground.storage, &claim.lock().await.0, 0, first).await, Some((4, 0, 0)));
    claim.lock().await.1 = 1;
    let profiles =
        [ground.profile(ProfileKind::MacOs, "0").await, ground.profile(ProfileKind::MacOs, "1").await];
    let shared = (ground.clone(), profiles);
    let platforms = [DevicePlatform::Ios, DevicePlatform::TvOs];
    let mut writers = vec![writer!(
        (ground.clone(), Arc::clone(&claim)),
        "a page of Apple's",
        |(it, claim), number| {
            let mut held = claim.lock().await;
            let (claim, revision) = &mut *held;
            let stored = store_page(&it.storage, claim, *revision, page(number)).await;
            assert_eq!(stored, Some((0, 4, 0)), "{:?}", part(claim, 1));
            *revision += 1;
        },
        |(it, _claim)| {
            let mut uuids = Vec::new();
            for serial in SERIALS {
                uuids.push(stored(&it, serial).await.1.unwrap());
            }
            uuids.dedup();
            uuids.join(" and ")
        },
        |number| format!("{number:032}")
    )];
    for serial in &SERIALS[..2] {
        writers.push(writer!(
            ground,
            &format!("description of {serial}"),
            |it, number| {
                let id = stored(&it, serial).await.0.id;
                let description = Some(Some(format!("Text {number}")));
                let patch = DevicePatch { description, ..DevicePatch::default() };
                it.app.devices.update(&it.origin, it.key.id, id, patch).await.unwrap();
            },
            |it| stored(&it, serial).await.0.description.unwrap(),
            |number| format!("Text {number}")
        ));
        writers.push(writer!(
            (ground.clone(), platforms),
            &format!("platform of {serial}, imported"),
            |(it, platforms), number| {
                let platform = Some(platforms[usize::from(is_even(number))].as_str());
                let serial = Some((*serial).to_owned());
                let patch = DevicePatch { serial, platform, ..DevicePatch::default() };
                let imported = it.app.devices.import(&it.origin, it.key.id, vec![patch], true).await.unwrap();
                assert!(imported[0].accepted);
            },
            |(it, _platforms)| stored(&it, serial).await.0.platform.as_str().to_owned(),
            |number| if is_even(number) { "tvOS" } else { "ios" }.to_owned()
        ));
        writers.push(writer!(
            shared,
            &format!("desired profile of {serial}"),
            |(it, profiles), number| {
                let (serials, chosen) = (vec![(*serial).to_owned()], profiles[usize::from(is_even(number))]);
                it.app.profiles.assign(&it.origin, it.key.id, chosen, serials).await.unwrap();
            },
            |(it, profiles)| {
                let desired = stored(&it, serial).await.0.desired_profile;
                profiles.iter().position(|id| Some(*id) == desired).unwrap().to_string()
            },
            |number| u64::from(is_even(number)).to_string()
        ));
    }
    writers.push(writer!(
        ground,
        "a device that comes and goes",
        |it, number| {
            let serial = Some(format!("NEW{number}"));
            let patch = DevicePatch { serial, ..DevicePatch::default() };
            let made = it.app.devices.create(&it.origin, it.key.id, patch, None).await.unwrap();
            it.app.devices.remove(&it.origin, it.key.id, made.id).await.unwrap();
        },
        |_it| String::new(),
        |_| String::new()
    ));
    no_change_is_lost(writers).await;
    assert_eq!(ground.setting().await.sync.device_count, 4);
}

fn client(number: u128, name: String) -> ClientRow {
    ClientRow {
        tenant: tenant(1),
        id: ClientId(id(40_000 + number)),
        name,
        secret: SecretHash { key_id: "1".to_owned(), mac: vec![1; 32] },
        permissions: [Permission::ServiceConfigReadWrite].into_iter().collect(),
        disabled: false,
        created_at: noon(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_change_of_a_client_or_a_tenant_is_lost_beside_new_ones() {
    let test = TestApp::start_on_kind(KIND).await;
    let ground = Ground::new(&test).await;
    let (other, storage) = (tenant(2), &ground.storage);
    storage.tenants.create(other, "Other", noon(), None).await.unwrap();
    let clients = [client(1, "One".to_owned()), client(2, "Two".to_owned())];
    let mut writers = Vec::new();
    for client in &clients {
        storage.clients.add(client, None).await.unwrap();
        writers.push(writer!(
            (ground.clone(), client.id),
            &client.name,
            |(it, id), number| {
                assert!(
                    it.storage.clients.set_disabled((tenant(1), id), is_even(number), None).await.unwrap()
                );
            },
            |(it, id)| it.storage.clients.get(tenant(1), id).await.unwrap().unwrap().disabled.to_string(),
            |number| is_even(number).to_string()
        ));
    }
    writers.push(writer!(
        ground,
        "new clients",
        |it, number| {
            let new = client(1000 + u128::from(number), format!("Client {number}"));
            it.storage.clients.add(&new, None).await.unwrap();
        },
        |it| it.storage.clients.list(tenant(1)).await.unwrap().len().to_string(),
        |number| (number / 1000 + 3).to_string()
    ));
    for (name, changed) in [("the tenant", tenant(1)), ("the other tenant", other)] {
        writers.push(writer!(
            (ground.clone(), changed),
            name,
            |(it, tenant), number| {
                assert!(it.storage.tenants.set_disabled(tenant, is_even(number), None).await.unwrap());
            },
            |(it, tenant)| it.storage.tenants.get(tenant).await.unwrap().unwrap().disabled.to_string(),
            |number| is_even(number).to_string()
        ));
    }
    // Each takes the tenant's row.
    writers.push(writer!(
        ground,
        "new settings",
        |it, number| {
            let token_name = Some(format!("Setting {number}"));
            let new = NewSetting { token_name, ..NewSetting::default() };
            it.app.settings.create(&it.origin, new, None).await.unwrap();
        },
        |it| it.storage.settings.count(tenant(1), None).await.unwrap().to_string(),
        // With the first one.
        |number| (number / 1000 + 2).to_string()
    ));
    no_change_is_lost(writers).await;
}
