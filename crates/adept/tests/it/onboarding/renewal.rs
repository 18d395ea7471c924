//! Renewals: by the same account, by another one, with an older key, with the same file, in every encoding.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Method;

use super::{asked, pair, shown, syncs, trust, upload};
use crate::support::{
    database::Kind,
    test_app::{S, TestApp},
};

async fn renewal_works(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 5).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    test.app.scheduler.sync_what_is_due().await.unwrap();
    let first = shown(&client, &pair.setting).await;
    assert_eq!(first["appleIdentifier"], "admin@example.com");
    assert_eq!(first["syncedDeviceCount"], 5);

    // Issuing the new token kills the old one at Apple.
    let token = test.portal.token(&pair.server).await;
    assert!(!syncs(&test, &client, &pair.setting).await);
    assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 1);
    assert_eq!(upload(&client, &pair.setting, &token).await.status, 204);
    assert!(syncs(&test, &client, &pair.setting).await);
    let second = shown(&client, &pair.setting).await;
    assert_eq!((&second["lastSyncErrorCode"], &second["syncedDeviceCount"]), (&0.into(), &5.into()));
}

#[tokio::test]
async fn a_renewal_takes_effect_at_once_on_sqlite() {
    renewal_works(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_renewal_takes_effect_at_once_on_postgresql() {
    renewal_works(Kind::Postgres).await;
}

#[tokio::test]
async fn a_renewal_by_another_apple_account_is_normal() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    let path = format!("/servers/{}/token?account=second%40example.com", pair.server);
    let token = test.portal.call(Method::POST, &path, String::new()).await;
    assert_eq!(upload(&client, &pair.setting, &token).await.status, 204);
    assert!(syncs(&test, &client, &pair.setting).await);
}

#[tokio::test]
async fn without_an_apple_id_the_stored_one_stays_and_a_first_upload_takes_apples() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let path = format!("/servers/{}/token?account=portal%40example.com", pair.server);
    let token = test.portal.call(Method::POST, &path, String::new()).await;
    let action = format!("/beta/{S}/{}/uploadDepToken", pair.setting);
    for apple_id in [serde_json::Value::Null, "".into()] {
        let body = serde_json::json!({ "appleId": apple_id, "depToken": token });
        assert_eq!(client.post(&action, &body).await.status, 204);
        assert_eq!(shown(&client, &pair.setting).await["appleIdentifier"], "portal@example.com");
    }
    let body = serde_json::json!({ "appleId": "own@example.com", "depToken": token });
    assert_eq!(client.post(&action, &body).await.status, 204);
    let body = serde_json::json!({ "depToken": token });
    assert_eq!(client.post(&action, &body).await.status, 204);
    assert_eq!(shown(&client, &pair.setting).await["appleIdentifier"], "own@example.com");
}

#[tokio::test]
async fn the_same_file_again_is_accepted_and_verified_again() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let token = test.portal.token(&pair.server).await;
    for round in 1..=3 {
        assert_eq!(upload(&client, &pair.setting, &token).await.status, 204);
        assert_eq!(asked(&test, "GET /account").await, round);
        assert_eq!(asked(&test, "GET /session").await, round);
    }
    let tenant = test.storage.default_tenant();
    let stored = test
        .storage
        .settings
        .get(adept::domain::SettingKey::new(tenant, pair.setting.parse().unwrap()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.token_generation, 1);
}

#[tokio::test]
async fn generating_a_key_invalidates_none_and_a_token_for_any_of_them_opens() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let path = format!("/beta/{S}/{}/generateEncryptionPublicKey", pair.setting);
    let newer = client.act(&path).await;
    assert_eq!(newer.status, 200);
    // The portal still has the older key.
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    let shown_key = client.get_json(&format!("/beta/{S}/{}/getEncryptionPublicKey", pair.setting)).await;
    assert_eq!(shown_key["value"], newer.json()["value"]);
    trust(&test, &client, &pair.setting, &pair.server).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
}

#[tokio::test]
async fn every_encoding_and_shape_of_the_file_is_accepted() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    for query in [
        "",
        "line_ends=crlf",
        "chunks=7&folded=true",
        "wrapper=false&inner_headers=false",
        "headers=false",
        "cipher=aes-256-cbc",
        "cipher=des-ede3-cbc",
    ] {
        let path = format!("/servers/{}/token?{query}", pair.server);
        let token = test.portal.call(Method::POST, &path, String::new()).await;
        for text in [token.clone(), format!("\u{feff}{token}"), BASE64_STANDARD.encode(&token)] {
            let answer = upload(&client, &pair.setting, &text).await;
            assert_eq!(answer.status, 204, "{query}: {}", answer.text);
        }
    }
}
