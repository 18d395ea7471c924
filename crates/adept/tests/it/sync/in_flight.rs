//! What happens elsewhere while a request to Apple is under way.

use std::sync::Arc;

use adept::domain::SyncOutcome;
use jiff::SignedDuration;
use serde_json::json;

use super::{fault, held, history, listed, release, synced, take_devices};
use crate::{
    onboarding::{asked, pair, script, shown, upload},
    support::test_app::TestApp,
};

#[tokio::test]
async fn a_page_that_arrives_after_another_process_went_on_changes_nothing() {
    let test = Arc::new(TestApp::start().await);
    let client = test.admin().await;
    let pair = synced(&test, &client, 3).await;
    let other = test.another(&test.database.options()).await;
    test.clock.advance(SignedDuration::from_mins(31));
    test.portal.call(reqwest::Method::PUT, "/options", json!({ "signature_clock": "any" }).to_string()).await;

    // The first process asks, and its answer, with a device that was added, is on its way for long.
    let late = json!({ "devices": [{ "serial_number": "LATE01", "os": "iOS" }] }).to_string();
    test.portal.call(reqwest::Method::POST, &format!("/servers/{}/devices", pair.server), late).await;
    let rule = fault(&test, json!({ "match": { "path": "/devices/sync" }, "do": { "hold": "after" } })).await;
    let slow = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.app.scheduler.sync_what_is_due().await.unwrap() })
    };
    held(&test, &rule, 1).await;

    // Meanwhile the device leaves, and another process takes the lease over and goes on.
    take_devices(&test, &pair.server, &["LATE01".to_owned()]).await;
    test.clock.advance(SignedDuration::from_secs(151));
    assert_eq!(other.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    let before = listed(&client, &pair.setting).await;
    release(&test, &rule).await;
    assert_eq!(slow.await.unwrap(), 1);
    assert_eq!(listed(&client, &pair.setting).await, before, "the late page is discarded");
    assert_eq!(before.len(), 3);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 3);
}

#[tokio::test]
async fn a_process_that_died_in_the_midst_of_a_fetch_leaves_what_it_stored_and_another_goes_on() {
    let test = Arc::new(TestApp::start().await);
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 2500).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    let hold = json!({ "match": { "path": "/server/devices", "nth": 2 }, "do": { "hold": "before" } });
    let rule = fault(&test, hold).await;
    let dying = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.app.scheduler.sync_what_is_due().await.unwrap() })
    };
    held(&test, &rule, 1).await;
    while history(&test, &pair.setting).await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(history(&test, &pair.setting).await[0].outcome, SyncOutcome::Running);
    dying.abort();
    assert!(dying.await.is_err());
    release(&test, &rule).await;
    test.clock.advance(SignedDuration::from_secs(151));
    let cut = history(&test, &pair.setting).await.remove(0);
    assert_eq!((cut.outcome, cut.pages, cut.changes.added), (SyncOutcome::CutShort, 1, 1000));

    let other = test.another(&test.database.options()).await;
    assert_eq!(other.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    let history = history(&test, &pair.setting).await;
    assert_eq!((history[0].changes.added, history[1].outcome), (1500, SyncOutcome::CutShort));
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 2500);
}

#[tokio::test]
async fn the_waits_of_32_settings_overlap() {
    let test = Arc::new(TestApp::start().await);
    let client = test.admin().await;
    for _ in 0..32 {
        let pair = pair(&test, &client).await;
        test.portal.give_devices(&pair.server, 1).await;
        assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    }
    let hold = json!({ "match": { "path": "/server/devices" }, "do": { "hold": "before" }, "times": null });
    let rule = fault(&test, hold).await;
    let syncing = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.app.scheduler.sync_what_is_due().await.unwrap() })
    };
    held(&test, &rule, 32).await;
    test.portal.call(reqwest::Method::DELETE, &format!("/faults/{rule}"), String::new()).await;
    assert_eq!(syncing.await.unwrap(), 32);
    assert_eq!(asked(&test, "POST /server/devices").await, 32);
}

#[tokio::test]
async fn an_unknown_operation_counts_as_a_change_and_an_older_one_as_nothing() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 1).await;
    let page = |devices: serde_json::Value| {
        let body = json!({ "devices": devices, "cursor": "scripted", "more_to_follow": false }).to_string();
        json!({ "path": "/devices/sync", "status": 200, "body": body })
    };
    let operation = |word: &str, second: u32| {
        let date = format!("2026-01-01T00:00:{second:02}Z");
        json!({ "serial_number": "ODD1", "os": "OSX", "op_type": word, "op_date": date })
    };
    for (devices, expected) in [
        (json!([operation("reshuffled", 10)]), 2),
        (json!([operation("DELETED", 9)]), 2),
        (json!([operation("deleted", 11), operation("modified", 11)]), 2),
        (json!([operation("modified", 10)]), 2),
        (json!([operation("modified", 11)]), 2),
        (json!([operation("modified", 12)]), 2),
    ] {
        crate::onboarding::script(&test, page(devices.clone())).await;
        assert!(crate::onboarding::syncs(&test, &client, &pair.setting).await);
        assert_eq!(listed(&client, &pair.setting).await.len(), expected, "{devices}");
    }
}

#[tokio::test]
async fn a_process_that_died_before_it_settled_what_a_fetch_left_out_leaves_that_to_the_next_run() {
    let test = Arc::new(TestApp::start().await);
    let client = test.admin().await;
    let pair = synced(&test, &client, 100).await;
    let gone = listed(&client, &pair.setting).await.split_off(40);
    take_devices(&test, &pair.server, &gone).await;
    // Apple forgets the cursor, so everything is fetched; before so many are marked it is asked about some of them.
    script(&test, json!({ "path": "/devices/sync", "status": 400, "body": "INVALID_CURSOR" })).await;
    let hold = json!({ "match": { "path": "/devices" }, "do": { "hold": "before" } });
    let rule = fault(&test, hold).await;
    test.clock.advance(SignedDuration::from_mins(31));
    test.portal.call(reqwest::Method::PUT, "/options", json!({ "signature_clock": "any" }).to_string()).await;
    let dying = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.app.scheduler.sync_what_is_due().await.unwrap() })
    };
    held(&test, &rule, 1).await;
    dying.abort();
    assert!(dying.await.is_err());
    release(&test, &rule).await;
    test.clock.advance(SignedDuration::from_secs(151));
    assert_eq!(listed(&client, &pair.setting).await.len(), 100);
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(listed(&client, &pair.setting).await.len(), 40);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 40);
}
