//! Client secrets: how they are made, hashed and compared. A secret is never stored, only its keyed hash.
//!
//! A secret is 240 random bits, so nobody finds it by guessing, however cheap a guess is: HMAC-SHA-256 under a key that
//! lies sealed in the database takes microseconds. A slow hash is for what people choose themselves.

use aws_lc_rs::{constant_time, hmac, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{
    domain::{ClientId, TenantId},
    storage::{self, Deployment, DeploymentKey, KeyUse, SecretHash},
};

/// Bytes of a key, and of a hash.
const KEY: usize = 32;
/// Compared with when the client is unknown, so that it costs what a wrong secret costs.
const NOBODY: [u8; KEY] = [0; KEY];

/// Why a secret was not made or not compared.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The database, or what lies sealed in it.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The system gives no randomness.
    #[error("the system gave no random bytes")]
    NoRandomness,
    /// The stored hash was made with a key that is not stored.
    #[error("its secret was hashed with the key {0}, which is not in the database; give it another secret")]
    OtherKey(String),
}

/// A new client secret: 40 URL-safe characters from 240 random bits. It is shown once.
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// A random secret; an error when the system gives no randomness.
    pub fn generate() -> Result<Self, SecretError> {
        let mut bytes = Zeroizing::new([0u8; 30]);
        rand::fill(bytes.as_mut()).map_err(|_| SecretError::NoRandomness)?;
        Ok(Self(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_ref()))))
    }

    /// The secret itself, to be shown to the person who asked for it and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// The key that the deployment's client secrets are hashed with.
pub struct SecretKey {
    id: String,
    key: hmac::Key,
}

impl SecretKey {
    /// The key that every process uses: read, or made and kept by the first one.
    pub async fn of(deployment: &Deployment) -> Result<Self, SecretError> {
        let stored = match deployment.stored_key(KeyUse::ClientSecrets).await? {
            Some(stored) => stored,
            None => deployment.keep_key(KeyUse::ClientSecrets, new_key()?).await?,
        };
        Ok(Self { id: stored.id, key: hmac::Key::new(hmac::HMAC_SHA256, &stored.secret) })
    }

    /// What is stored of a client's secret.
    pub fn hash(&self, tenant: TenantId, client: ClientId, secret: &ClientSecret) -> SecretHash {
        let mac = self.mac(tenant, client, secret.reveal());
        SecretHash { key_id: self.id.clone(), mac: mac.as_ref().to_vec() }
    }

    /// Whether `secret` is the client's. Where none is stored it is not, by the same steps.
    pub(super) fn matches(
        &self,
        tenant: TenantId,
        client: ClientId,
        stored: Option<&SecretHash>,
        secret: &str,
    ) -> Result<bool, SecretError> {
        if let Some(stored) = stored.filter(|stored| stored.key_id != self.id) {
            return Err(SecretError::OtherKey(stored.key_id.clone()));
        }
        let mac = self.mac(tenant, client, secret);
        let expected = stored.map_or(&NOBODY[..], |stored| &stored.mac);
        Ok(constant_time::verify_slices_are_equal(mac.as_ref(), expected).is_ok() && stored.is_some())
    }

    /// The client is part of it: a hash that was copied to another client fits no secret.
    fn mac(&self, tenant: TenantId, client: ClientId, secret: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(tenant.0.as_bytes());
        context.update(client.0.as_bytes());
        context.update(secret.as_bytes());
        context.sign()
    }
}

fn new_key() -> Result<DeploymentKey, SecretError> {
    let mut id = [0u8; 16];
    let mut secret = Zeroizing::new(vec![0u8; KEY]);
    rand::fill(&mut id).and_then(|()| rand::fill(&mut secret)).map_err(|_| SecretError::NoRandomness)?;
    Ok(DeploymentKey { id: id.iter().map(|byte| format!("{byte:02x}")).collect(), secret })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key() -> SecretKey {
        let DeploymentKey { id, secret } = new_key().unwrap();
        SecretKey { id, key: hmac::Key::new(hmac::HMAC_SHA256, &secret) }
    }

    fn ids(tenant: u128, client: u128) -> (TenantId, ClientId) {
        (TenantId(Uuid::from_u128(tenant)), ClientId(Uuid::from_u128(client)))
    }

    #[test]
    fn a_secret_is_forty_url_safe_characters_and_never_the_same() {
        let (a, b) = (ClientSecret::generate().unwrap(), ClientSecret::generate().unwrap());
        assert_eq!(a.reveal().len(), 40);
        assert!(a.reveal().bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
        assert_ne!(a.reveal(), b.reveal());
    }

    #[test]
    fn only_the_clients_own_secret_matches_its_hash() {
        let (key, secret) = (key(), ClientSecret::generate().unwrap());
        let (tenant, client) = ids(1, 1);
        let stored = key.hash(tenant, client, &secret);
        assert!(key.matches(tenant, client, Some(&stored), secret.reveal()).unwrap());
        for wrong in ["", "x", &secret.reveal()[1..], ClientSecret::generate().unwrap().reveal()] {
            assert!(!key.matches(tenant, client, Some(&stored), wrong).unwrap(), "{wrong}");
        }
        for (tenant, client) in [ids(2, 1), ids(1, 2)] {
            let moved = key.matches(tenant, client, Some(&stored), secret.reveal());
            assert!(!moved.unwrap(), "the hash was copied to {client} of {tenant}");
        }
    }

    #[test]
    fn an_unknown_client_matches_nothing() {
        let (tenant, client) = ids(1, 1);
        assert!(!key().matches(tenant, client, None, "x").unwrap());
        let empty = SecretHash { key_id: String::new(), mac: Vec::new() };
        let key = SecretKey { id: String::new(), ..key() };
        assert!(!key.matches(tenant, client, Some(&empty), "x").unwrap());
    }

    #[test]
    fn a_hash_of_another_key_is_no_wrong_secret() {
        let secret = ClientSecret::generate().unwrap();
        let (tenant, client) = ids(1, 1);
        let stored = key().hash(tenant, client, &secret);
        let refused = key().matches(tenant, client, Some(&stored), secret.reveal());
        assert!(matches!(refused, Err(SecretError::OtherKey(id)) if id == stored.key_id));
    }
}
