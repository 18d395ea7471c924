//! Days without a sync, and the days on which everything is fetched again.

use adept::domain::SyncKind;
use jiff::SignedDuration;
use serde_json::json;

use super::{fault, history, listed, pass, synced, take_devices};
use crate::{
    onboarding::{asked, syncs, upload},
    support::test_app::TestApp,
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn after_eight_days_everything_is_fetched_and_what_left_meanwhile_is_gone() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 100).await;
    let gone = listed(&client, &pair.setting).await.split_off(90);
    take_devices(&test, &pair.server, &gone).await;
    test.portal.give_devices(&pair.server, 5).await;
    let deltas = asked(&test, "POST /devices/sync").await;
    pass(&test, DAY * 8).await;
    let client = test.admin().await;
    assert!(syncs(&test, &client, &pair.setting).await);
    let run = history(&test, &pair.setting).await.remove(0);
    assert_eq!((run.kind, run.changes.added, run.changes.removed), (SyncKind::FullFetch, 5, 10));
    assert_eq!(listed(&client, &pair.setting).await.len(), 95);
    assert_eq!(asked(&test, "POST /devices/sync").await, deltas + 1, "the dead cursor was not sent");
}

#[tokio::test]
async fn a_cursor_is_given_up_shortly_before_apple_forgets_it() {
    for (hours, kind) in [(6 * 24, SyncKind::Delta), (6 * 24 + 21, SyncKind::FullFetch)] {
        let test = TestApp::start().await;
        let client = test.admin().await;
        let pair = synced(&test, &client, 10).await;
        pass(&test, SignedDuration::from_hours(hours)).await;
        let client = test.admin().await;
        test.portal.give_devices(&pair.server, 1).await;
        assert!(syncs(&test, &client, &pair.setting).await);
        assert_eq!(history(&test, &pair.setting).await[0].kind, kind, "after {hours} hours");
        assert_eq!(listed(&client, &pair.setting).await.len(), 11);
    }
}

#[tokio::test]
async fn everything_is_fetched_again_by_itself_after_a_week() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 10).await;
    for kind in [SyncKind::Delta, SyncKind::FullResync, SyncKind::Delta, SyncKind::FullResync] {
        pass(&test, DAY * 4).await;
        test.portal.give_devices(&pair.server, 1).await;
        assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
        assert_eq!(history(&test, &pair.setting).await[0].kind, kind);
    }
    assert_eq!(listed(&test.admin().await, &pair.setting).await.len(), 14);
}

#[tokio::test]
async fn a_fetch_that_stopped_half_way_starts_over_when_apple_changes_the_size_of_its_pages() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = crate::onboarding::pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 2500).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    let breaks =
        json!({ "match": { "path": "/server/devices", "nth": 2 }, "do": { "answer": { "status": 500 } } });
    fault(&test, breaks).await;
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(asked(&test, "POST /server/devices").await, 2);
    let limit = json!({ "limit_maximum": 500, "limit_default": 500 }).to_string();
    test.portal.call(reqwest::Method::PUT, "/options", limit).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /server/devices").await, 2 + 5, "from the first page on");
    let path = format!("/beta/{}/{}", crate::support::test_app::S, pair.setting);
    assert_eq!(client.get_json(&path).await["syncedDeviceCount"], 2500);
}

#[tokio::test]
async fn a_session_token_that_changes_with_every_page_is_followed() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let options = json!({ "rotate_every": 1, "rotation_keeps_old": false }).to_string();
    test.portal.call(reqwest::Method::PUT, "/options", options).await;
    let pair = synced(&test, &client, 2500).await;
    let path = format!("/beta/{}/{}", crate::support::test_app::S, pair.setting);
    assert_eq!(client.get_json(&path).await["syncedDeviceCount"], 2500);
    assert_eq!(asked(&test, "GET /session").await, 1);
}
