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
    assert_eq!(words, ["release_requested", "released"]);
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

/// A release that Apple refuses as a whole, and an assignment beside it; answers the last line of the device's history.
async fn refused(kind: Kind, status: u16, body: &str) -> (Ground, String, String) {
    let ground = Ground::new(kind, 2).await;
    allow(&ground).await;
    let profile = ground.profile("depIOSEnrollmentProfile", "Wanted").await;
    let serials = ground.serials(None).await;
    let answer = json!({ "path": "/devices/disown", "status": status, "body": body, "times": 9 });
    script(&ground.test, answer).await;
    ground.want_released(&serials[..1]).await;
    ground.want(&profile, &serials[1..]).await;
    ground.settle().await;
    let truth = ground.truth().await;
    assert_eq!(truth[&serials[1]].as_deref(), Some("Wanted"), "{status} {body}");
    let (word, detail) = ground.history(&serials[0]).await.pop().unwrap();
    (ground, serials[0].clone(), format!("{word} {}", detail.unwrap_or_default()))
}

#[tokio::test]
async fn a_release_that_apple_refuses_as_a_whole_keeps_no_device_from_being_assigned() {
    for (kind, status, body, last) in [
        (Kind::Sqlite, 403, "FORBIDDEN", "not_released ACCESS_DENIED"),
        (Kind::Postgres, 403, "", "not_released ACCESS_DENIED"),
        (Kind::Sqlite, 404, "", "not_released FAILED"),
        (Kind::Postgres, 400, "", "not_released CALL_REFUSED"),
    ] {
        let (ground, _, told) = refused(kind, status, body).await;
        assert_eq!(told, last, "{status} {body}");
        let shown = crate::onboarding::shown(&ground.client().await, &ground.setting).await;
        assert_eq!(shown["lastSyncErrorCode"], 0, "{status} {body}");
    }
}

#[tokio::test]
async fn a_release_to_which_apple_gives_no_answer_is_asked_for_after_an_hour_and_then_daily() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (ground, device, told) = refused(kind, 500, "").await;
        assert_eq!(told, "release_requested ");
        for (minutes, calls) in [(50, 1), (15, 2), (23 * 60, 2), (65, 3)] {
            ground.pass(SignedDuration::from_mins(minutes)).await;
            ground.settle().await;
            assert_eq!(asked(&ground.test, "POST /devices/disown").await, calls, "{kind:?} {minutes}");
        }
        ground.test.portal.call(Method::DELETE, "/answers", String::new()).await;
        ground.pass(SignedDuration::from_hours(25)).await;
        ground.settle().await;
        assert!(!ground.truth().await.contains_key(&device), "{kind:?}");
    }
}
