//! What was erased is in no file of a SQLite database any more: neither in its pages nor in its log, and a program that reads
//! meanwhile only delays that.

use std::fs;

use adept::app::Scrubbed;
use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use crate::support::{
    client::Client,
    database::Kind,
    test_app::{S, TestApp},
};

/// The sealed values that a query gives.
async fn sealed(test: &TestApp, query: &str) -> Vec<Vec<u8>> {
    let mut connection = SqliteConnection::connect(&test.database.url).await.unwrap();
    sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_all(&mut connection).await.unwrap()
}

/// Whether a part of a value is in any file beside the database.
fn is_in_a_file(test: &TestApp, value: &[u8]) -> bool {
    let part = &value[value.len() / 2 - 24..value.len() / 2 + 24];
    fs::read_dir(test.database.folder.path()).unwrap().any(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        bytes.windows(part.len()).any(|window| window == part)
    })
}

async fn scrub(test: &TestApp) -> Scrubbed {
    test.app.erasures.scrub().await.unwrap()
}

const TOKENS: &str = "SELECT token_sealed FROM server_tokens";
const KEYS: &str = "SELECT private_key_sealed FROM key_pairs";
const PASSWORDS: &str =
    "SELECT admin_password_sealed FROM enrollment_profiles WHERE admin_password_sealed IS NOT NULL";

async fn renew(test: &TestApp, client: &Client, setting: &str, server: &str) {
    let token = test.portal.token(server).await;
    let upload = json!({ "depToken": token });
    let answer = client.post(&format!("/beta/{S}/{setting}/uploadDepToken"), &upload).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

async fn onboarded(test: &TestApp, client: &Client) -> (String, String) {
    let setting = client.create_setting().await;
    let server = test.portal.server().await;
    let key = client.get_json(&format!("/beta/{S}/{setting}/getEncryptionPublicKey")).await;
    test.portal.trust(&server, key["value"].as_str().unwrap()).await;
    renew(test, client, &setting, &server).await;
    (setting, server)
}

#[tokio::test]
async fn a_token_that_was_replaced_is_in_no_file_as_soon_as_nobody_reads_an_older_state() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let (setting, server) = onboarded(&test, &client).await;
    assert_eq!(scrub(&test).await, Scrubbed::Nothing);
    let old = sealed(&test, TOKENS).await.remove(0);

    let mut reader = SqliteConnection::connect(&test.database.url).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT * FROM settings").execute(&mut reader).await.unwrap();
    renew(&test, &client, &setting, &server).await;
    for _ in 0..3 {
        assert_eq!(scrub(&test).await, Scrubbed::Busy);
        assert!(is_in_a_file(&test, &old), "the reader's state is lost");
        assert!(test.app.erasures.pending() > std::time::Duration::ZERO);
        // Others go on writing.
        renew(&test, &client, &setting, &server).await;
    }
    sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();
    assert_eq!(scrub(&test).await, Scrubbed::Done);
    assert!(!is_in_a_file(&test, &old));
    assert!(is_in_a_file(&test, &sealed(&test, TOKENS).await[0]));
    assert_eq!(test.app.erasures.pending(), std::time::Duration::ZERO);
    assert_eq!(scrub(&test).await, Scrubbed::Nothing);
}

