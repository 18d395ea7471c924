//! Profiles are defined at Apple when a device needs them, once a revision, and never without end.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use adept::app::{AppOptions, SharedProfileOptions};

use super::ground::Ground;
use crate::{
    onboarding::{asked, script, upload},
    support::{
        database::Kind,
        test_app::{MDM_URL, app_options},
    },
};

const IOS: &str = "depIOSEnrollmentProfile";

#[tokio::test]
async fn a_profile_that_no_device_needs_is_not_defined() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    ground.profile(IOS, "Unused").await;
    ground.settle().await;
    assert_eq!(ground.defined().await, 0);
}

#[tokio::test]
async fn a_lost_answer_to_a_definition_leads_to_three_definitions_at_most_and_no_device_is_lost_in_them() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    // Apple defines the profile each time, and nobody hears of it. No call is refused for its session instead.
    ground.portal(Method::PUT, "/options", json!({ "session_ttl_seconds": 86_400 })).await;
    let lost = json!({ "match": { "path": "/profile", "method": "POST" }, "times": 9,
        "do": { "disconnect": { "applied": true } } });
    ground.portal(Method::POST, "/faults", lost).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    ground.settle().await;
    assert_eq!(asked(&ground.test, "POST /profile").await, 1, "not at once again");
    for _ in 0..10 {
        ground.pass(SignedDuration::from_mins(6)).await;
        ground.settle().await;
    }
    assert_eq!(asked(&ground.test, "POST /profile").await, 3);
    assert_eq!((ground.defined().await, ground.assignments().await), (3, 0));
    let path = format!("/servers/{}/profiles", ground.server);
    let defined = ground.portal(Method::GET, &path, json!(null)).await;
    let orphans = defined["profiles"].as_array().unwrap();
    assert!(orphans.iter().all(|one| one["orphan"] == true && one["devices"] == 0), "{defined}");

    ground.test.portal.call(Method::DELETE, "/faults", String::new()).await;
    ground.rename(&profile, IOS, "Changed").await;
    ground.settle().await;
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Changed")));
}

#[tokio::test]
async fn a_refused_revision_is_not_sent_again_but_a_changed_one_is() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    script(
        &ground.test,
        json!({ "path": "/profile", "method": "POST", "status": 400, "body": "MAGIC_INVALID" }),
    )
    .await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    ground.pass(SignedDuration::from_hours(48)).await;
    ground.settle().await;
    assert_eq!(asked(&ground.test, "POST /profile").await, 1);
    ground.rename(&profile, IOS, "Changed").await;
    ground.settle().await;
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Changed")));
}

#[tokio::test]
async fn a_changed_profile_reaches_those_that_have_it_and_nobody_else() {
    let ground = Ground::new(Kind::Sqlite, 60).await;
    let (wanted, default) = (ground.profile(IOS, "Wanted").await, ground.profile(IOS, "Default").await);
    let serials = ground.serials(Some("ios")).await;
    ground.want(&wanted, &serials[..5]).await;
    ground.make_default(&default).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 2);
    ground.rename(&wanted, IOS, "Wanted 2").await;
    ground.settle().await;
    ground.rename(&default, IOS, "Default 2").await;
    ground.settle().await;
    assert_eq!((ground.assignments().await, ground.defined().await), (4, 4));
    let truth = ground.truth().await;
    assert!(serials[..5].iter().all(|serial| truth[serial].as_deref() == Some("Wanted 2")));
    assert!(serials[5..].iter().all(|serial| truth[serial].as_deref() == Some("Default 2")));
    let others = truth.iter().filter(|(serial, _)| !serials.contains(serial));
    assert!(others.into_iter().all(|(_, name)| name.is_none()));
}

#[tokio::test]
async fn a_changed_default_moves_the_devices_and_a_cleared_one_moves_none() {
    let ground = Ground::new(Kind::Sqlite, 60).await;
    let (old, new) = (ground.profile(IOS, "Old").await, ground.profile(IOS, "New").await);
    let serials = ground.serials(Some("ios")).await;
    ground.make_default(&old).await;
    ground.settle().await;
    ground.make_default(&new).await;
    ground.settle().await;
    let truth = ground.truth().await;
    assert!(serials.iter().all(|serial| truth[serial].as_deref() == Some("New")));

    let calls = ground.assignments().await;
    let path =
        format!("/beta/{}/{}/defaultIosEnrollmentProfile", crate::support::test_app::S, ground.setting);
    assert_eq!(ground.client().await.delete(&path).await.status, 204);
    ground.sync().await;
    assert_eq!((ground.assignments().await, ground.truth().await), (calls, truth));
}

#[tokio::test]
async fn a_profile_that_apple_has_forgotten_is_defined_again() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials[..1]).await;
    ground.settle().await;
    script(&ground.test, json!({ "path": "/profile/devices", "status": 404, "body": "PROFILE_NOT_FOUND" }))
        .await;
    ground.pass(SignedDuration::from_mins(6)).await;
    ground.want(&profile, &serials[1..]).await;
    ground.settle().await;
    assert_eq!(ground.defined().await, 2);
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
}

