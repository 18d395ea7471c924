//! What changes while a run is under way, or while another process runs, is not lost.

use std::{mem, sync::Arc};

use adept::{
    app::AppOptions,
    domain::{AuditEvent, AuditResource, Caller, Origin},
    storage::DesiredChange,
};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Ground, KINDS};
use crate::{
    onboarding::upload,
    support::{
        database::Kind,
        test_app::{S, TestApp},
    },
    sync::{fault, held, release},
};

const IOS: &str = "depIOSEnrollmentProfile";
const OTHER: &str = "https://other.example.org/enroll";

/// Another process, which starts with another enrollment URL.
async fn started_elsewhere(ground: &Ground) -> TestApp {
    let options = AppOptions { mdm_url: Some(OTHER.to_owned()), ..AppOptions::default() };
    let started = ground.test.started_as(options).await;
    started.app.shared_profile_options.note().await;
    started
}

/// A setting whose device has its profile under the first enrollment URL.
async fn assigned(kind: Kind, devices: u32) -> (Ground, String) {
    let ground = Ground::new(kind, devices).await;
    ground.test.app.shared_profile_options.note().await;
    let profile = ground.profile(IOS, "Wanted").await;
    ground.want(&profile, &ground.serials(None).await[..1]).await;
    ground.settle().await;
    (ground, profile)
}

/// How many devices have a profile with the other enrollment URL.
async fn with_other_url(ground: &Ground) -> usize {
    let of = |kind: &str| format!("/servers/{}/{kind}", ground.server);
    let devices = ground.portal(Method::GET, &of("devices?limit=10000"), json!(null)).await;
    let profiles = ground.portal(Method::GET, &of("profiles"), json!(null)).await;
    let profiles = profiles["profiles"].as_array().unwrap();
    let other = |uuid: &Value| {
        profiles.iter().any(|known| known["profile_uuid"] == *uuid && known["profile"]["url"] == OTHER)
    };
    devices["devices"].as_array().unwrap().iter().filter(|device| other(&device["profile_uuid"])).count()
}

async fn survives_a_rolling_restart(kind: Kind) {
    let (mut ground, profile) = assigned(kind, 2).await;
    let first = started_elsewhere(&ground).await;
    assert_eq!(
        ground.test.app.scheduler.assign_what_is_due().await.unwrap(),
        0,
        "the older process leaves it alone"
    );
    let second = started_elsewhere(&ground).await;
    let serial = ground.serials(None).await[0].clone();
    let told = second.app.devices.explain(&serial).await.unwrap().remove(0).sentences.join(" ");
    assert!(told.contains("another enrollment URL") && told.contains("at the next run"), "{told}");
    let older = mem::replace(&mut ground.test, second);
    ground.settle().await;
    assert_eq!(with_other_url(&ground).await, 1);
    let told = older.app.devices.explain(&serial).await.unwrap().remove(0).sentences.join(" ");
    assert!(told.contains("It is in the desired state."), "{told}");

    ground.want(&profile, &ground.serials(None).await).await;
    older.clock.advance(SignedDuration::from_mins(31));
    assert_eq!(older.app.scheduler.assign_what_is_due().await.unwrap(), 0);
    assert_eq!(older.app.scheduler.sync_what_is_due().await.unwrap(), 1, "syncs go on");
    assert_eq!(first.app.scheduler.assign_what_is_due().await.unwrap(), 1);
    assert_eq!(with_other_url(&ground).await, 2);
}

#[tokio::test]
async fn another_enrollment_url_survives_an_older_process_on_sqlite() {
    survives_a_rolling_restart(Kind::Sqlite).await;
}

#[tokio::test]
async fn another_enrollment_url_survives_an_older_process_on_postgresql() {
    survives_a_rolling_restart(Kind::Postgres).await;
}

async fn survives_a_run_under_way(kind: Kind) {
    let (mut ground, profile) = assigned(kind, 1002).await;
    ground.want(&profile, &ground.serials(None).await).await;
    let hold = json!({ "match": { "path": "/profile/devices", "nth": 1 }, "do": { "hold": "after" } });
    let rule = fault(&ground.test, hold).await;
    let app = Arc::clone(&ground.test.app);
    let running = tokio::spawn(async move { app.scheduler.assign_what_is_due().await.unwrap() });
    held(&ground.test, &rule, 1).await;
    let started = started_elsewhere(&ground).await;
    release(&ground.test, &rule).await;
    assert_eq!(running.await.unwrap(), 1);
    assert_eq!(with_other_url(&ground).await, 0);
    let without = ground.truth().await.into_values().filter(Option::is_none).count();
    assert_eq!(without, 1, "the older process begins no other call");
    let _older = mem::replace(&mut ground.test, started);
    ground.settle().await;
    assert_eq!(with_other_url(&ground).await, 1002);
}

#[tokio::test]
async fn another_enrollment_url_survives_a_run_that_was_under_way_on_sqlite() {
    survives_a_run_under_way(Kind::Sqlite).await;
}

#[tokio::test]
async fn another_enrollment_url_survives_a_run_that_was_under_way_on_postgresql() {
    survives_a_run_under_way(Kind::Postgres).await;
}

