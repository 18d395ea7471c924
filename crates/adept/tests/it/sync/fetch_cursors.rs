//! Cursors of fetches: a fetch that goes on meets one that Apple gave up, and one that is repeated every week goes in
//! a circle.

use adept::domain::{SyncKind, SyncOutcome};
use jiff::SignedDuration;
use serde_json::json;

use super::{deltas_tell_nothing, fault, history, listed, pass, resyncs, synced};
use crate::{
    onboarding::{Pair, asked, pair, script, shown, syncs, upload},
    support::{client::Client, test_app::TestApp},
};

const FETCH: &str = "POST /server/devices";

/// A setting whose first fetch stopped behind the first of three pages.
async fn half_fetched(test: &TestApp, client: &Client) -> Pair {
    let pair = pair(test, client).await;
    test.portal.give_devices(&pair.server, 2500).await;
    assert_eq!(upload(client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    let breaks =
        json!({ "match": { "path": "/server/devices", "nth": 2 }, "do": { "answer": { "status": 500 } } });
    fault(test, breaks).await;
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(shown(client, &pair.setting).await["syncedDeviceCount"], 1000);
    pair
}

async fn refuse_next(test: &TestApp, code: &str) {
    script(test, json!({ "path": "/server/devices", "status": 400, "body": code })).await;
}

#[tokio::test]
async fn a_fetch_that_goes_on_begins_again_when_apple_gave_its_cursor_up() {
    for code in ["INVALID_CURSOR", "EXPIRED_CURSOR", "CURSOR_REQUIRED"] {
        let test = TestApp::start().await;
        let client = test.admin().await;
        let pair = half_fetched(&test, &client).await;
        let before = asked(&test, FETCH).await;
        refuse_next(&test, code).await;
        assert!(syncs(&test, &client, &pair.setting).await, "{code}");
        assert_eq!(asked(&test, FETCH).await, before + 1 + 3, "{code}: refused once, then read whole");
        assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 2500, "{code}");
        assert!(syncs(&test, &client, &pair.setting).await);
        assert_eq!(history(&test, &pair.setting).await[0].kind, SyncKind::Delta, "{code}");
    }
}

#[tokio::test]
async fn a_run_begins_again_only_once() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = half_fetched(&test, &client).await;
    let before = asked(&test, FETCH).await;
    for _ in 0..2 {
        refuse_next(&test, "INVALID_CURSOR").await;
    }
    assert!(!syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, FETCH).await, before + 2);
    assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 11);
    assert_eq!(history(&test, &pair.setting).await[0].code.as_deref(), Some("INVALID_CURSOR"));
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, FETCH).await, before + 2 + 2, "the stored cursor was good");
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 2500);
}

#[tokio::test]
async fn a_fetch_whose_cursor_is_exhausted_goes_over_to_deltas_and_is_followed_by_a_whole_one() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = half_fetched(&test, &client).await;
    refuse_next(&test, "EXHAUSTED_CURSOR").await;
    let deltas = asked(&test, "POST /devices/sync").await;
    deltas_tell_nothing(&test).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /devices/sync").await, deltas + 1);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 1000);
    deltas_tell_nothing(&test).await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 2500);
}

#[tokio::test]
async fn a_repeated_fetch_in_a_circle_leaves_the_deltas_their_cursor_and_waits_for_its_turn() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 10).await;
    for _ in 0..4 {
        let body = json!({ "devices": [], "cursor": "again", "more_to_follow": true }).to_string();
        script(&test, json!({ "path": "/server/devices", "status": 200, "body": body, "times": 2 })).await;
        resyncs(&test, &pair.setting).await;
        let run = history(&test, &pair.setting).await.remove(0);
        assert_eq!((run.kind, run.outcome), (SyncKind::FullResync, SyncOutcome::RepeatedCursor));
        test.portal.call(reqwest::Method::DELETE, "/answers", String::new()).await;
    }
    let fetches = asked(&test, FETCH).await;
    test.portal.give_devices(&pair.server, 1).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    let run = history(&test, &pair.setting).await.remove(0);
    assert_eq!((run.kind, run.changes.added), (SyncKind::Delta, 1), "from their own cursor");
    assert_eq!(asked(&test, FETCH).await, fetches, "it is not tried in every run");

    pass(&test, SignedDuration::from_mins(31)).await;
    assert!(syncs(&test, &test.admin().await, &pair.setting).await);
    assert_eq!(history(&test, &pair.setting).await[0].kind, SyncKind::FullResync);
    assert_eq!(listed(&test.admin().await, &pair.setting).await.len(), 11);
}
