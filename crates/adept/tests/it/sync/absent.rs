//! Devices that leave without a word: a complete fetch finds them, but is not believed when it misses too many.

use std::time::Duration;

use adept::app::AppOptions;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{deltas_tell_nothing, history, listed, resyncs, serials, synced, take_devices};
use crate::{
    onboarding::{asked, script, shown, syncs},
    support::{
        database::Kind,
        test_app::{TestApp, app_options},
    },
};

async fn devices_that_left_are_found(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 100).await;
    let gone = listed(&client, &pair.setting).await.split_off(80);
    take_devices(&test, &pair.server, &gone).await;
    deltas_tell_nothing(&test).await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(listed(&client, &pair.setting).await.len(), 80);
    let deleted: Vec<_> =
        serials(&client, &pair.setting).await.into_iter().filter(|(_, gone)| *gone).collect();
    assert_eq!(deleted.into_iter().map(|(serial, _)| serial).collect::<Vec<_>>(), gone);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 80);
    assert_eq!(history(&test, &pair.setting).await[0].drift.removed, 20);
    // By deltas from here on.
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(listed(&client, &pair.setting).await.len(), 80);
}

#[tokio::test]
async fn devices_that_left_without_a_delta_are_found_by_the_next_complete_fetch_on_sqlite() {
    devices_that_left_are_found(Kind::Sqlite).await;
}

#[tokio::test]
async fn devices_that_left_without_a_delta_are_found_by_the_next_complete_fetch_on_postgresql() {
    devices_that_left_are_found(Kind::Postgres).await;
}

/// The next run with a complete fetch is told of these devices, and by deltas of nothing.
async fn apple_lists(test: &TestApp, devices: &[Value]) {
    let answer = |path: &str, devices: &[Value]| {
        let body = json!({ "devices": devices, "cursor": "told", "more_to_follow": false }).to_string();
        json!({ "path": path, "status": 200, "body": body })
    };
    script(test, answer("/devices/sync", &[])).await;
    script(test, answer("/server/devices", devices)).await;
    script(test, answer("/devices/sync", &[])).await;
}

#[tokio::test]
async fn a_fetch_that_lists_almost_nothing_takes_nothing_away_until_another_one_agrees() {
    let interval = Duration::from_secs(60);
    let test = TestApp::start_as(AppOptions { sync_interval: interval, ..app_options() }).await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 100).await;

    apple_lists(&test, &[]).await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(listed(&client, &pair.setting).await.len(), 100, "one bad answer takes nothing away");
    let first = &history(&test, &pair.setting).await[0];
    assert_eq!((first.unconfirmed, first.changes.removed), (100, 0));

    // Sooner than a sync interval later is the same bad moment.
    apple_lists(&test, &[]).await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(listed(&client, &pair.setting).await.len(), 100);

    // The one that is due by itself a sync interval later.
    test.clock.advance(SignedDuration::from_secs(61));
    apple_lists(&test, &[]).await;
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(listed(&client, &pair.setting).await.len(), 0);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 0);

    // They are there after all: the next complete fetch brings them back.
    resyncs(&test, &pair.setting).await;
    assert_eq!(listed(&client, &pair.setting).await.len(), 100);
}

#[tokio::test]
async fn devices_that_were_unconfirmed_once_and_are_listed_again_start_over() {
    let interval = Duration::from_secs(60);
    let test = TestApp::start_as(AppOptions { sync_interval: interval, ..app_options() }).await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 100).await;
    apple_lists(&test, &[]).await;
    resyncs(&test, &pair.setting).await;
    resyncs(&test, &pair.setting).await;
    test.clock.advance(SignedDuration::from_secs(61));
    apple_lists(&test, &[]).await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(listed(&client, &pair.setting).await.len(), 100);
}

#[tokio::test]
async fn many_missing_devices_are_gone_at_once_when_apple_says_so_of_a_sample() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 100).await;
    let gone = listed(&client, &pair.setting).await.split_off(20);
    take_devices(&test, &pair.server, &gone).await;
    deltas_tell_nothing(&test).await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(listed(&client, &pair.setting).await.len(), 20);
}

