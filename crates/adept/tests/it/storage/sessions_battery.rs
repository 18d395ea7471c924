//! What must hold of shared Apple sessions on either database.

use adept::{
    domain::TokenState,
    storage::{AppleSession, SessionKept, Storage, TokenRow},
};
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::{
    KIND,
    battery::{later, make, server, upload},
};
use crate::support::database::{TestDatabase, noon, tenant};

/// The row of a token that was just uploaded.
async fn stored(storage: &Storage, number: u128) -> TokenRow {
    let made = make(storage, tenant(1), number, "s").await;
    upload(storage, &made, number, 0, &server(&format!("S{number}"), None), true).await;
    row(storage, &made).await
}

async fn row(storage: &Storage, setting: &adept::domain::Setting) -> TokenRow {
    let known = storage.tokens.load(setting.key()).await.unwrap().unwrap();
    TokenRow { key: setting.key(), token: known.in_use.unwrap().id }
}

/// What is found, as a word and a revision.
async fn find(storage: &Storage, row: &TokenRow, refused: i64, now: Timestamp) -> (&'static str, i64) {
    let until = now + jiff::SignedDuration::from_secs(30);
    match storage.apple_sessions.find(row, refused, now, until).await.unwrap() {
        AppleSession::Kept { session, revision } => {
            assert_eq!(&**session, format!("session {revision}").as_bytes());
            ("kept", revision)
        }
        AppleSession::Claimed { revision } => ("claimed", revision),
        AppleSession::Busy => ("busy", 0),
        AppleSession::NotFound => ("gone", 0),
    }
}

async fn keep(storage: &Storage, row: &TokenRow, revision: i64) -> SessionKept {
    let session = format!("session {}", revision + 1);
    storage.apple_sessions.keep(row, session.as_bytes(), revision).await.unwrap()
}

#[tokio::test]
async fn a_session_is_claimed_kept_found_and_replaced() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let row = stored(&storage, 1).await;
    assert_eq!(find(&storage, &row, 0, noon()).await, ("claimed", 0));
    assert_eq!(find(&storage, &row, 0, noon()).await, ("busy", 0));
    assert_eq!(keep(&storage, &row, 0).await, SessionKept::Done);
    assert_eq!(find(&storage, &row, 0, noon()).await, ("kept", 1));
    // Refused by Apple: the claim that was kept is over, so that the next one is free.
    assert_eq!(find(&storage, &row, 1, noon()).await, ("claimed", 1));
    storage.apple_sessions.give_up(&row, 1).await.unwrap();
    assert_eq!(find(&storage, &row, 1, noon()).await, ("claimed", 1));
    assert_eq!(keep(&storage, &row, 1).await, SessionKept::Done);
    assert_eq!(keep(&storage, &row, 1).await, SessionKept::Superseded);
    assert_eq!(find(&storage, &row, 1, noon()).await, ("kept", 2));
    let restarted = database.open().await;
    assert_eq!(find(&restarted, &row, 0, noon()).await, ("kept", 2));
}

#[tokio::test]
async fn a_claim_ends_by_itself_and_who_held_it_keeps_nothing_after_another_did() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let row = stored(&storage, 1).await;
    assert_eq!(find(&storage, &row, 0, noon()).await, ("claimed", 0));
    assert_eq!(find(&storage, &row, 0, later(29)).await, ("busy", 0));
    assert_eq!(find(&storage, &row, 0, later(30)).await, ("claimed", 0));
    assert_eq!(keep(&storage, &row, 0).await, SessionKept::Done);
    assert_eq!(keep(&storage, &row, 0).await, SessionKept::Superseded);
}

#[tokio::test]
async fn of_many_at_once_one_claims() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let row = stored(&storage, 1).await;
    let mut finds = JoinSet::new();
    for _ in 0..16 {
        let (storage, row) = (storage.clone(), row.clone());
        finds.spawn(async move { find(&storage, &row, 0, noon()).await });
    }
    let found = finds.join_all().await;
    assert_eq!(found.iter().filter(|found| found.0 == "claimed").count(), 1, "{found:?}");
    assert_eq!(found.iter().filter(|found| found.0 == "busy").count(), 15, "{found:?}");
}

#[tokio::test]
async fn a_session_goes_with_its_token_and_opens_in_no_other_row() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    let own = server("AAAA", None);
    upload(&storage, &made, 1, 0, &own, true).await;
    let first = row(&storage, &made).await;
    keep(&storage, &first, 0).await;
    upload(&storage, &made, 2, 1, &own, true).await;
    let second = row(&storage, &made).await;
    assert_eq!(find(&storage, &first, 0, noon()).await, ("gone", 0));
    assert_eq!(keep(&storage, &first, 1).await, SessionKept::NotFound);
    assert_eq!(find(&storage, &second, 0, noon()).await, ("claimed", 0));
    let setting = storage
        .tokens
        .load(adept::domain::SettingKey::new(tenant(1), made.id))
        .await
        .unwrap()
        .unwrap()
        .setting;
    assert_eq!(setting.token_state, TokenState::Ok);

    let other = stored(&storage, 3).await;
    let foreign = TokenRow { key: adept::domain::SettingKey::new(tenant(2), other.key.id), ..other };
    assert_eq!(find(&storage, &foreign, 0, noon()).await, ("gone", 0));
}
