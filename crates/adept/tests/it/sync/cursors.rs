//! Cursors: those that Apple repeats, forgets, or gives with nothing else.

use adept::{
    app::Counted,
    domain::{SyncKind, SyncOutcome, TokenState},
};
use serde_json::{Value, json};

use super::{history, listed, synced};
use crate::{
    onboarding::{asked, pair, script, shown, syncs, upload},
    support::test_app::TestApp,
};

fn page(path: &str, cursor: &str, more: bool) -> Value {
    let body = json!({ "devices": [], "cursor": cursor, "more_to_follow": more }).to_string();
    json!({ "path": path, "status": 200, "body": body })
}

#[tokio::test]
async fn a_repeated_cursor_ends_the_walk_and_the_third_in_a_row_leads_to_a_fetch() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 10).await;
    for number in 1..=3 {
        let before = asked(&test, "POST /devices/sync").await;
        for cursor in ["again", "again"] {
            script(&test, page("/devices/sync", cursor, true)).await;
        }
        assert!(!syncs(&test, &client, &pair.setting).await);
        let asked = asked(&test, "POST /devices/sync").await - before;
        assert!(asked <= 2, "it asks {asked} times, not without end");
        assert_eq!(history(&test, &pair.setting).await[0].outcome, SyncOutcome::RepeatedCursor);
        assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 0, "the token is good");
        assert_eq!(test.app.counters.of(&Counted::RepeatedCursor), number);
        test.portal.call(reqwest::Method::DELETE, "/answers", String::new()).await;
    }
    let fetches = asked(&test, "POST /server/devices").await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /server/devices").await, fetches + 1);
    assert_eq!(history(&test, &pair.setting).await[0].kind, SyncKind::FullFetch);
    assert_eq!(listed(&client, &pair.setting).await.len(), 10);
    // The count starts again.
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /server/devices").await, fetches + 1);
}

#[tokio::test]
async fn cursors_that_go_in_a_circle_end_the_walk_too() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 10).await;
    for cursor in ["a", "b", "a", "b"] {
        script(&test, page("/devices/sync", cursor, true)).await;
    }
    assert!(!syncs(&test, &client, &pair.setting).await);
    assert_eq!(history(&test, &pair.setting).await[0].outcome, SyncOutcome::RepeatedCursor);
}

#[tokio::test]
async fn empty_pages_with_more_to_follow_are_followed_but_not_without_end() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 10).await;
    for number in 0..5 {
        script(&test, page("/devices/sync", &format!("c{number}"), number < 4)).await;
    }
    assert!(syncs(&test, &client, &pair.setting).await);
    for number in 5..300 {
        script(&test, page("/devices/sync", &format!("c{number}"), true)).await;
    }
    let before = asked(&test, "POST /devices/sync").await;
    assert!(!syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /devices/sync").await - before, 50);
    assert_eq!(history(&test, &pair.setting).await[0].outcome, SyncOutcome::Token(TokenState::NotUnderstood));
}

#[tokio::test]
async fn an_exhausted_cursor_is_no_fault() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 10).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    script(&test, json!({ "path": "/devices/sync", "status": 400, "body": "EXHAUSTED_CURSOR" })).await;
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 10);
    assert_ne!(shown(&client, &pair.setting).await["lastSuccessfulSyncDateTime"], "0001-01-01T00:00:00Z");
    let fetches = asked(&test, "POST /server/devices").await;
    test.portal.give_devices(&pair.server, 1).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /server/devices").await, fetches);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 11);
}

#[tokio::test]
async fn a_fetch_that_was_read_in_two_runs_is_followed_by_a_complete_one_when_devices_were_known() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 2500).await;
    let gone = serial_of_the_first(&client, &pair.setting).await;
    super::take_devices(&test, &pair.server, &[gone]).await;
    // The cursor is given up; the new fetch breaks off behind its first page.
    script(&test, json!({ "path": "/devices/sync", "status": 400, "body": "EXPIRED_CURSOR" })).await;
    let slow = json!({ "milliseconds": 100, "path": "/server/devices" }).to_string();
    test.portal.call(reqwest::Method::PUT, "/delay", slow).await;
    let fetches = asked(&test, "POST /server/devices").await;
    let breaking = async {
        while asked(&test, "POST /server/devices").await == fetches {
            tokio::task::yield_now().await;
        }
        script(&test, json!({ "path": "/server/devices", "status": 503, "body": "" })).await;
    };
    let (succeeded, ()) = tokio::join!(syncs(&test, &client, &pair.setting), breaking);
    assert!(!succeeded);
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(history(&test, &pair.setting).await[0].kind, SyncKind::FullFetch);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 2500, "half a fetch tells nothing");
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(history(&test, &pair.setting).await[0].kind, SyncKind::FullResync);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 2499);
}

async fn serial_of_the_first(client: &crate::support::client::Client, setting: &str) -> String {
    listed(client, setting).await.remove(0)
}

#[tokio::test]
async fn deltas_behind_a_fetch_may_list_on_many_pages_what_the_fetch_listed() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 40).await;
    let devices = format!("/servers/{}/devices?limit=100", pair.server);
    let known = test.portal.call(reqwest::Method::GET, &devices, String::new()).await;
    let known: Value = serde_json::from_str(&known).unwrap();
    let known = known["devices"].as_array().unwrap();
    // The last page of the fetch and 60 of deltas, each with one device.
    for number in 0..60 {
        let mut device = known[number % known.len()].clone();
        device["op_type"] = "modified".into();
        device["op_date"] = format!("{:.0}", test.clock.now()).into();
        device["description"] = format!("Change {number}").into();
        let cursor = format!("delta {number}");
        let body =
            json!({ "devices": [device], "cursor": cursor, "more_to_follow": number < 59 }).to_string();
        script(&test, json!({ "path": "/devices/sync", "status": 200, "body": body })).await;
    }
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    let state = shown(&client, &pair.setting).await;
    assert_eq!((&state["lastSyncErrorCode"], &state["syncedDeviceCount"]), (&0.into(), &40.into()));
    assert_eq!(asked(&test, "POST /devices/sync").await, 60);
}
