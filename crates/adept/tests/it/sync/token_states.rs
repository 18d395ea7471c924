//! Tokens that do not work: what is shown, when Apple is asked again, and that the service starts all the same.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Connection as _;

use super::{pass, synced};
use crate::{
    onboarding::{asked, pair, script, shown, syncs, upload},
    support::test_app::{S, TestApp},
};

/// Every call that Apple was asked.
async fn calls(test: &TestApp) -> Value {
    serde_json::from_str(&test.portal.call(Method::GET, "/counts", String::new()).await).unwrap()
}

pub(super) async fn accept_terms(test: &TestApp, server: &str, accepted: bool) {
    let server = test.portal.call(Method::GET, &format!("/servers/{server}"), String::new()).await;
    let server: Value = serde_json::from_str(&server).unwrap();
    let terms = format!("/organizations/{}/terms", server["org_id"].as_str().unwrap());
    test.portal.call(Method::PUT, &terms, json!({ "accepted": accepted }).to_string()).await;
}

#[tokio::test]
async fn an_expired_token_is_not_shown_to_apple() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let end = test.clock.now() + SignedDuration::from_mins(10);
    let path = format!("/servers/{}/token?expires={end:.0}", pair.server);
    let token = test.portal.call(Method::POST, &path, String::new()).await;
    assert_eq!(upload(&client, &pair.setting, &token).await.status, 204);
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 0);
    pass(&test, SignedDuration::from_mins(11)).await;
    let before = calls(&test).await;
    assert!(!syncs(&test, &client, &pair.setting).await);
    assert_eq!(calls(&test).await, before, "no call was made");
    assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 1);
}

#[tokio::test]
async fn terms_are_asked_about_again_by_itself_and_forgotten_by_the_first_success_only() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 2).await;
    accept_terms(&test, &pair.server, false).await;
    assert!(!syncs(&test, &client, &pair.setting).await);
    assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 3);
    accept_terms(&test, &pair.server, true).await;
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 0, "a minute later");
    pass(&test, SignedDuration::from_secs(61)).await;
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 0);
}

#[tokio::test]
async fn after_failures_apple_is_asked_again_in_1_5_and_15_minutes_then_at_the_interval() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 1).await;
    script(&test, json!({ "path": "/devices/sync", "status": 500, "times": 9 })).await;
    assert!(!syncs(&test, &client, &pair.setting).await);
    for minutes in [1, 5, 15, 30, 30] {
        let due = test.next_sync_due().await;
        let left = due.duration_since(test.clock.now()).as_secs();
        assert!((minutes * 60 - 50..=minutes * 60).contains(&left), "{left} s instead of {minutes} minutes");
        pass(&test, SignedDuration::from_secs(left - 2)).await;
        let early = test.next_sync_due().await > test.clock.now();
        assert!(early || left < 10);
        pass(&test, SignedDuration::from_secs(3)).await;
        assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    }
    test.portal.call(Method::DELETE, "/answers", String::new()).await;
    let client = test.admin().await;
    assert!(syncs(&test, &client, &pair.setting).await);
    let due = test.next_sync_due().await;
    assert!(due.duration_since(test.clock.now()) > SignedDuration::from_mins(25));
}

#[tokio::test]
async fn a_service_whose_every_token_is_dead_starts_answers_and_says_so() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let mut settings = Vec::new();
    for _ in 0..4 {
        settings.push(synced(&test, &client, 1).await);
    }
    let [terms, revoked, expired, garbage] = &settings[..] else { unreachable!() };
    accept_terms(&test, &terms.server, false).await;
    test.portal.call(Method::POST, &format!("/servers/{}/revoke", revoked.server), String::new()).await;
    let mut database = sqlx::SqliteConnection::connect(&test.database.url).await.unwrap();
    sqlx::query("UPDATE server_tokens SET token_sealed = x'00' WHERE setting = unhex(replace($1, '-', ''))")
        .bind(&garbage.setting)
        .execute(&mut database)
        .await
        .unwrap();
    sqlx::query("UPDATE setting_states SET token_expires_at = 1 WHERE setting = unhex(replace($1, '-', ''))")
        .bind(&expired.setting)
        .execute(&mut database)
        .await
        .unwrap();
    sqlx::query("UPDATE setting_states SET sync_due_at = 1 WHERE token_in_use IS NOT NULL")
        .execute(&mut database)
        .await
        .unwrap();

    let other = test.another(&test.database.options()).await;
    let client = other.admin().await;
    assert_eq!(other.app.scheduler.sync_what_is_due().await.unwrap(), 4);
    for (setting, code) in [(terms, 3), (revoked, 1), (expired, 1), (garbage, 0)] {
        assert_eq!(shown(&client, &setting.setting).await["lastSyncErrorCode"], code);
    }
    let listed = client.get_json(&format!("/beta/{S}")).await;
    assert_eq!(listed["value"].as_array().unwrap().len(), 4);
    let health = other.app.health.tokens().await.unwrap();
    let words: Vec<_> = settings
        .iter()
        .map(|pair| {
            let token = health.iter().find(|token| token.setting.to_string() == pair.setting).unwrap();
            (token.standing.as_str(), token.failures)
        })
        .collect();
    assert_eq!(words, [("terms", 1), ("revoked", 1), ("expired", 1), ("failing", 1)]);
}

#[tokio::test]
async fn apple_can_be_asked_about_a_token_at_any_time_and_nothing_is_stored_by_that() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 1).await;
    let before = shown(&client, &pair.setting).await;
    let caller = adept::domain::Caller::operator(test.storage.default_tenant());
    let id = pair.setting.parse().unwrap();
    let check = || test.app.tokens.check_token(&caller, id);
    assert_eq!(check().await.unwrap().0.as_str(), "ok");
    script(&test, json!({ "path": "/account", "status": 403, "body": "T_C_NOT_SIGNED" })).await;
    let (standing, code) = check().await.unwrap();
    assert_eq!((standing.as_str(), code.as_deref()), ("terms", Some("T_C_NOT_SIGNED")));
    assert!(standing.sentence().contains("an administrator has to sign in"));
    assert_eq!(shown(&client, &pair.setting).await, before);
    assert!(asked(&test, "GET /account").await >= 3);
}