#[tokio::test]
async fn every_erasure_leaves_the_files() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let mut settings = Vec::new();
    // Enough for pages that are split and joined.
    for _ in 0..12 {
        settings.push(onboarded(&test, &client).await);
    }
    let (setting, server) = settings.remove(3);
    let mut erased = Vec::new();
    let base = format!("/beta/{S}/{setting}");
    let gone = async |query: &str, before: Vec<Vec<u8>>| {
        let left = sealed(&test, query).await;
        let gone: Vec<_> = before.into_iter().filter(|value| !left.contains(value)).collect();
        assert!(!gone.is_empty(), "{query}");
        gone
    };

    // A renewal.
    let before = sealed(&test, TOKENS).await;
    renew(&test, &client, &setting, &server).await;
    erased.extend(gone(TOKENS, before).await);
    assert_eq!(scrub(&test).await, Scrubbed::Done);

    // A profile's password, replaced, and deleted with its profile.
    let profile = json!({
        "@odata.type": "#microsoft.graph.depMacOSEnrollmentProfile", "displayName": "p", "adminAccountUserName": "a",
        "adminAccountFullName": "a", "adminAccountPassword": "a password that was replaced".repeat(5),
    });
    let made = client.post(&format!("{base}/enrollmentProfiles"), &profile).await.json();
    let path = format!("{base}/enrollmentProfiles/{}", made["id"].as_str().unwrap());
    let before = sealed(&test, PASSWORDS).await;
    let changed = json!({
        "@odata.type": "#microsoft.graph.depMacOSEnrollmentProfile", "adminAccountPassword": "another one".repeat(9)
    });
    assert_eq!(client.patch(&path, &changed).await.status, 204);
    erased.extend(gone(PASSWORDS, before).await);
    assert_eq!(scrub(&test).await, Scrubbed::Done);
    let before = sealed(&test, PASSWORDS).await;
    assert_eq!(client.delete(&path).await.status, 204);
    erased.extend(gone(PASSWORDS, before).await);
    assert_eq!(scrub(&test).await, Scrubbed::Done);

    // The oldest unused key pair.
    for _ in 0..20 {
        assert_eq!(client.act(&format!("{base}/generateEncryptionPublicKey")).await.status, 200);
    }
    test.clock.advance(jiff::SignedDuration::from_hours(31 * 24));
    let client = test.admin().await;
    let before = sealed(&test, KEYS).await;
    assert_eq!(client.act(&format!("{base}/generateEncryptionPublicKey")).await.status, 200);
    erased.extend(gone(KEYS, before).await);
    assert_eq!(scrub(&test).await, Scrubbed::Done);

    // A setting that is deleted, and later purged with its keys.
    let before = sealed(&test, TOKENS).await;
    assert_eq!(client.delete(&base).await.status, 204);
    erased.extend(gone(TOKENS, before).await);
    assert_eq!(scrub(&test).await, Scrubbed::Done);
    let before = sealed(&test, KEYS).await;
    test.clock.advance(jiff::SignedDuration::from_hours(31 * 24));
    assert_eq!(test.app.purge.now().await.unwrap().settings, 1);
    erased.extend(gone(KEYS, before).await);
    assert_eq!(scrub(&test).await, Scrubbed::Done);

    assert!(erased.len() >= 25, "{}", erased.len());
    for value in &erased {
        assert!(!is_in_a_file(&test, value));
    }
    for value in sealed(&test, TOKENS).await {
        assert!(is_in_a_file(&test, &value));
    }
}

/// Another process erased something, or this one was killed before it emptied the log.
#[tokio::test]
async fn what_another_process_erased_is_seen_to() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let (setting, server) = onboarded(&test, &client).await;
    let old = sealed(&test, TOKENS).await.remove(0);
    renew(&test, &client, &setting, &server).await;
    let other = test.another(&test.database.options()).await;
    assert_eq!(other.app.erasures.scrub().await.unwrap(), Scrubbed::Done);
    assert!(!is_in_a_file(&test, &old));
    assert_eq!(scrub(&test).await, Scrubbed::Done, "it does not know that this was done");
    assert_eq!(scrub(&test).await, Scrubbed::Nothing);
}

#[tokio::test]
async fn on_postgresql_nothing_is_noted() {
    let test = TestApp::start_on_kind(Kind::Postgres).await;
    let client = test.admin().await;
    let (setting, server) = onboarded(&test, &client).await;
    renew(&test, &client, &setting, &server).await;
    assert_eq!(scrub(&test).await, Scrubbed::Nothing);
    assert_eq!(test.database.number("SELECT COUNT(*) FROM deployment WHERE name = 'erasures'").await, 0);
}
