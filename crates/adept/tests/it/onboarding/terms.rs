//! Terms that nobody accepted yet: a token is taken on trust, verified by the first good answer, and given up again when
//! it turns out to be another server's.

use reqwest::Method;
use serde_json::Value;

use super::{Pair, pair, shown, syncs, trust, upload};
use crate::support::test_app::TestApp;

pub(super) async fn set_terms(test: &TestApp, server: &str, accepted: bool) {
    let server = test.portal.call(Method::GET, &format!("/servers/{server}"), String::new()).await;
    let server: Value = serde_json::from_str(&server).unwrap();
    let path = format!("/organizations/{}/terms", server["org_id"].as_str().unwrap());
    test.portal.call(Method::PUT, &path, format!(r#"{{"accepted": {accepted}}}"#)).await;
}

async fn token_of(test: &TestApp, Pair { setting, .. }: &Pair) -> adept::storage::StoredTokens {
    let tenant = test.storage.default_tenant();
    test.storage
        .tokens
        .load(adept::domain::SettingKey::new(tenant, setting.parse().unwrap()))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_first_token_is_taken_and_verified_when_the_terms_are_accepted() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    set_terms(&test, &pair.server, false).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 3);
    assert!(!token_of(&test, &pair).await.setting.token_verified);

    set_terms(&test, &pair.server, true).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    let verified = token_of(&test, &pair).await.setting;
    assert!(verified.token_verified);
    assert_eq!(verified.server.server_uuid, Some(pair.server.to_uppercase().replace('-', "")));
    assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 0);
}

#[tokio::test]
async fn a_token_with_another_consumer_key_is_refused_while_terms_wait() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    let path = format!("/servers/{}/token?account=second%40example.com", pair.server);
    let token = test.portal.call(Method::POST, &path, String::new()).await;
    set_terms(&test, &pair.server, false).await;
    let before = shown(&client, &pair.setting).await;
    upload(&client, &pair.setting, &token).await.is_refused(409, "Conflict", "accept the terms");
    assert_eq!(shown(&client, &pair.setting).await, before);
}

#[tokio::test]
async fn an_unverified_renewal_keeps_the_verified_token_which_comes_back_when_apple_refuses_the_newer() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    let path = format!("/servers/{}/token?expires=2099-01-01T00:00:00Z", pair.server);
    let renewal = test.portal.call(Method::POST, &path, String::new()).await;
    set_terms(&test, &pair.server, false).await;
    assert_eq!(upload(&client, &pair.setting, &renewal).await.status, 204);
    let waiting = token_of(&test, &pair).await;
    assert!(waiting.verified.is_some() && !waiting.setting.token_verified);
    assert_eq!(waiting.setting.token_generation, 2);

    // Meanwhile the renewal is replaced at Apple as well.
    test.portal.token(&pair.server).await;
    set_terms(&test, &pair.server, true).await;
    assert!(!syncs(&test, &client, &pair.setting).await);
    let back = token_of(&test, &pair).await;
    assert!(back.verified.is_none() && back.setting.token_verified);
    assert_eq!(back.setting.token_generation, 3);
}

#[tokio::test]
async fn an_unverified_token_of_an_onboarded_server_is_neither_bound_nor_synchronized() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let first = pair(&test, &client).await;
    test.portal.give_devices(&first.server, 3).await;
    assert_eq!(upload(&client, &first.setting, &test.portal.token(&first.server).await).await.status, 204);
    let second = client.create_setting().await;
    trust(&test, &client, &second, &first.server).await;
    set_terms(&test, &first.server, false).await;
    assert_eq!(upload(&client, &second, &test.portal.token(&first.server).await).await.status, 204);
    set_terms(&test, &first.server, true).await;
    assert!(!syncs(&test, &client, &second).await);
    let shown = shown(&client, &second).await;
    assert_eq!((&shown["lastSyncErrorCode"], &shown["syncedDeviceCount"]), (&13.into(), &0.into()));
}