#[tokio::test]
async fn a_wait_that_apple_asks_for_instead_of_telling_of_a_sample_is_kept() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 100).await;
    apple_lists(&test, &[]).await;
    let wait = json!({ "Retry-After": "600" });
    script(&test, json!({ "path": "/devices", "status": 429, "headers": wait, "body": "" })).await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(listed(&client, &pair.setting).await.len(), 100);
    let deltas = asked(&test, "POST /devices/sync").await;
    assert!(!syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /devices/sync").await, deltas, "Apple is left alone");
    assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 10);
}

#[tokio::test]
async fn what_people_imported_is_never_missing() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 3).await;
    let import = json!({ "importedAppleDeviceIdentities": [{ "serialNumber": "BYHAND01" }] });
    let path = format!(
        "/beta/{}/{}/importedAppleDeviceIdentities/importAppleDeviceIdentityList",
        crate::support::test_app::S,
        pair.setting
    );
    assert_eq!(client.post(&path, &import).await.status, 200);
    resyncs(&test, &pair.setting).await;
    assert_eq!(listed(&client, &pair.setting).await.len(), 4);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_does_not_stop_the_search_for_absent_devices() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 100).await;
    let stays = listed(&client, &pair.setting).await;
    let devices: Vec<_> = stays[..90].iter().map(|serial| json!({ "serial_number": serial })).collect();
    let with_unreadable: Vec<_> =
        devices.iter().cloned().chain([json!({ "model": "no serial number" })]).collect();
    for (devices, left) in [(with_unreadable, 90), (devices, 90)] {
        apple_lists(&test, &devices).await;
        resyncs(&test, &pair.setting).await;
        assert_eq!(listed(&client, &pair.setting).await.len(), left);
    }
}

#[tokio::test]
async fn a_fetch_that_broke_off_takes_nothing_away_and_is_begun_again() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 100).await;
    let gone = listed(&client, &pair.setting).await.split_off(90);
    take_devices(&test, &pair.server, &gone).await;
    deltas_tell_nothing(&test).await;
    script(&test, json!({ "path": "/server/devices", "status": 500, "body": "" })).await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(listed(&client, &pair.setting).await.len(), 100);
    // It is owed still; the deltas' cursor, which Apple does not know here, was not lost for it.
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(listed(&client, &pair.setting).await.len(), 90);
}

#[tokio::test]
async fn devices_are_forgotten_45_days_after_they_left() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 10).await;
    let gone = listed(&client, &pair.setting).await.split_off(9);
    take_devices(&test, &pair.server, &gone).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    test.clock.advance(SignedDuration::from_hours(44 * 24));
    assert_eq!(test.app.purge.now().await.unwrap().devices, 0);
    test.clock.advance(SignedDuration::from_hours(2 * 24));
    assert_eq!(test.app.purge.now().await.unwrap().devices, 1);
    let client = test.admin().await;
    assert_eq!(serials(&client, &pair.setting).await.len(), 9);
}

#[tokio::test]
async fn what_happened_before_a_fetch_did_not_list_a_device_does_not_bring_it_back() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 100).await;
    let gone = listed(&client, &pair.setting).await.split_off(99);
    take_devices(&test, &pair.server, &gone).await;
    deltas_tell_nothing(&test).await;
    resyncs(&test, &pair.setting).await;
    for (operation, minutes, left) in [("modified", -60, 99), ("added", -3, 99), ("added", 1, 100)] {
        let at = test.clock.now() + SignedDuration::from_mins(minutes);
        let device = json!({ "serial_number": gone[0], "op_type": operation, "op_date": at.to_string() });
        let body = json!({ "devices": [device], "cursor": "late", "more_to_follow": false }).to_string();
        script(&test, json!({ "path": "/devices/sync", "status": 200, "body": body })).await;
        assert!(syncs(&test, &client, &pair.setting).await);
        assert_eq!(listed(&client, &pair.setting).await.len(), left, "{operation} {minutes}");
    }
}
