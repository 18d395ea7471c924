//! Tokens that are refused for what they are.

use super::{asked, pair, script, shown, syncs, trust, upload};
use crate::support::test_app::TestApp;

#[tokio::test]
async fn a_token_sealed_to_another_certificate_is_refused_and_the_certificate_named() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let (ours, theirs) = (pair(&test, &client).await, pair(&test, &client).await);
    let token = test.portal.token(&theirs.server).await;
    let before = shown(&client, &ours.setting).await;
    let refused = upload(&client, &ours.setting, &token).await;
    refused.is_refused(400, "BadRequest", "sealed to another certificate (");
    refused.is_refused(400, "BadRequest", "serial ");
    assert_eq!(shown(&client, &ours.setting).await, before);
    assert_eq!(asked(&test, "GET /session").await, 0);
}

#[tokio::test]
async fn apples_own_sample_is_refused_by_the_name_of_its_recipient() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let sample = include_str!("../../../../../fixtures/tokens/apple-documentation-sample.p7m");
    upload(&client, &pair.setting, sample).await.is_refused(400, "BadRequest", "Zippo Inc");
}

#[tokio::test]
async fn an_expired_token_is_refused_without_asking_apple() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let path = format!("/servers/{}/token?expires=2020-01-31T00:00:00Z", pair.server);
    let token = test.portal.call(reqwest::Method::POST, &path, String::new()).await;
    let before = shown(&client, &pair.setting).await;
    upload(&client, &pair.setting, &token).await.is_refused(
        400,
        "BadRequest",
        "expired on 2020-01-31T00:00:00Z",
    );
    assert_eq!(shown(&client, &pair.setting).await, before);
    assert_eq!(asked(&test, "GET /session").await, 0);
}

#[tokio::test]
async fn a_token_that_was_replaced_or_revoked_at_apple_is_refused_in_either_spelling() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let replaced = test.portal.token(&pair.server).await;
    let revoked = test.portal.token(&pair.server).await;
    let revoke = format!("/servers/{}/revoke", pair.server);
    test.portal.call(reqwest::Method::POST, &revoke, String::new()).await;
    let before = shown(&client, &pair.setting).await;
    for status in [401, 403] {
        let options = format!(r#"{{"credential_status": {status}}}"#);
        test.portal.call(reqwest::Method::PUT, "/options", options).await;
        for token in [&replaced, &revoked] {
            let refused = upload(&client, &pair.setting, token).await;
            refused.is_refused(400, "BadRequest", "Apple does not accept this server token");
        }
    }
    assert_eq!(shown(&client, &pair.setting).await, before);
}

#[tokio::test]
async fn denied_access_is_a_bad_request_and_never_looks_like_the_callers_login() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let token = test.portal.token(&pair.server).await;
    for code in ["ACCESS_DENIED", "FORBIDDEN"] {
        let answer = serde_json::json!({ "path": "/session", "times": 2, "status": 403, "body": code });
        script(&test, answer).await;
        upload(&client, &pair.setting, &token).await.is_refused(400, "BadRequest", code);
        test.portal.call(reqwest::Method::DELETE, "/answers", String::new()).await;
    }
}

#[tokio::test]
async fn another_servers_token_is_refused_on_renewal_and_both_servers_are_named() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let ours = pair(&test, &client).await;
    assert_eq!(upload(&client, &ours.setting, &test.portal.token(&ours.server).await).await.status, 204);
    let other = test.portal.server().await;
    trust(&test, &client, &ours.setting, &other).await;
    let before = shown(&client, &ours.setting).await;
    let refused = upload(&client, &ours.setting, &test.portal.token(&other).await).await;
    refused.is_refused(409, "Conflict", "belongs to another server");
    refused.is_refused(409, "Conflict", &other.to_uppercase().replace('-', ""));
    assert_eq!(shown(&client, &ours.setting).await, before);
    assert!(syncs(&test, &client, &ours.setting).await);
}

#[tokio::test]
async fn a_server_that_is_onboarded_already_is_refused_and_its_setting_named() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let first = pair(&test, &client).await;
    assert_eq!(upload(&client, &first.setting, &test.portal.token(&first.server).await).await.status, 204);
    let second = client.create_setting().await;
    trust(&test, &client, &second, &first.server).await;
    let before = shown(&client, &second).await;
    let refused = upload(&client, &second, &test.portal.token(&first.server).await).await;
    refused.is_refused(409, "Conflict", &first.setting);
    assert_eq!(shown(&client, &second).await, before);
}

#[tokio::test]
async fn the_same_server_in_another_tenant_is_nobodys_business() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let first = pair(&test, &client).await;
    assert_eq!(upload(&client, &first.setting, &test.portal.token(&first.server).await).await.status, 204);
    let tenant = test.other_tenant().await;
    let other = test.client(tenant, &[crate::support::test_app::WRITE]).await;
    let setting = other.create_setting().await;
    trust(&test, &other, &setting, &first.server).await;
    assert_eq!(upload(&other, &setting, &test.portal.token(&first.server).await).await.status, 204);
}
