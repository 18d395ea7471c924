//! What people are told when they ask why a device has its profile.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::ground::{FOREIGN, Ground};
use crate::{onboarding::script, support::database::Kind};

const IOS: &str = "depIOSEnrollmentProfile";

async fn told(ground: &Ground, serial: &str) -> String {
    let mut told = ground.test.app.devices.explain(serial).await.unwrap();
    assert_eq!(told.len(), 1);
    let device = told.remove(0);
    let history: Vec<String> = device.history.into_iter().map(|(_, text)| text).collect();
    format!("{}\n{}\n{}", device.title, device.sentences.join("\n"), history.join("\n"))
}

#[track_caller]
fn has(text: &str, part: &str) {
    assert!(text.contains(part), "{part} is not in\n{text}");
}

async fn a_device_is_told_of(kind: Kind) {
    let ground = Ground::new(kind, 30).await;
    let serials = ground.serials(Some("ios")).await;
    has(&told(&ground, &serials[0]).await, "Nothing is wanted for it, so Apple's state is left alone.");
    let carried = json!({ "profile_status": "assigned", "profile_uuid": FOREIGN });
    ground
        .portal(Method::PATCH, &format!("/servers/{}/devices/{}", ground.server, serials[2]), carried)
        .await;
    ground.sync().await;

    let (default, wanted) = (ground.profile(IOS, "Default").await, ground.profile(IOS, "Wanted").await);
    ground.make_default(&default).await;
    ground.want(&wanted, &serials[1..2]).await;
    has(&told(&ground, &serials[1]).await, "It is assigned at the next run.");
    ground.settle().await;

    let text = told(&ground, &serials[0]).await;
    has(&text, "At Apple it has profile \"Default\", revision 1 (assigned; Apple's id ");
    has(&text, "the default of its platform");
    has(&text, "It is in the desired state.");
    let text = told(&ground, &serials[1]).await;
    has(&text, "profile \"Wanted\" was requested for it.");
    has(&text, "Apple assigned profile \"Wanted\", as requested for this device.");
    has(&told(&ground, &serials[2]).await, "is left aside, because the device has another product's profile");

    ground.script_status(&serials[1], "assign", "THROTTLED", json!({})).await;
    ground.want(&default, &serials[1..2]).await;
    ground.settle().await;
    let text = told(&ground, &serials[1]).await;
    has(&text, "THROTTLED: Apple lets this device be assigned no more for now");
    has(&text, "It rests until ");
}

#[tokio::test]
async fn a_device_is_told_of_on_sqlite() {
    a_device_is_told_of(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_device_is_told_of_on_postgresql() {
    a_device_is_told_of(Kind::Postgres).await;
}

#[tokio::test]
async fn a_refused_profile_shows_its_code_and_who_must_act() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    script(&ground.test, json!({ "path": "/profile", "status": 400, "body": "SUPPORT_EMAIL_INVALID" })).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    let text = told(&ground, &serials[0]).await;
    has(
        &text,
        "Apple refuses to define this profile (SUPPORT_EMAIL_INVALID), so it is not sent again by itself.",
    );
}

#[tokio::test]
async fn a_device_waits_for_its_token_and_the_story_says_so() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials).await;
    has(&told(&ground, &serials[0]).await, "It is assigned at the next run.");
    let revoke = format!("/servers/{}/revoke", ground.server);
    ground.test.portal.call(Method::POST, &revoke, String::new()).await;
    ground.sync().await;
    let text = told(&ground, &serials[0]).await;
    has(&text, "It waits for the server token (");
    assert!(!text.contains("next run"), "{text}");
    ground.pass(SignedDuration::from_hours(24 * 400)).await;
    has(&told(&ground, &serials[0]).await, "It waits for the server token (expired).");
}

#[tokio::test]
async fn a_desired_profile_that_goes_with_its_device_is_in_the_history() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials).await;
    let path =
        format!("/beta/{}/{}/importedAppleDeviceIdentities", crate::support::test_app::S, ground.setting);
    let client = ground.client().await;
    let id = client.get_json(&path).await["value"][0]["id"].as_str().unwrap().to_owned();
    ground.pass(SignedDuration::from_secs(1)).await;
    assert_eq!(ground.client().await.delete(&format!("{path}/{id}")).await.status, 204);
    let words: Vec<_> = ground.history(&serials[0]).await.into_iter().map(|(word, _)| word).collect();
    assert_eq!(words, ["wanted", "unwanted"]);
}

#[tokio::test]
async fn apple_says_of_a_device_what_no_sync_has_told_yet() {
    let ground = Ground::new(Kind::Sqlite, 2).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials[..1]).await;
    ground.settle().await;
    let said = async |serial: &str| {
        let only = Some(ground.setting.parse().unwrap());
        let mut asked = ground.test.app.devices.ask_apple(serial, only).await.unwrap();
        (asked[0].is_answered, asked.remove(0).sentences.join(" "))
    };
    let (answered, text) = said(&serials[0].to_lowercase()).await;
    assert!(answered);
    has(&text, "Apple says that it has profile \"Wanted\", revision 1 (assigned; Apple's id ");
    has(&text, "The profile was assigned at 20");
    has(&text, "It was assigned to this server at 20");
    has(&said(&serials[1]).await.1, "Apple says that it has no profile (empty).");
    let carried = json!({ "profile_status": "pushed", "profile_uuid": FOREIGN });
    let path = format!("/servers/{}/devices/{}", ground.server, serials[1]);
    ground.portal(Method::PATCH, &path, carried).await;
    has(&said(&serials[1]).await.1, "it has a profile that Adept did not make (pushed; Apple's id 0123");
    has(&told(&ground, &serials[1]).await, "At Apple it has no profile.");
    has(&said("C02NOBODY").await.1, "NOT_ACCESSIBLE: it is not assigned to this server");

    let busy = json!({ "path": "/devices", "status": 429, "headers": { "retry-after": "600" }, "body": "" });
    script(&ground.test, busy).await;
    assert!(!said(&serials[0]).await.0);
    let (answered, text) = said(&serials[0]).await;
    assert!(!answered);
    has(&text, "Apple requires a back-off until 20");
}
