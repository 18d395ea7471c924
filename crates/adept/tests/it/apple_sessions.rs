//! Apple's sessions, shared by processes on one database and kept over restarts.

use reqwest::Method;
use serde_json::json;
use sqlx::Connection as _;

use crate::{
    onboarding::{asked, pair, shown, syncs, upload},
    support::{database::Kind, test_app::TestApp},
};

async fn switch(test: &TestApp, switches: serde_json::Value) {
    test.portal.call(Method::PUT, "/options", switches.to_string()).await;
}

/// What is due is synchronized by `process`, anyone who was asked for it.
async fn synced_by(process: &TestApp, test: &TestApp, setting: &str) -> bool {
    let client = test.admin().await;
    test.clock.advance(jiff::SignedDuration::from_secs(2));
    let before = shown(&client, setting).await["lastSuccessfulSyncDateTime"].clone();
    let path =
        format!("/beta/{}/{setting}/syncWithAppleDeviceEnrollmentProgram", crate::support::test_app::S);
    assert_eq!(client.act(&path).await.status, 204);
    process.app.scheduler.sync_what_is_due().await.unwrap();
    shown(&client, setting).await["lastSuccessfulSyncDateTime"] != before
}

async fn one_session_for_all(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 5).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(asked(&test, "GET /session").await, 1, "the upload's session served the sync");

    let options = test.database.options();
    let (one, other) = (test.another(&options).await, test.another(&options).await);
    for process in [&one, &other, &test, &one] {
        assert!(synced_by(process, &test, &pair.setting).await);
    }
    assert_eq!(asked(&test, "GET /session").await, 1, "other processes, or a restart, go on with it");

    // Every answer brings another session, and the old one ends.
    switch(&test, json!({ "rotate_every": 1, "rotation_keeps_old": false })).await;
    for process in [&one, &other, &test, &one, &other] {
        assert!(synced_by(process, &test, &pair.setting).await);
    }
    assert_eq!(asked(&test, "GET /session").await, 1, "what one process was given, the next one uses");

    // Apple forgets them all.
    switch(&test, json!({ "session_ttl_seconds": 0, "rotate_every": 0 })).await;
    assert!(!synced_by(&one, &test, &pair.setting).await);
    let refused = asked(&test, "GET /session").await;
    switch(&test, json!({ "session_ttl_seconds": 180 })).await;
    for process in [&other, &one, &test] {
        assert!(synced_by(process, &test, &pair.setting).await);
    }
    assert!(asked(&test, "GET /session").await <= refused + 1, "one new session for all");
}

#[tokio::test]
async fn processes_share_one_session_of_a_token_on_sqlite() {
    one_session_for_all(Kind::Sqlite).await;
}

#[tokio::test]
async fn processes_share_one_session_of_a_token_on_postgresql() {
    one_session_for_all(Kind::Postgres).await;
}

#[tokio::test]
async fn a_renewed_token_has_a_session_of_its_own() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let setting = test.onboarded(&client, 3).await;
    let options = test.database.options();
    let other = test.another(&options).await;
    assert!(synced_by(&other, &test, &setting).await);
    let server = test.portal.call(Method::GET, "/servers", String::new()).await;
    let servers: serde_json::Value = serde_json::from_str(&server).unwrap();
    let server = servers.pointer("/0/server_uuid").or(servers.pointer("/servers/0/server_uuid")).unwrap();
    let token = test.portal.token(server.as_str().unwrap()).await;
    assert_eq!(upload(&client, &setting, &token).await.status, 204);
    assert!(
        synced_by(&other, &test, &setting).await,
        "the other process does not go on with the old session"
    );
    assert!(syncs(&test, &client, &setting).await);
}

#[tokio::test]
async fn a_session_is_stored_sealed_and_an_upload_stores_none() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    let stored = || async {
        let mut database = sqlx::SqliteConnection::connect(&test.database.url).await.unwrap();
        sqlx::query_as::<_, (Option<Vec<u8>>, i64)>(
            "SELECT session_sealed, session_revision FROM server_tokens",
        )
        .fetch_one(&mut database)
        .await
        .unwrap()
    };
    assert_eq!(stored().await, (None, 0));
    test.app.scheduler.sync_what_is_due().await.unwrap();
    let (sealed, revision) = stored().await;
    assert_eq!(revision, 1);
    // A session of the simulator is 128 hex digits; in clear it would be text.
    assert!(std::str::from_utf8(&sealed.unwrap()).is_err());
}
