//! Devices get what they are to have: in calls of a thousand, with Apple's word about each of them honored.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::ground::{FOREIGN, Ground, KINDS};
use crate::{onboarding::asked, support::database::Kind};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn defaults_reach_every_device(kind: Kind) {
    let ground = Ground::new(kind, 2500).await;
    for (kind, platform) in KINDS {
        let profile = ground.profile(kind, platform).await;
        ground.make_default(&profile).await;
    }
    ground.settle().await;
    let truth = ground.truth().await;
    assert_eq!(truth.len(), 2500);
    let mut seen = BTreeSet::new();
    for (_, platform) in KINDS {
        for serial in ground.serials(Some(platform)).await {
            assert_eq!(truth[&serial].as_deref(), Some(platform), "{serial}");
            seen.insert(serial);
        }
    }
    assert_eq!(seen.len(), 2500);
    assert_eq!(ground.defined().await, KINDS.len());

    let calls = ground.assignments().await;
    ground.sync().await;
    ground.sync().await;
    assert_eq!(ground.assignments().await, calls, "what is done is not done again");
}

#[tokio::test]
async fn after_the_first_sync_every_device_gets_the_default_of_its_platform_on_sqlite() {
    defaults_reach_every_device(Kind::Sqlite).await;
}

#[tokio::test]
async fn after_the_first_sync_every_device_gets_the_default_of_its_platform_on_postgresql() {
    defaults_reach_every_device(Kind::Postgres).await;
}

async fn a_thousand_a_call(kind: Kind) {
    let ground = Ground::new(kind, 2100).await;
    let profile = ground.profile("depIOSEnrollmentProfile", "Wanted").await;
    ground.settle().await;
    let wanted = ground.serials(None).await[..2001].to_vec();
    ground.want(&profile, &wanted).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 3);
    let truth = ground.truth().await;
    let touched = truth.values().filter(|profile| profile.is_some()).count();
    assert_eq!(touched, 2001, "and no other device");
    assert!(wanted.iter().all(|serial| truth[serial].as_deref() == Some("Wanted")));
    assert_eq!(
        ground.history(&wanted[0]).await,
        [("wanted".to_owned(), None), ("assigned".to_owned(), Some("wanted".to_owned())),]
    );
}

#[tokio::test]
async fn two_thousand_and_one_devices_are_assigned_in_three_calls_on_sqlite() {
    a_thousand_a_call(Kind::Sqlite).await;
}

#[tokio::test]
async fn two_thousand_and_one_devices_are_assigned_in_three_calls_on_postgresql() {
    a_thousand_a_call(Kind::Postgres).await;
}

#[tokio::test]
async fn a_failed_device_is_tried_again_after_an_hour_and_then_daily() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    let profile = ground.profile("depIOSEnrollmentProfile", "Wanted").await;
    let serials = ground.serials(None).await;
    ground.script_status(&serials[0], "assign", "FAILED", json!({ "times": 2 })).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 1);
    let truth = ground.truth().await;
    assert_eq!(truth.values().filter(|profile| profile.is_some()).count(), 2);

    ground.pass(HOUR - SignedDuration::from_secs(5)).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 1, "not within the hour");
    ground.pass(SignedDuration::from_secs(10)).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 2);
    ground.pass(HOUR * 2).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 2, "after the second failure it takes a day");
    ground.pass(HOUR * 23).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 3);
    assert_eq!(ground.truth().await[&serials[0]].as_deref(), Some("Wanted"));
    let words: Vec<_> = ground.history(&serials[0]).await.into_iter().map(|(word, _)| word).collect();
    assert_eq!(words, ["wanted", "not_assigned", "not_assigned", "assigned"]);
}

#[tokio::test]
async fn a_throttled_device_rests_as_long_as_apple_says_whatever_is_wanted_meanwhile() {
    for (more, rest) in [(json!({}), HOUR * 24), (json!({ "retry_after_seconds": 7200 }), HOUR * 2)] {
        let ground = Ground::new(Kind::Sqlite, 2).await;
        let first = ground.profile("depIOSEnrollmentProfile", "First").await;
        let second = ground.profile("depIOSEnrollmentProfile", "Second").await;
        let serials = ground.serials(None).await;
        ground.script_status(&serials[0], "assign", "THROTTLED", more).await;
        ground.want(&first, &serials[..1]).await;
        ground.settle().await;
        ground.want(&second, &serials[..1]).await;
        ground.sync().await;
        ground.pass(rest - HOUR).await;
        ground.settle().await;
        assert_eq!(ground.assignments().await, 1);
        ground.pass(HOUR).await;
        ground.settle().await;
        assert_eq!(ground.assignments().await, 2);
        assert_eq!(ground.truth().await[&serials[0]].as_deref(), Some("Second"));
    }
}

