//! Operations of one device that Apple dates alike, and dates that cannot be.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::{history, listed, synced, take_devices};
use crate::{
    onboarding::{asked, script, syncs},
    support::{database::Kind, test_app::TestApp},
};

async fn delta(test: &TestApp, devices: &[Value]) {
    let body = json!({ "devices": devices, "cursor": "told", "more_to_follow": false }).to_string();
    script(test, json!({ "path": "/devices/sync", "status": 200, "body": body })).await;
}

fn operation(serial: &str, kind: &str, at: Timestamp) -> Value {
    json!({ "serial_number": serial, "op_type": kind, "op_date": format!("{at:.0}"), "os": "iOS" })
}

async fn the_later_in_the_stream_wins(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 10).await;
    let serials = listed(&client, &pair.setting).await;
    let lost = &serials[0];
    // Apple does not have it any more; the others are there.
    take_devices(&test, &pair.server, std::slice::from_ref(lost)).await;
    let at = test.clock.now() + SignedDuration::from_secs(1);
    let details = asked(&test, "POST /devices").await;

    // In one page.
    let alike = |serial: &str, kinds: [&str; 2]| kinds.map(|kind| operation(serial, kind, at));
    let page: Vec<Value> = [
        alike(lost, ["added", "deleted"]),
        alike(&serials[1], ["added", "deleted"]),
        alike(&serials[2], ["deleted", "modified"]),
    ]
    .concat();
    delta(&test, &page).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(listed(&client, &pair.setting).await, serials[1..]);
    assert_eq!(asked(&test, "POST /devices").await, details + 1, "both are asked about at once");

    // Across two syncs.
    let at = test.clock.now() + SignedDuration::from_secs(1);
    for kind in ["added", "deleted"] {
        delta(&test, &[operation(&serials[3], kind, at)]).await;
        assert!(syncs(&test, &client, &pair.setting).await);
        assert_eq!(listed(&client, &pair.setting).await, serials[1..], "{kind}");
    }
    assert_eq!(asked(&test, "POST /devices").await, details + 2);

    // A deletion, and then what happened in the same second.
    let at = test.clock.now() + SignedDuration::from_secs(1);
    delta(&test, &[operation(&serials[4], "deleted", at)]).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert!(!listed(&client, &pair.setting).await.contains(&serials[4]));
    delta(&test, &[operation(&serials[4], "added", at)]).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(listed(&client, &pair.setting).await, serials[1..]);
    assert_eq!(asked(&test, "POST /devices").await, details + 2, "a deletion alone is not asked about");
}

#[tokio::test]
async fn of_operations_in_one_second_the_later_in_the_stream_wins_on_sqlite() {
    the_later_in_the_stream_wins(Kind::Sqlite).await;
}

#[tokio::test]
async fn of_operations_in_one_second_the_later_in_the_stream_wins_on_postgresql() {
    the_later_in_the_stream_wins(Kind::Postgres).await;
}

#[tokio::test]
async fn when_apple_does_not_say_whether_a_device_is_there_a_full_fetch_finds_out() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 10).await;
    let serials = listed(&client, &pair.setting).await;
    let at = test.clock.now() + SignedDuration::from_secs(1);
    delta(&test, &["added", "deleted"].map(|kind| operation(&serials[0], kind, at))).await;
    script(&test, json!({ "path": "/devices", "status": 500, "times": 5 })).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(listed(&client, &pair.setting).await, serials[1..]);
    test.portal.call(Method::DELETE, "/answers", String::new()).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(listed(&client, &pair.setting).await, serials);
}

async fn a_date_in_the_future_freezes_nothing(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 3).await;
    let serials = listed(&client, &pair.setting).await;
    let far: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
    delta(&test, &[operation(&serials[0], "modified", far)]).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    let at = test.clock.now() + SignedDuration::from_secs(5);
    delta(&test, &[operation(&serials[0], "deleted", at)]).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(listed(&client, &pair.setting).await, serials[1..]);
}

#[tokio::test]
async fn an_operation_dated_in_the_future_freezes_no_device_on_sqlite() {
    a_date_in_the_future_freezes_nothing(Kind::Sqlite).await;
}

#[tokio::test]
async fn an_operation_dated_in_the_future_freezes_no_device_on_postgresql() {
    a_date_in_the_future_freezes_nothing(Kind::Postgres).await;
}

#[tokio::test]
async fn a_serial_number_between_blanks_is_the_device_without_them() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 3).await;
    let serials = listed(&client, &pair.setting).await;
    let spelled = format!(" {} ", serials[0].to_lowercase());
    let at = test.clock.now() + SignedDuration::from_secs(1);
    delta(&test, &[operation(&spelled, "modified", at)]).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(listed(&client, &pair.setting).await.len(), 3, "no second device");
    let changes = history(&test, &pair.setting).await[0].changes;
    assert_eq!((changes.added, changes.changed), (0, 1));
}