#[tokio::test]
async fn another_enrollment_url_reaches_a_setting_that_was_deleted_and_restored() {
    let (mut ground, _) = assigned(Kind::Sqlite, 1).await;
    let setting = ground.setting.parse().unwrap();
    let app = Arc::clone(&ground.test.app);
    let caller = Caller::operator(ground.test.storage.default_tenant());
    let origin = Origin { caller, request: app.clock().new_id() };
    app.settings.delete(&origin, setting, true).await.unwrap();
    ground.test = started_elsewhere(&ground).await;
    ground.settle().await;
    ground.test.app.settings.restore(setting).await.unwrap();
    let token = ground.test.portal.token(&ground.server).await;
    assert_eq!(upload(&ground.client().await, &ground.setting, &token).await.status, 204);
    ground.settle().await;
    assert_eq!(with_other_url(&ground).await, 1);
}

/// A device that is wanted in the midst of a run, through a process whose clock is behind.
async fn wanted_in_the_midst_of_a_run(kind: Kind) {
    let ground = Ground::new(kind, 1002).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.settle().await;
    ground.want(&profile, &serials[..1001]).await;
    let hold = json!({ "match": { "path": "/profile/devices", "nth": 1 }, "do": { "hold": "after" } });
    let rule = fault(&ground.test, hold).await;
    let app = Arc::clone(&ground.test.app);
    let running = tokio::spawn(async move { app.scheduler.assign_what_is_due().await.unwrap() });
    held(&ground.test, &rule, 1).await;

    let storage = &ground.test.storage;
    let (tenant, setting) = (storage.default_tenant(), ground.setting.parse().unwrap());
    let wanted = storage
        .profiles
        .get(adept::domain::SettingKey::new(tenant, setting), profile.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let behind = ground.test.clock.now() - SignedDuration::from_mins(1);
    let id = ground.test.app.clock().new_id();
    let event = AuditEvent {
        id,
        at: behind,
        actor: None,
        activity: "test",
        operation: "Action",
        resource: AuditResource { kind: "EnrollmentProfile", id: profile, name: None },
        changes: Vec::new(),
        correlation: id,
    };
    let changed =
        storage.devices.set_desired_profile(&wanted, &serials[1001..], behind, &event).await.unwrap();
    assert_eq!(changed, DesiredChange::Done);
    release(&ground.test, &rule).await;
    assert_eq!(running.await.unwrap(), 1);
    ground.settle().await;
    let truth = ground.truth().await;
    assert!(truth.values().all(|name| name.as_deref() == Some("Wanted")));
}

#[tokio::test]
async fn a_device_that_is_wanted_in_the_midst_of_a_run_is_assigned_whatever_the_clocks_say_on_sqlite() {
    wanted_in_the_midst_of_a_run(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_device_that_is_wanted_in_the_midst_of_a_run_is_assigned_whatever_the_clocks_say_on_postgresql() {
    wanted_in_the_midst_of_a_run(Kind::Postgres).await;
}

async fn made_again_for_its_server(kind: Kind) {
    let mut ground = Ground::new(kind, 3).await;
    let profile = ground.profile(IOS, "Old").await;
    ground.want(&profile, &ground.serials(None).await).await;
    ground.settle().await;
    let app = Arc::clone(&ground.test.app);
    let caller = Caller::operator(ground.test.storage.default_tenant());
    let origin = Origin { caller, request: app.clock().new_id() };
    app.settings.delete(&origin, ground.setting.parse().unwrap(), true).await.unwrap();
    ground.pass(SignedDuration::from_secs(2)).await;
    assert_eq!(
        ground
            .test
            .storage
            .settings
            .purge(ground.test.clock.now() + SignedDuration::from_hours(31 * 24))
            .await
            .unwrap(),
        1
    );

    let client = ground.client().await;
    ground.setting = client.create_setting().await;
    let key = client.get_json(&format!("/beta/{S}/{}/getEncryptionPublicKey", ground.setting)).await;
    ground.test.portal.trust(&ground.server, key["value"].as_str().unwrap()).await;
    let token = ground.test.portal.token(&ground.server).await;
    assert_eq!(upload(&client, &ground.setting, &token).await.status, 204);
    ground.settle().await;
    let told =
        app.devices.explain(&ground.serials(None).await[0]).await.unwrap().remove(0).sentences.join(" ");
    assert!(told.contains("At Apple it has the deleted profile"), "{told}");
    for (kind, name) in KINDS {
        let profile = ground.profile(kind, name).await;
        ground.make_default(&profile).await;
    }
    ground.settle().await;
    let names: Vec<_> = ground.truth().await.into_values().map(Option::unwrap).collect();
    assert!(names.iter().all(|name| name != "Old"), "{names:?}");
    assert!(app.assignment.status().await.foreign.iter().all(|(_, devices)| *devices == 0));
}

#[tokio::test]
async fn what_a_deleted_setting_assigned_is_known_to_its_successor_on_sqlite() {
    made_again_for_its_server(Kind::Sqlite).await;
}

#[tokio::test]
async fn what_a_deleted_setting_assigned_is_known_to_its_successor_on_postgresql() {
    made_again_for_its_server(Kind::Postgres).await;
}
