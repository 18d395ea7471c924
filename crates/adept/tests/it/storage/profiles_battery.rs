//! What must hold of profiles, defaults and desired state on either database.

use std::slice::from_ref;

use adept::{
    domain::{
        AuditEvent, AuditResource, DeviceId, DevicePlatform, DeviceRow, DiscoverySource, KeyPairId, Profile,
        ProfileField, ProfileId, ProfileKind, ProfileValue, Setting, SettingId, SettingKey, TokenType,
    },
    storage::{
        Created, DesiredChange, DeviceWrites, EntityCreated, Error, ListQuery, NewKeyPair, ProfileDeleted,
        Storage,
    },
};
use adept_odata::{CompareOp, Expr, Literal, OrderBy};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::KIND;
use crate::support::database::{TestDatabase, noon, tenant};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x3000_0000_0000_7000_8000_0000_0000_0000 + number)
}

fn event(number: u128) -> AuditEvent {
    AuditEvent {
        id: id(1_000_000 + number),
        at: noon(),
        actor: None,
        activity: "test",
        operation: "Action",
        resource: AuditResource { kind: "EnrollmentProfile", id: "x".to_owned(), name: None },
        changes: Vec::new(),
        correlation: id(1),
    }
}

async fn setting(storage: &Storage, number: u128) -> SettingId {
    let setting =
        Setting::new(SettingKey::new(tenant(1), SettingId(id(number))), TokenType::Dep, None, noon());
    let pair = NewKeyPair {
        id: KeyPairId(id(500_000 + number)),
        created_at: noon(),
        certificate: vec![1],
        pkcs8: Zeroizing::new(vec![7; 32]),
    };
    let made = storage.settings.create(&setting, &pair, 100, None, &event(number)).await.unwrap();
    assert!(matches!(made, Created::Done));
    setting.id
}

fn profile(setting: SettingId, number: u128, name: &str) -> Profile {
    let nested =
        ProfileValue::Object([("certificate".to_owned(), ProfileValue::Text("ü\"".to_owned()))].into());
    Profile {
        tenant: tenant(1),
        setting,
        id: ProfileId(id(10_000 + number)),
        kind: ProfileKind::Ios,
        display_name: Some(name.to_owned()),
        description: None,
        values: [
            ("supervisedModeEnabled".to_owned(), ProfileValue::Bool(true)),
            ("sharedIPadMaximumUserCount".to_owned(), ProfileValue::Int(5)),
            ("managementCertificates".to_owned(), ProfileValue::List(vec![nested])),
        ]
        .into(),
        has_admin_password: false,
        is_default: false,
        revision: 1,
        version: 1,
        created_at: noon(),
        modified_at: noon(),
        enrollment_url: None,
    }
}

async fn make(storage: &Storage, setting: SettingId, number: u128, name: &str) -> Profile {
    let made = profile(setting, number, name);
    let created = storage.profiles.create(&made, None, None, &event(10_000 + number)).await.unwrap();
    assert_eq!(created, EntityCreated::Done);
    made
}

fn device(setting: SettingId, number: u128, serial: &str) -> DeviceRow {
    DeviceRow {
        id: DeviceId(id(20_000 + number)),
        setting,
        serial: serial.to_owned(),
        platform: DevicePlatform::Ios,
        description: Some("O'Brien's".to_owned()),
        source: DiscoverySource::AdminImport,
        deleted: false,
        created_at: noon(),
        desired_profile: None,
        desired_at: None,
        supervised: false,
    }
}

fn own(serials: &[&str]) -> Vec<String> {
    serials.iter().map(|serial| (*serial).to_owned()).collect()
}

#[tokio::test]
async fn a_profile_comes_back_as_it_was_made_and_only_from_its_setting() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let (first, second) = (setting(&storage, 1).await, setting(&storage, 2).await);
    let made = make(&storage, first, 1, "Ümläut").await;
    assert_eq!(
        storage.profiles.get(SettingKey::new(tenant(1), first), made.id).await.unwrap(),
        Some(made.clone())
    );
    assert_eq!(storage.profiles.get(SettingKey::new(tenant(1), second), made.id).await.unwrap(), None);
    assert_eq!(storage.profiles.get(SettingKey::new(tenant(2), first), made.id).await.unwrap(), None);
    let nowhere = profile(SettingId(id(99)), 2, "n");
    let created = storage.profiles.create(&nowhere, None, None, &event(77)).await.unwrap();
    assert_eq!(created, EntityCreated::NotFound);
}

