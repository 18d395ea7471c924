//! Devices are released when someone wants that, and when Apple lets us.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::ground::Ground;
use crate::{
    onboarding::{asked, script},
    support::database::Kind,
};

async fn allow(ground: &Ground) {
    let path = format!("/servers/{}/permissions", ground.server);
    ground.portal(Method::PUT, &path, json!({ "release_devices": true })).await;
}

async fn released_devices_are_gone(kind: Kind) {
    let ground = Ground::new(kind, 10).await;
    allow(&ground).await;
    let serials = ground.serials(None).await;
    ground.want_released(&serials[..3]).await;
    ground.settle().await;
    assert_eq!(ground.truth().await.len(), 7);
    assert_eq!(ground.serials(None).await.len(), 7);
    let shown = crate::onboarding::shown(&ground.client().await, &ground.setting).await;
    assert_eq!(shown["syncedDeviceCount"], 7);
    assert_eq!(asked(&ground.test, "POST /devices/disown").await, 1);
    let words: Vec<_> = ground.history(&serials[0]).await.into_iter().map(|(word, _)| word).collect();
    assert_eq!(words, ["release_wanted", "released"]);
    ground.sync().await;
    assert_eq!(
        crate::onboarding::shown(&ground.client().await, &ground.setting).await["syncedDeviceCount"],
        7
    );
    // Apple tells late of something that was before.
    let at = ground.test.clock.now() - SignedDuration::from_mins(30);
    let device = json!({ "serial_number": serials[0], "op_type": "modified", "op_date": at.to_string() });
    let body = json!({ "devices": [device], "cursor": "late", "more_to_follow": false }).to_string();
    script(&ground.test, json!({ "path": "/devices/sync", "status": 200, "body": body })).await;
    ground.sync().await;
    assert_eq!(ground.serials(None).await.len(), 7);
}

#[tokio::test]
async fn released_devices_are_gone_at_once_on_sqlite() {
    released_devices_are_gone(Kind::Sqlite).await;
}

#[tokio::test]
async fn released_devices_are_gone_at_once_on_postgresql() {
    released_devices_are_gone(Kind::Postgres).await;
}

#[tokio::test]
async fn without_apples_permission_the_devices_stay_and_are_asked_for_once() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    let serials = ground.serials(None).await;
    ground.want_released(&serials[..1]).await;
    ground.settle().await;
    ground.pass(SignedDuration::from_hours(2)).await;
    ground.settle().await;
    assert!(asked(&ground.test, "POST /devices/disown").await <= 2);
    assert_eq!(ground.truth().await.len(), 3);
    let last = ground.history(&serials[0]).await.pop().unwrap();
    assert_eq!(last.0, "not_released");

    allow(&ground).await;
    ground.want_released(&serials[..1]).await;
    ground.settle().await;
    assert_eq!(ground.truth().await.len(), 2, "asking again releases it");
}

#[tokio::test]
async fn a_failed_release_is_tried_once_more_after_an_hour() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    allow(&ground).await;
    let serials = ground.serials(None).await;
    ground.script_status(&serials[0], "disown", "FAILED", json!({})).await;
    ground.want_released(&serials[..1]).await;
    ground.settle().await;
    assert_eq!(ground.truth().await.len(), 3);
    ground.pass(SignedDuration::from_mins(61)).await;
    ground.settle().await;
    assert_eq!(ground.truth().await.len(), 2);
}
