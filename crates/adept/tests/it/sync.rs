//! Synchronization against a simulated Apple: first fetch, deltas, tokens and settings that change meanwhile.

use std::sync::Arc;

use adept::domain::{Caller, Origin, SyncRun};
use reqwest::Method;
use serde_json::json;

use crate::{
    onboarding::{Pair, asked, pair, script, shown, syncs, upload},
    support::{
        client::Client,
        database::Kind,
        test_app::{S, TestApp},
    },
};

mod absent;
mod account;
mod cursors;
mod device_count;
mod disabled_tenant;
mod fetch_cursors;
mod full_resync;
mod history;
mod in_flight;
mod outage;
mod ties;
mod token_states;

/// Fetches everything once more, as the operator may ask.
async fn resyncs(test: &TestApp, setting: &str) {
    test.clock.advance(jiff::SignedDuration::from_secs(2));
    let caller = Caller::operator(test.storage.default_tenant());
    let origin = Origin { caller, request: test.app.clock().new_id() };
    test.app.settings.request_full_fetch(&origin, setting.parse().unwrap()).await.unwrap();
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
}

/// The sync history, newest first.
pub async fn history(test: &TestApp, setting: &str) -> Vec<SyncRun> {
    let caller = Caller::operator(test.storage.default_tenant());
    test.app.settings.sync_runs(&caller, setting.parse().unwrap(), 100).await.unwrap()
}

/// Apple's next answer to `/devices/sync` tells of nothing, whatever happened.
async fn deltas_tell_nothing(test: &TestApp) {
    let body = json!({ "devices": [], "cursor": "told-nothing", "more_to_follow": false }).to_string();
    script(test, json!({ "path": "/devices/sync", "status": 200, "body": body })).await;
}

/// Time goes by, here and at Apple. Bearer tokens may end meanwhile.
async fn pass(test: &TestApp, time: jiff::SignedDuration) {
    test.clock.advance(time);
    let advance = json!({ "seconds": time.as_secs() }).to_string();
    test.portal.call(Method::POST, "/clock/advance", advance).await;
}

/// A rule by which Apple misbehaves; answers its id.
pub async fn fault(test: &TestApp, rule: serde_json::Value) -> String {
    let made = test.portal.call(Method::POST, "/faults", rule.to_string()).await;
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    match &made["id"] {
        serde_json::Value::String(id) => id.clone(),
        id => id.to_string(),
    }
}

/// Waits until so many calls are held by the rule.
pub async fn held(test: &TestApp, rule: &str, calls: u32) {
    test.portal.call(Method::GET, &format!("/faults/{rule}/wait?held={calls}"), String::new()).await;
}

/// Lets the calls that are held go on.
pub async fn release(test: &TestApp, rule: &str) {
    test.portal.call(Method::POST, &format!("/faults/{rule}/release"), "{}".to_owned()).await;
}

/// Takes devices away from the server at Apple.
async fn take_devices(test: &TestApp, server: &str, serials: &[String]) {
    for serial in serials {
        test.portal.call(Method::DELETE, &format!("/servers/{server}/devices/{serial}"), String::new()).await;
    }
}

/// A setting that was synced with so many devices, and its server.
async fn synced(test: &TestApp, client: &Client, devices: u32) -> Pair {
    let pair = pair(test, client).await;
    test.portal.give_devices(&pair.server, devices).await;
    assert_eq!(upload(client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    pair
}

/// The serial numbers of devices that are listed and not gone.
async fn listed(client: &Client, setting: &str) -> Vec<String> {
    serials(client, setting).await.into_iter().filter(|(_, gone)| !gone).map(|(serial, _)| serial).collect()
}

async fn serials(client: &Client, setting: &str) -> Vec<(String, bool)> {
    let path = format!("/beta/{S}/{setting}/importedAppleDeviceIdentities?$top=1000");
    let listed = client.get_json(&path).await;
    let devices = listed["value"].as_array().unwrap();
    let seen =
        devices.iter().map(|d| (d["serialNumber"].as_str().unwrap().to_owned(), d["isDeleted"] == true));
    seen.collect()
}

async fn first_sync_then_deltas(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 2500).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(asked(&test, "POST /server/devices").await, 3);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 2500);

    let (serial, _) = serials(&client, &pair.setting).await.remove(0);
    let device = format!("/servers/{}/devices/{serial}", pair.server);
    test.portal.call(Method::DELETE, &device, String::new()).await;
    test.portal.give_devices(&pair.server, 2).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /server/devices").await, 3, "changes come by deltas");
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 2501);
    assert_eq!(serials(&client, &pair.setting).await[0], (serial, true));
}

