//! One key for the secrets of the whole deployment, whichever process makes it first.

use std::sync::Arc;

use adept::{
    auth::{Auth, ClientSecret, Refused, SecretKey},
    domain::ClientId,
    storage::{SecretHash, Storage},
};
use uuid::Uuid;

use super::{Issuer, public_url};
use crate::support::database::{Kind, TestDatabase, tenant};

const KINDS: [Kind; 2] = [Kind::Sqlite, Kind::Postgres];

/// What a process would store of that secret.
async fn hash(storage: &Storage, secret: &ClientSecret) -> SecretHash {
    let key = SecretKey::of(&storage.deployment).await.unwrap();
    key.hash(tenant(1), ClientId(Uuid::from_u128(1)), secret)
}

#[tokio::test]
async fn processes_that_start_together_hash_alike() {
    for kind in KINDS {
        let database = TestDatabase::new(kind).await;
        let storages = [database.open().await, database.open().await, database.open().await];
        let secret = ClientSecret::generate().unwrap();
        let hashes =
            futures_util::future::join_all(storages.iter().map(|storage| hash(storage, &secret))).await;
        assert_eq!(hashes, vec![hashes[0].clone(); 3], "{kind:?}");
        assert_eq!((hashes[0].mac.len(), hashes[0].key_id.len()), (32, 32));
        assert_eq!(hash(&database.open().await, &secret).await, hashes[0], "one that comes later, {kind:?}");
    }
}

#[tokio::test]
async fn a_secret_of_one_process_opens_the_next() {
    let issuer = Issuer::start().await;
    let (client, secret) = issuer.client_with_secret(&[]).await;
    let next = Arc::new(Auth::new(issuer.storage.clone(), public_url()));
    let next = Issuer { auth: next, ..issuer };
    assert!(next.issue_to(next.tenant, Some(client), secret.reveal(), None).await.is_ok());
}

#[tokio::test]
async fn a_hash_that_was_copied_to_another_client_opens_nothing() {
    let issuer = Issuer::start().await;
    let (own, secret) = issuer.client_with_secret(&[]).await;
    let (other, _) = issuer.client_with_secret(&[]).await;
    let copied = issuer.storage.clients.get(issuer.tenant, own).await.unwrap().unwrap().secret;
    let other = issuer.storage.clients.get(issuer.tenant, other).await.unwrap().unwrap();
    let id = ClientId(issuer.clock.new_id());
    let row = adept::storage::ClientRow { id, secret: copied, ..other };
    issuer.storage.clients.add(&row, None).await.unwrap();
    let issued = issuer.issue_to(issuer.tenant, Some(id), secret.reveal(), None).await;
    assert!(matches!(issued, Err(Refused::WrongCredentials)));
}
