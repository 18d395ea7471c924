//! Many uploads at once, to one setting and to many: every one is answered, and one whole token that Apple accepts is
//! there at the end.

use std::sync::Arc;

use super::{pair, shown, syncs, upload};
use crate::support::{
    database::Kind,
    test_app::{S, TestApp, WRITE},
};

async fn to_one_setting(kind: Kind) {
    let test = Arc::new(TestApp::start_on_kind(kind).await);
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let mut tokens = Vec::new();
    for _ in 0..6 {
        tokens.push(test.portal.token(&pair.server).await);
    }
    // Only the last one lives at Apple; every other is refused with a reason.
    let uploads = tokens.into_iter().cycle().take(24).enumerate().map(|(number, token)| {
        let (test, setting) = (Arc::clone(&test), pair.setting.clone());
        tokio::spawn(async move {
            let client = test.client(test.storage.default_tenant(), &[WRITE]).await;
            (number % 6, upload(&client, &setting, &token).await)
        })
    });
    for upload in uploads.collect::<Vec<_>>() {
        match upload.await.unwrap() {
            (5, answer) => assert_eq!(answer.status, 204, "{}", answer.text),
            (_, answer) => answer.is_refused(400, "BadRequest", "Apple does not accept"),
        }
    }
    assert!(syncs(&test, &client, &pair.setting).await);
}

#[tokio::test]
async fn many_uploads_to_one_setting_leave_the_living_token_on_sqlite() {
    to_one_setting(Kind::Sqlite).await;
}

#[tokio::test]
async fn many_uploads_to_one_setting_leave_the_living_token_on_postgresql() {
    to_one_setting(Kind::Postgres).await;
}

async fn to_many_settings(kind: Kind) {
    let test = Arc::new(TestApp::start_on_kind(kind).await);
    let client = test.admin().await;
    let mut pairs = Vec::new();
    for _ in 0..8 {
        pairs.push(pair(&test, &client).await);
    }
    let uploads = pairs.into_iter().map(|pair| {
        let test = Arc::clone(&test);
        tokio::spawn(async move {
            let client = test.client(test.storage.default_tenant(), &[WRITE]).await;
            for _ in 0..4 {
                let token = test.portal.token(&pair.server).await;
                assert_eq!(upload(&client, &pair.setting, &token).await.status, 204);
            }
            pair
        })
    });
    for upload in uploads.collect::<Vec<_>>() {
        let pair = upload.await.unwrap();
        assert!(syncs(&test, &client, &pair.setting).await);
    }
}

#[tokio::test]
async fn uploads_to_many_settings_all_succeed_on_sqlite() {
    to_many_settings(Kind::Sqlite).await;
}

#[tokio::test]
async fn uploads_to_many_settings_all_succeed_on_postgresql() {
    to_many_settings(Kind::Postgres).await;
}

#[tokio::test]
async fn a_setting_deleted_during_an_upload_stays_deleted() {
    let test = Arc::new(TestApp::start().await);
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let token = test.portal.token(&pair.server).await;
    let slow = serde_json::json!({ "milliseconds": 300, "path": "/account" }).to_string();
    test.portal.call(reqwest::Method::PUT, "/delay", slow).await;
    let uploading = {
        let (test, setting) = (Arc::clone(&test), pair.setting.clone());
        tokio::spawn(async move {
            let client = test.admin().await;
            upload(&client, &setting, &token).await
        })
    };
    while super::asked(&test, "GET /session").await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.delete(&format!("/beta/{S}/{}", pair.setting)).await.status, 204);
    uploading.await.unwrap().is_refused(404, "ResourceNotFound", "does not exist");
    client.get(&format!("/beta/{S}/{}", pair.setting)).await.is_refused(404, "ResourceNotFound", "");
}

#[tokio::test]
async fn a_read_only_database_answers_reads_and_refuses_the_upload_whole() {
    let test = TestApp::start().await;
    let pair = pair(&test, &test.admin().await).await;
    let client = test.signer.application(&test.storage, test.storage.default_tenant(), &[WRITE]).await;
    let mut options = test.database.options();
    options.database.url.push_str("?mode=ro");
    let read_only = test.another(&options).await;
    refused_whole(&test, &read_only, &client, &pair).await;
}

#[tokio::test]
async fn a_full_database_answers_reads_and_refuses_the_upload_whole() {
    let test = TestApp::start().await;
    let pair = pair(&test, &test.admin().await).await;
    let client = test.signer.application(&test.storage, test.storage.default_tenant(), &[WRITE]).await;
    let mut options = test.database.options();
    options.database.sqlite_max_pages = Some(1);
    let full = test.another(&options).await;
    // A smaller limit than the file's size means the size; the rest of the last pages is filled here.
    let filler = full.with(&client);
    let setting = format!("/beta/{S}/{}", pair.setting);
    while filler.act(&format!("{setting}/generateEncryptionPublicKey")).await.status == 200 {}
    // What is left takes no pair of keys, but lines of the audit log.
    let mut names = 0..;
    while filler
        .patch(&setting, &serde_json::json!({ "tokenName": names.next().map(|n| n.to_string()) }))
        .await
        .status
        < 300
    {}
    refused_whole(&test, &full, &client, &pair).await;
}

/// An upload through `crippled` is refused with 503 and leaves nothing; through the healthy process it works.
async fn refused_whole(healthy: &TestApp, crippled: &TestApp, bearer: &str, pair: &super::Pair) {
    let token = healthy.portal.token(&pair.server).await;
    let before = shown(&healthy.with(bearer), &pair.setting).await;
    let refused = upload(&crippled.with(bearer), &pair.setting, &token).await;
    refused.is_refused(503, "ServiceUnavailable", "The database cannot be used now. Nothing was changed");
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(shown(&crippled.with(bearer), &pair.setting).await, before);
    assert_eq!(upload(&healthy.with(bearer), &pair.setting, &token).await.status, 204);
}