#[tokio::test]
async fn devices_come_by_a_fetch_and_changes_by_deltas_on_sqlite() {
    first_sync_then_deltas(Kind::Sqlite).await;
}

#[tokio::test]
async fn devices_come_by_a_fetch_and_changes_by_deltas_on_postgresql() {
    first_sync_then_deltas(Kind::Postgres).await;
}

#[tokio::test]
async fn an_interrupted_sync_goes_on_from_the_stored_cursor() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 2500).await;
    upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await;
    script(&test, json!({ "path": "/devices/sync", "status": 500, "body": "" })).await;
    test.app.scheduler.sync_what_is_due().await.unwrap();
    let broken = shown(&client, &pair.setting).await;
    assert_eq!((&broken["lastSyncErrorCode"], &broken["syncedDeviceCount"]), (&4.into(), &2500.into()));
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /server/devices").await, 3, "nothing is fetched twice");
}

#[tokio::test]
async fn cursors_that_apple_gives_up_lead_to_a_new_fetch() {
    for code in ["EXPIRED_CURSOR", "INVALID_CURSOR"] {
        let test = TestApp::start().await;
        let client = test.admin().await;
        let setting = test.onboarded(&client, 10).await;
        let fetches = asked(&test, "POST /server/devices").await;
        script(&test, json!({ "path": "/devices/sync", "status": 400, "body": code })).await;
        assert!(syncs(&test, &client, &setting).await, "{code}");
        assert_eq!(asked(&test, "POST /server/devices").await, fetches + 1, "{code}");
    }
}

#[tokio::test]
async fn a_renewal_during_a_sync_discards_what_the_old_token_learned_last() {
    let test = Arc::new(TestApp::start().await);
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 2500).await;
    upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await;
    let slow = json!({ "milliseconds": 200, "path": "/server/devices" }).to_string();
    test.portal.call(Method::PUT, "/delay", slow).await;
    let syncing = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.app.scheduler.sync_what_is_due().await.unwrap() })
    };
    while asked(&test, "POST /server/devices").await == 0 {
        tokio::task::yield_now().await;
    }
    let token = test.portal.token(&pair.server).await;
    assert_eq!(upload(&client, &pair.setting, &token).await.status, 204);
    syncing.await.unwrap();
    assert_eq!(
        shown(&client, &pair.setting).await["lastSyncErrorCode"],
        0,
        "the old token's refusal is discarded"
    );
    test.portal
        .call(Method::PUT, "/delay", json!({ "milliseconds": 0, "path": "/server/devices" }).to_string())
        .await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 2500);
}

#[tokio::test]
async fn a_setting_deleted_during_a_sync_stays_deleted_and_nothing_is_stored_for_it() {
    let test = Arc::new(TestApp::start().await);
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 1500).await;
    upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await;
    let slow = json!({ "milliseconds": 200, "path": "/server/devices" }).to_string();
    test.portal.call(Method::PUT, "/delay", slow).await;
    let syncing = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.app.scheduler.sync_what_is_due().await.unwrap() })
    };
    while asked(&test, "POST /server/devices").await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.delete(&format!("/beta/{S}/{}", pair.setting)).await.status, 204);
    syncing.await.unwrap();
    client.get(&format!("/beta/{S}/{}", pair.setting)).await.is_refused(404, "ResourceNotFound", "");
    let tenant = test.storage.default_tenant();
    let devices = test
        .storage
        .devices
        .count(adept::domain::SettingKey::new(tenant, pair.setting.parse().unwrap()), None)
        .await
        .unwrap();
    assert_eq!(devices, 0);
}