#[tokio::test]
async fn profiles_are_listed_filtered_by_type_and_ordered() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let setting = setting(&storage, 1).await;
    for (number, name) in ["b", "A", "c"].into_iter().enumerate() {
        make(&storage, setting, number as u128, name).await;
    }
    let by = Expr::Field(ProfileField::DisplayName);
    let order = vec![OrderBy { by, descending: false }];
    let query = ListQuery { order, top: 2, count: true, ..ListQuery::default() };
    let page = storage.profiles.list(SettingKey::new(tenant(1), setting), &query).await.unwrap();
    assert_eq!(page.total, Some(3));
    let names: Vec<_> = page.rows.iter().map(|row| row.display_name.clone().unwrap()).collect();
    assert_eq!(names, ["A", "b"]);
    let rest = storage
        .profiles
        .list(SettingKey::new(tenant(1), setting), &ListQuery { after: page.next, ..query })
        .await
        .unwrap();
    assert_eq!(rest.rows.len(), 1);
    let compare = |field, value| Expr::compare(field, CompareOp::Eq, value);
    let full = profile(setting, 1, "").full_id().to_uppercase();
    for (filter, count) in [
        (compare(ProfileField::Id, Literal::Text(full)), 1),
        (compare(ProfileField::Kind, Literal::Enum { member: "depIOSEnrollmentProfile", ordinal: 2 }), 3),
        (compare(ProfileField::Kind, Literal::Enum { member: "depMacOSEnrollmentProfile", ordinal: 3 }), 0),
    ] {
        assert_eq!(
            storage.profiles.count(SettingKey::new(tenant(1), setting), Some(&filter)).await.unwrap(),
            count
        );
    }
}

#[tokio::test]
async fn a_password_is_sealed_bound_to_its_profile_and_cleared() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let setting = setting(&storage, 1).await;
    let made = profile(setting, 1, "p");
    let secret = Zeroizing::new("s3cret".to_owned());
    let created = storage.profiles.create(&made, Some(&secret), None, &event(1000)).await.unwrap();
    assert_eq!(created, EntityCreated::Done);
    let stored = storage.profiles.get(SettingKey::new(tenant(1), setting), made.id).await.unwrap().unwrap();
    assert!(stored.has_admin_password);
    assert_eq!(&**storage.profiles.admin_password(&stored).await.unwrap().unwrap(), b"s3cret");
    let key = (SettingKey::new(tenant(1), setting), made.id);
    for (number, password, is_kept) in [(1001, None, true), (1002, Some(None), false)] {
        let same = |old: &Profile| Ok::<_, Error>((old.clone(), event(number)));
        assert!(storage.profiles.update(key, password, noon(), same).await.unwrap().is_some());
        assert_eq!(storage.profiles.admin_password(&stored).await.unwrap().is_some(), is_kept);
    }
}

