//! What Apple refuses for a while, or for a reason that is the token's: nothing is given up for it, and Apple is not asked
//! without pause.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::ground::Ground;
use crate::{
    onboarding::{asked, script},
    support::database::Kind,
};

const IOS: &str = "depIOSEnrollmentProfile";

/// Waits that are none, and one of a second.
const WAITS: [&str; 3] = ["0", "Sun, 06 Nov 1994 08:49:37 GMT", "1"];

#[tokio::test]
async fn a_sync_that_apple_answers_with_no_wait_or_a_short_one_pauses_for_a_minute() {
    for wait in WAITS {
        let ground = Ground::new(Kind::Sqlite, 1).await;
        let answer =
            json!({ "path": "/devices/sync", "status": 503, "headers": { "Retry-After": wait }, "times": 9 });
        script(&ground.test, answer).await;
        let calls = asked(&ground.test, "POST /devices/sync").await;
        ground.sync().await;
        ground.pass(SignedDuration::from_secs(50)).await;
        ground.settle().await;
        assert_eq!(asked(&ground.test, "POST /devices/sync").await, calls + 1, "{wait}");
        ground.pass(SignedDuration::from_secs(11)).await;
        ground.settle().await;
        assert_eq!(asked(&ground.test, "POST /devices/sync").await, calls + 2, "{wait}");
    }
}

#[tokio::test]
async fn an_assignment_that_apple_answers_with_no_wait_or_a_short_one_pauses_for_a_minute() {
    for wait in WAITS {
        let ground = Ground::new(Kind::Sqlite, 1).await;
        let profile = ground.profile(IOS, "Wanted").await;
        let answer = json!({ "path": "/profile/devices", "status": 429, "headers": { "Retry-After": wait }, "times": 2 });
        script(&ground.test, answer).await;
        ground.want(&profile, &ground.serials(None).await).await;
        ground.settle().await;
        ground.pass(SignedDuration::from_secs(50)).await;
        ground.settle().await;
        assert_eq!(ground.assignments().await, 1, "{wait}");
        for _ in 0..3 {
            ground.pass(SignedDuration::from_secs(61)).await;
            ground.settle().await;
        }
        assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")), "{wait}");
    }
}

#[tokio::test]
async fn a_token_that_may_do_nothing_for_a_minute_costs_no_device_a_day() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    ground
        .portal(
            Method::PUT,
            &format!("/servers/{}/permissions", ground.server),
            json!({ "release_devices": true }),
        )
        .await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    let two = &serials[..2];
    // The profile is known, so that the next call is an assignment or a release.
    ground.want(&profile, &serials[..1]).await;
    ground.settle().await;
    for step in [0, 1] {
        // The session is over, and Apple opens no other one at first.
        ground.pass(SignedDuration::from_mins(4)).await;
        script(&ground.test, json!({ "path": "/session", "status": 403, "body": "ACCESS_DENIED" })).await;
        match step {
            0 => ground.want(&profile, two).await,
            _ => ground.want_released(&serials[2..]).await,
        }
        ground.settle().await;
        for _ in 0..2 {
            ground.pass(SignedDuration::from_mins(1)).await;
            ground.settle().await;
        }
    }
    let truth = ground.truth().await;
    assert_eq!(truth.len(), 2, "the third one is released");
    assert!(truth.values().all(|name| name.as_deref() == Some("Wanted")));
}

#[tokio::test]
async fn a_session_that_is_not_found_makes_no_profile_unknown() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials[..1]).await;
    ground.settle().await;
    ground.pass(SignedDuration::from_mins(6)).await;
    script(&ground.test, json!({ "path": "/session", "status": 404 })).await;
    ground.want(&profile, &serials[1..]).await;
    ground.settle().await;
    ground.pass(SignedDuration::from_mins(16)).await;
    ground.settle().await;
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
    assert_eq!(ground.defined().await, 1);
}

#[tokio::test]
async fn a_profile_is_not_given_up_while_apple_is_out_of_service() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let answer = json!({ "path": "/profile", "method": "POST", "status": 503, "headers": { "Retry-After": "120" },
        "times": 5 });
    script(&ground.test, answer).await;
    ground.want(&profile, &ground.serials(None).await).await;
    for _ in 0..12 {
        ground.settle().await;
        ground.pass(SignedDuration::from_mins(6)).await;
    }
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
    assert_eq!(ground.defined().await, 1);
}

#[tokio::test]
async fn a_token_that_ended_since_the_last_sync_is_not_shown_to_apple() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.pass(SignedDuration::from_hours(365 * 24) - SignedDuration::from_mins(10)).await;
    ground.settle().await;
    ground.pass(SignedDuration::from_mins(11)).await;
    ground.want(&profile, &serials).await;
    let calls = ground.portal(Method::GET, "/counts", json!(null)).await;
    assert_eq!(ground.test.app.reconcile_what_is_due().await.unwrap(), 1);
    ground.settle().await;
    assert_eq!(ground.portal(Method::GET, "/counts", json!(null)).await, calls);
    let shown = crate::onboarding::shown(&ground.client().await, &ground.setting).await;
    assert_eq!(shown["lastSyncErrorCode"], 2);
}