#[tokio::test]
async fn a_device_that_is_not_accessible_is_never_marked_gone_and_rests_for_a_day() {
    let ground = Ground::new(Kind::Sqlite, 2).await;
    let profile = ground.profile("depIOSEnrollmentProfile", "Wanted").await;
    let serials = ground.serials(None).await;
    ground.script_status(&serials[0], "assign", "NOT_ACCESSIBLE", json!({})).await;
    let fetches = asked(&ground.test, "POST /server/devices").await;
    ground.want(&profile, &serials[..1]).await;
    ground.settle().await;
    ground.pass(HOUR * 23).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 1);
    assert_eq!(asked(&ground.test, "POST /server/devices").await, fetches + 1, "everything was fetched once");
    assert_eq!(ground.serials(None).await.len(), 2);
    ground.pass(HOUR * 2).await;
    ground.settle().await;
    assert_eq!(ground.truth().await[&serials[0]].as_deref(), Some("Wanted"));
}

#[tokio::test]
async fn another_products_profile_is_taken_away_by_an_explicit_desired_profile_only() {
    let ground = Ground::new(Kind::Sqlite, 20).await;
    let serials = ground.serials(Some("ios")).await;
    for serial in &serials[..2] {
        let carried = json!({ "profile_status": "assigned", "profile_uuid": FOREIGN });
        ground.portal(Method::PATCH, &format!("/servers/{}/devices/{serial}", ground.server), carried).await;
    }
    ground.sync().await;
    let profile = ground.profile("depIOSEnrollmentProfile", "Default").await;
    ground.make_default(&profile).await;
    ground.settle().await;
    let truth = ground.truth().await;
    assert_eq!(truth[&serials[0]].as_deref(), Some(FOREIGN));
    assert_eq!(truth[&serials[1]].as_deref(), Some(FOREIGN));
    let setting = ground.setting.parse().unwrap();
    let foreign = ground.test.app.assignment.status().await.foreign;
    assert_eq!(
        foreign,
        [(adept::domain::SettingKey::new(ground.test.storage.default_tenant(), setting), 2)],
        "people are told of them"
    );
    assert!(serials[2..].iter().all(|serial| truth[serial].as_deref() == Some("Default")));

    ground.want(&profile, &serials[..1]).await;
    ground.settle().await;
    let truth = ground.truth().await;
    assert_eq!(truth[&serials[0]].as_deref(), Some("Default"));
    assert_eq!(truth[&serials[1]].as_deref(), Some(FOREIGN));
}

#[tokio::test]
async fn a_device_that_others_take_back_again_and_again_rests_after_five_assignments_a_day() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile("depIOSEnrollmentProfile", "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials).await;
    for _ in 0..8 {
        ground.settle().await;
        let carried = json!({ "profile_status": "assigned", "profile_uuid": FOREIGN });
        ground
            .portal(Method::PATCH, &format!("/servers/{}/devices/{}", ground.server, serials[0]), carried)
            .await;
        ground.sync().await;
    }
    assert_eq!(ground.assignments().await, 5);
    ground.pass(HOUR * 25).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 6);
}

#[tokio::test]
async fn five_assignments_within_a_day_are_not_followed_by_more_when_the_first_is_a_day_old() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let ground = Ground::new(kind, 1).await;
        let profile = ground.profile("depIOSEnrollmentProfile", "Wanted").await;
        let serials = ground.serials(None).await;
        let device = format!("/servers/{}/devices/{}", ground.server, serials[0]);
        let carried = json!({ "profile_status": "assigned", "profile_uuid": FOREIGN });
        ground.want(&profile, &serials).await;
        ground.settle().await;
        ground.pass(HOUR * 24 - SignedDuration::from_mins(5)).await;
        for _ in 0..8 {
            ground.portal(Method::PATCH, &device, carried.clone()).await;
            ground.sync().await;
            ground.pass(SignedDuration::from_mins(2)).await;
        }
        assert_eq!(ground.assignments().await, 5, "{kind:?}");
        ground.pass(HOUR * 24).await;
        ground.settle().await;
        assert_eq!(ground.assignments().await, 6, "{kind:?}");
    }
}