#[tokio::test]
async fn each_change_is_made_on_top_of_the_one_before() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let setting = setting(&storage, 1).await;
    let made = make(&storage, setting, 1, "p").await;
    let changes = (0..4u128).map(|number| {
        let (storage, key) = (storage.clone(), (SettingKey::new(tenant(1), setting), made.id));
        tokio::spawn(async move {
            let more = |old: &Profile| {
                let changed = Profile { revision: old.revision + 1, ..old.clone() };
                Ok::<_, Error>((changed, event(2000 + number)))
            };
            storage.profiles.update(key, None, noon(), more).await.unwrap().unwrap().revision
        })
    });
    let mut revisions = Vec::new();
    for change in changes.collect::<Vec<_>>() {
        revisions.push(change.await.unwrap() - made.revision);
    }
    revisions.sort_unstable();
    assert_eq!(revisions, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_platform_has_one_default_and_a_default_cannot_be_deleted() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let setting = setting(&storage, 1).await;
    let (first, second) = (make(&storage, setting, 1, "a").await, make(&storage, setting, 2, "b").await);
    let ios = DevicePlatform::Ios;
    assert_eq!(storage.profiles.default_of(SettingKey::new(tenant(1), setting), ios).await.unwrap(), None);
    for (number, profile) in [(1, &first), (2, &second)] {
        assert!(storage.profiles.set_default(profile, ios, &event(3000 + number)).await.unwrap());
        let default =
            storage.profiles.default_of(SettingKey::new(tenant(1), setting), ios).await.unwrap().unwrap();
        assert_eq!((default.id, default.is_default), (profile.id, true));
    }
    assert!(
        !storage
            .profiles
            .get(SettingKey::new(tenant(1), setting), first.id)
            .await
            .unwrap()
            .unwrap()
            .is_default
    );
    assert_eq!(
        storage
            .profiles
            .default_of(SettingKey::new(tenant(1), setting), DevicePlatform::MacOs)
            .await
            .unwrap(),
        None
    );
    assert_eq!(storage.profiles.delete(&second, &event(3010)).await.unwrap(), ProfileDeleted::IsDefault);
    assert!(
        storage.profiles.clear_default(SettingKey::new(tenant(1), setting), ios, &event(3011)).await.unwrap()
    );
    assert!(
        !storage
            .profiles
            .clear_default(SettingKey::new(tenant(1), setting), ios, &event(3012))
            .await
            .unwrap()
    );
    assert_eq!(storage.profiles.delete(&second, &event(3013)).await.unwrap(), ProfileDeleted::Done);
    assert_eq!(storage.profiles.delete(&second, &event(3014)).await.unwrap(), ProfileDeleted::NotFound);
    assert!(!storage.profiles.set_default(&second, ios, &event(3015)).await.unwrap());
}

/// Writes devices whatever is listed.
async fn manual_import(
    storage: &Storage,
    key: SettingKey,
    new: &[DeviceRow],
    changed: &[DeviceRow],
    event: AuditEvent,
) -> bool {
    let writes = DeviceWrites { new: new.to_vec(), changed: changed.to_vec(), event };
    storage.devices.write(key, &[], &[], noon(), |_| Ok::<_, Error>(writes)).await.unwrap()
}

#[tokio::test]
async fn a_profile_is_wanted_by_all_named_devices_or_by_none() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let (own_setting, other) = (setting(&storage, 1).await, setting(&storage, 2).await);
    let wanted = make(&storage, own_setting, 1, "a").await;
    let devices = [device(own_setting, 1, "SERIAL1"), device(own_setting, 2, "SERIAL2")];
    let key = SettingKey::new(tenant(1), own_setting);
    assert!(manual_import(&storage, key, &devices, &[], event(4000)).await);
    let foreign = [device(other, 3, "FOREIGN")];
    assert!(manual_import(&storage, SettingKey::new(tenant(1), other), &foreign, &[], event(4001)).await);
    assert_eq!(
        storage
            .settings
            .get(SettingKey::new(tenant(1), own_setting))
            .await
            .unwrap()
            .unwrap()
            .sync
            .device_count,
        2
    );

    let refused = storage
        .devices
        .set_desired_profile(&wanted, &own(&["SERIAL1", "FOREIGN", "x'"]), noon(), &event(4002))
        .await;
    let DesiredChange::Unknown(mut unknown) = refused.unwrap() else { panic!("not refused") };
    unknown.sort();
    assert_eq!(unknown, ["FOREIGN", "x'"]);
    let row =
        storage.devices.get(SettingKey::new(tenant(1), own_setting), devices[0].id).await.unwrap().unwrap();
    assert_eq!(row.desired_profile, None);

    let done =
        storage.devices.set_desired_profile(&wanted, &own(&["serial1"]), noon(), &event(4003)).await.unwrap();
    assert_eq!(done, DesiredChange::Done);
    let row =
        storage.devices.get(SettingKey::new(tenant(1), own_setting), devices[0].id).await.unwrap().unwrap();
    assert_eq!((row.desired_profile, row.desired_at), (Some(wanted.id), Some(noon())));
    assert!(row.supervised);
    assert_eq!(storage.profiles.delete(&wanted, &event(4004)).await.unwrap(), ProfileDeleted::Wanted(1));
    assert!(
        storage
            .devices
            .remove(SettingKey::new(tenant(1), own_setting), devices[0].id, &event(4005))
            .await
            .unwrap()
    );
    assert!(
        !storage
            .devices
            .remove(SettingKey::new(tenant(1), own_setting), devices[0].id, &event(4006))
            .await
            .unwrap()
    );
    assert_eq!(
        storage
            .settings
            .get(SettingKey::new(tenant(1), own_setting))
            .await
            .unwrap()
            .unwrap()
            .sync
            .device_count,
        1
    );
    assert_eq!(storage.profiles.delete(&wanted, &event(4007)).await.unwrap(), ProfileDeleted::Done);
    let gone =
        storage.devices.set_desired_profile(&wanted, &own(&["SERIAL2"]), noon(), &event(4008)).await.unwrap();
    assert_eq!(gone, DesiredChange::NotFound);
}