/// The enrollment URL that the device's profile has at Apple.
async fn url_at_apple(ground: &Ground) -> String {
    let of = |kind: &str| format!("/servers/{}/{kind}", ground.server);
    let devices = ground.portal(Method::GET, &of("devices"), json!(null)).await;
    let uuid = &devices["devices"][0]["profile_uuid"];
    let profiles = ground.portal(Method::GET, &of("profiles"), json!(null)).await;
    let mut profiles = profiles["profiles"].as_array().unwrap().iter();
    let own = profiles.find(|profile| profile["profile_uuid"] == *uuid).unwrap();
    own["profile"]["url"].as_str().unwrap().to_owned()
}

async fn another_url_reaches_devices(kind: Kind) {
    let mut ground = Ground::new(kind, 1).await;
    ground.test.app.shared_profile_options.note().await;
    let profile = ground.profile(IOS, "Wanted").await;
    ground.want(&profile, &ground.serials(None).await).await;
    ground.settle().await;
    let first = url_at_apple(&ground).await;
    // Without one nothing can be told, and what Apple has is as good as it was. The first one is known still.
    let other = "https://other.example.org/enroll";
    for (url, at_apple, defined) in [
        (Some(other), other, 2),
        (None, other, 2),
        (Some(other), other, 2),
        (Some(MDM_URL), first.as_str(), 2),
    ] {
        let options = AppOptions { mdm_url: url.map(str::to_owned), ..AppOptions::default() };
        ground.test = ground.test.started_as(options).await;
        ground.test.app.shared_profile_options.note().await;
        ground.settle().await;
        assert_eq!(
            (url_at_apple(&ground).await.as_str(), ground.defined().await),
            (at_apple, defined),
            "{url:?}"
        );
    }
}

#[tokio::test]
async fn another_enrollment_url_reaches_devices_at_the_next_start_on_sqlite() {
    another_url_reaches_devices(Kind::Sqlite).await;
}

#[tokio::test]
async fn another_enrollment_url_reaches_devices_at_the_next_start_on_postgresql() {
    another_url_reaches_devices(Kind::Postgres).await;
}

#[tokio::test]
async fn what_apple_refused_is_told_again_when_the_shared_profile_options_are_others() {
    let mut ground = Ground::new(Kind::Sqlite, 1).await;
    ground.test.app.shared_profile_options.note().await;
    let profile = ground.profile(IOS, "Wanted").await;
    let refusal = json!({ "path": "/profile", "method": "POST", "status": 400, "body": "MAGIC_INVALID" });
    script(&ground.test, refusal).await;
    ground.want(&profile, &ground.serials(None).await).await;
    ground.settle().await;
    let shared_profile_options =
        SharedProfileOptions { org_magic: Some("one".to_owned()), ..SharedProfileOptions::default() };
    ground.test = ground.test.started_as(AppOptions { shared_profile_options, ..app_options() }).await;
    ground.test.app.shared_profile_options.note().await;
    ground.settle().await;
    assert_eq!((ground.defined().await, ground.assignments().await), (1, 1));
}

async fn a_refusal_that_is_not_the_profiles(kind: Kind, (status, body): (u16, &str), uploads: bool) {
    let ground = Ground::new(kind, 1).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    let refusal = json!({ "path": "/profile", "method": "POST", "status": status, "body": body, "times": 2 });
    script(&ground.test, refusal).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    let told = ground.test.app.devices.explain(&serials[0]).await.unwrap().remove(0).sentences;
    assert!(told.iter().any(|sentence| sentence.contains("sent again at")), "{told:?}");
    for calls in 1..3 {
        ground.pass(SignedDuration::from_hours(23)).await;
        ground.settle().await;
        assert_eq!(asked(&ground.test, "POST /profile").await, calls, "{status} {body}");
        if uploads {
            let token = ground.test.portal.token(&ground.server).await;
            assert_eq!(upload(&ground.client().await, &ground.setting, &token).await.status, 204);
        } else {
            ground.pass(SignedDuration::from_hours(2)).await;
        }
        ground.settle().await;
    }
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")), "{status} {body}");
}

#[tokio::test]
async fn a_refusal_that_is_not_the_profiles_is_tried_again_after_a_day() {
    for answer in [(403, "ACCESS_DENIED"), (409, "NEVER_HEARD_OF"), (400, "")] {
        a_refusal_that_is_not_the_profiles(Kind::Sqlite, answer, false).await;
    }
    a_refusal_that_is_not_the_profiles(Kind::Postgres, (403, "ACCESS_DENIED"), false).await;
}

#[tokio::test]
async fn a_refusal_that_is_not_the_profiles_is_tried_again_when_a_token_is_uploaded() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        a_refusal_that_is_not_the_profiles(kind, (403, "ACCESS_DENIED"), true).await;
    }
}

#[tokio::test]
async fn a_profile_that_apple_forgets_again_and_again_is_defined_again_every_five_minutes() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let forgets =
        json!({ "path": "/profile/devices", "status": 404, "body": "PROFILE_NOT_FOUND", "times": 4 });
    script(&ground.test, forgets).await;
    ground.want(&profile, &ground.serials(None).await).await;
    for defined in 1..6 {
        ground.settle().await;
        assert_eq!(ground.defined().await, defined);
        ground.pass(SignedDuration::from_mins(6)).await;
    }
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
}