#[tokio::test]
async fn two_processes_on_one_database_never_sync_the_same_setting_at_the_same_time() {
    let test = Arc::new(TestApp::start_on_kind(Kind::Postgres).await);
    let client = test.admin().await;
    let mut settings = Vec::new();
    for _ in 0..6 {
        let pair = pair(&test, &client).await;
        test.portal.give_devices(&pair.server, 20).await;
        upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await;
        settings.push(pair.setting);
    }
    let options = test.database.options();
    let others = [test.another(&options).await, test.another(&options).await];
    let (a, b, c) = tokio::join!(
        test.app.scheduler.sync_what_is_due(),
        others[0].app.scheduler.sync_what_is_due(),
        others[1].app.scheduler.sync_what_is_due()
    );
    assert_eq!(a.unwrap() + b.unwrap() + c.unwrap(), 6);
    assert_eq!(asked(&test, "POST /server/devices").await, 6, "each setting was fetched once");
    for setting in settings {
        assert_eq!(shown(&client, &setting).await["syncedDeviceCount"], 20);
    }
}

#[tokio::test]
async fn a_slow_setting_does_not_delay_the_others() {
    let test = Arc::new(TestApp::start().await);
    let client = test.admin().await;
    let slow = pair(&test, &client).await;
    upload(&client, &slow.setting, &test.portal.token(&slow.server).await).await;
    script(&test, json!({ "path": "/server/devices", "status": 200, "body": "{}", "delay_ms": 3000 })).await;
    let slow_run = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.app.scheduler.sync_what_is_due().await.unwrap() })
    };
    while asked(&test, "POST /server/devices").await == 0 {
        tokio::task::yield_now().await;
    }
    let quick = pair(&test, &client).await;
    upload(&client, &quick.setting, &test.portal.token(&quick.server).await).await;
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_ne!(shown(&client, &quick.setting).await["lastSuccessfulSyncDateTime"], "0001-01-01T00:00:00Z");
    assert!(!slow_run.is_finished());
    slow_run.abort();
}

#[tokio::test]
async fn each_of_apples_refusals_shows_as_its_own_error_code() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let setting = test.onboarded(&client, 1).await;
    for (answer, code) in [
        (json!({ "status": 403, "body": "T_C_NOT_SIGNED" }), 3),
        (json!({ "status": 401, "body": "token_expired" }), 1),
        (json!({ "status": 401, "body": "token_rejected" }), 1),
        (json!({ "status": 403, "body": "signature_invalid" }), 1),
        (json!({ "status": 403, "body": "ACCESS_DENIED" }), 2),
        (json!({ "status": 500, "body": "<html>" }), 4),
        (json!({ "status": 429, "body": "TOO_MANY_REQUESTS" }), 10),
        (json!({ "status": 200, "body": "<html>" }), 11),
        (json!({ "status": 401, "body": "timestamp_refused" }), 12),
    ] {
        let mut scripted = answer.clone();
        scripted["times"] = 9.into();
        for path in ["/session", "/devices/sync"] {
            scripted["path"] = path.into();
            script(&test, scripted.clone()).await;
        }
        assert!(!syncs(&test, &client, &setting).await, "{answer}");
        assert_eq!(shown(&client, &setting).await["lastSyncErrorCode"], code, "{answer}");
        test.portal.call(Method::DELETE, "/answers", String::new()).await;
    }
    assert!(syncs(&test, &client, &setting).await);
    assert_eq!(shown(&client, &setting).await["lastSyncErrorCode"], 0);
}