#[tokio::test]
async fn devices_manually_are_added_once_and_changed_in_place() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let setting = setting(&storage, 1).await;
    let key = SettingKey::new(tenant(1), setting);
    let first = device(setting, 1, "Serial1");
    let write = async |new: &[DeviceRow], changed: &[DeviceRow], number| {
        assert!(manual_import(&storage, key, new, changed, event(number)).await);
    };
    write(from_ref(&first), &[], 5000).await;
    let serials = own(&["SERIAL1"]);
    let refused = storage.devices.write(key, &serials, &[], noon(), |listed| {
        assert_eq!(listed, from_ref(&first), "anyone who writes sees what is listed");
        Err(Error::Position)
    });
    assert!(refused.await.is_err());
    let listed = storage
        .devices
        .of_serials(SettingKey::new(tenant(1), setting), &own(&["SERIAL1", "none"]))
        .await
        .unwrap();
    assert_eq!(listed, from_ref(&first));
    assert_eq!(
        storage.settings.get(SettingKey::new(tenant(1), setting)).await.unwrap().unwrap().sync.device_count,
        1
    );
    let changed = DeviceRow { description: None, platform: DevicePlatform::MacOs, supervised: true, ..first };
    write(&[], from_ref(&changed), 5002).await;
    assert_eq!(
        storage.devices.get(SettingKey::new(tenant(1), setting), changed.id).await.unwrap(),
        Some(changed)
    );
}

#[tokio::test]
async fn only_devices_that_apple_lists_can_be_released() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let setting = setting(&storage, 1).await;
    let imported = [device(setting, 1, "BYHAND")];
    assert!(manual_import(&storage, SettingKey::new(tenant(1), setting), &imported, &[], event(6000)).await);
    let refused = storage
        .devices
        .request_release(SettingKey::new(tenant(1), setting), &own(&["BYHAND"]), 1000, noon(), &event(6001))
        .await
        .unwrap();
    assert_eq!(refused, DesiredChange::Unknown(own(&["BYHAND"])));
}

#[tokio::test]
async fn a_profile_is_never_wanted_or_default_after_its_deletion_even_when_both_race() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let setting = setting(&storage, 1).await;
    let listed = [device(setting, 1, "SERIAL1")];
    assert!(manual_import(&storage, SettingKey::new(tenant(1), setting), &listed, &[], event(7000)).await);
    for round in 0..5u128 {
        let raced = make(&storage, setting, 100 + round, "raced").await;
        let (wanting, defaulting, deleting) = (storage.clone(), storage.clone(), storage.clone());
        let (first, second, third) = (raced.clone(), raced.clone(), raced.clone());
        let base = 7100 + round * 10;
        let desired = tokio::spawn(async move {
            wanting
                .devices
                .set_desired_profile(&first, &own(&["SERIAL1"]), noon(), &event(base))
                .await
                .unwrap()
        });
        let default = tokio::spawn(async move {
            defaulting.profiles.set_default(&second, DevicePlatform::Ios, &event(base + 1)).await.unwrap()
        });
        let deleted =
            tokio::spawn(async move { deleting.profiles.delete(&third, &event(base + 2)).await.unwrap() });
        let (desired, default, deleted) =
            (desired.await.unwrap(), default.await.unwrap(), deleted.await.unwrap());
        if deleted == ProfileDeleted::Done {
            assert_eq!((desired, default), (DesiredChange::NotFound, false));
        } else {
            assert!(
                storage.profiles.get(SettingKey::new(tenant(1), setting), raced.id).await.unwrap().is_some()
            );
        }
    }
}
