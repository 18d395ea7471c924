//! One signing key for the whole deployment, whichever replica makes it first.

use adept::auth::{Auth, Denied, Refused};
use serde_json::json;

use super::{Issuer, public_url};
use crate::support::database::{Kind, TestDatabase, noon, tenant};

#[tokio::test]
async fn processes_that_start_together_share_the_first_key() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    let storages = [database.open().await, database.open().await, database.open().await];
    let kids = futures_util::future::join_all(storages.into_iter().map(|storage| async move {
        Auth::new(storage, public_url()).public_key().await.unwrap()["kid"].clone()
    }))
    .await;
    assert_eq!(kids, vec![kids[0].clone(); 3]);
}

#[tokio::test]
async fn a_token_of_one_process_is_good_at_the_next() {
    let issuer = Issuer::start().await;
    let token = issuer.signer.sign(&issuer.signer.claims(issuer.tenant, issuer.client, &json!({})));
    let next = Auth::new(issuer.storage.clone(), public_url());
    assert!(next.caller(Some(&format!("Bearer {token}")), issuer.clock.now()).await.is_ok());
}

#[tokio::test]
async fn where_no_key_can_be_kept_nobody_is_let_in_and_nothing_panics() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    database.open().await.close().await;
    let mut options = database.options();
    options.database.url.push_str("?mode=ro");
    options.database.create = false;
    let storage = adept::storage::Storage::open(&options, noon(), tenant(1)).await.unwrap();
    let auth = Auth::new(storage, public_url());
    assert!(auth.prepare().await.is_err());
    assert!(matches!(auth.public_key().await, Err(Refused::Unavailable(_))));
    assert_eq!(auth.caller(Some("Bearer a.b.c"), noon()).await, Err(Denied::Unavailable));
}
