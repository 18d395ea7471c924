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
        for _ in 0..7 {
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
    for _ in 0..20 {
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
    assert_eq!(ground.test.app.scheduler.assign_what_is_due().await.unwrap(), 1);
    ground.settle().await;
    assert_eq!(ground.portal(Method::GET, "/counts", json!(null)).await, calls);
    let shown = crate::onboarding::shown(&ground.client().await, &ground.setting).await;
    assert_eq!(shown["lastSyncErrorCode"], 1);
}

/// Terms that only calls about profiles show.
async fn terms_for_profiles(ground: &Ground, times: u32) {
    let answer =
        json!({ "path": "/profile/devices", "status": 403, "body": "T_C_NOT_SIGNED", "times": times });
    script(&ground.test, answer).await;
}

async fn error_code(ground: &Ground) -> i64 {
    let shown = crate::onboarding::shown(&ground.client().await, &ground.setting).await;
    shown["lastSyncErrorCode"].as_i64().unwrap()
}

#[tokio::test]
async fn a_fault_that_only_profile_calls_show_stays_shown_and_is_tried_after_1_5_and_15_minutes() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let ground = Ground::new(kind, 1).await;
        let profile = ground.profile(IOS, "Wanted").await;
        terms_for_profiles(&ground, 3).await;
        ground.want(&profile, &ground.serials(None).await).await;
        ground.settle().await;
        for (minutes, calls) in [(1, 1), (5, 2), (15, 3)] {
            assert_eq!((ground.assignments().await, error_code(&ground).await), (calls, 3), "{kind:?}");
            ground.pass(SignedDuration::from_secs(60 * minutes - 5)).await;
            ground.settle().await;
            assert_eq!((ground.assignments().await, error_code(&ground).await), (calls, 3), "{kind:?}");
            ground.pass(SignedDuration::from_secs(6)).await;
            ground.settle().await;
        }
        assert_eq!(error_code(&ground).await, 0, "{kind:?}");
        assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
    }
}

#[tokio::test]
async fn a_sync_that_is_asked_for_tries_again_at_once_what_profile_calls_showed() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile(IOS, "Wanted").await;
    terms_for_profiles(&ground, 1).await;
    ground.want(&profile, &ground.serials(None).await).await;
    ground.settle().await;
    assert_eq!(error_code(&ground).await, 3);
    ground.sync().await;
    assert_eq!((ground.assignments().await, error_code(&ground).await), (2, 0));
}

#[tokio::test]
async fn a_fault_of_profile_calls_is_over_when_nothing_is_left_to_ask_for() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    terms_for_profiles(&ground, 9).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    assert_eq!(error_code(&ground).await, 3);
    ground
        .portal(Method::DELETE, &format!("/servers/{}/devices/{}", ground.server, serials[0]), json!(null))
        .await;
    ground.sync().await;
    assert_eq!((ground.assignments().await, error_code(&ground).await), (1, 0));
}
