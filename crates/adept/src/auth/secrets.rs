//! Client secrets: how they are made, hashed and compared. A secret is never stored, only its argon2 hash.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{PasswordHasher, phc::PasswordHash},
};
use aws_lc_rs::{constant_time, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Memory in KiB and passes, of equal strength to argon2's defaults at a third of the memory, because two run at once
/// beside everything else. Source: OWASP Password Storage Cheat Sheet, argon2id.
const MEMORY_KIB: u32 = 7 * 1024;
const PASSES: u32 = 5;

/// How many hashes run at once.
const AT_ONCE: usize = 2;
/// How many callers may wait; the next one is answered that it should come back.
const WAITING: usize = 64;

/// Verified against when the client is unknown, so that it costs what a wrong secret costs. Nothing hashes to it
/// (32 zero bytes). The parameters are those above.
const NOBODY: &str =
    "$argon2id$v=19$m=7168,t=5,p=1$YWRlcHQtbm9ib2R5LWF0LWFsbA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a secret was not compared.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Too many callers wait already.
    #[error("too many sign-ins at once")]
    Busy,
    /// The hash could not be computed: no randomness, no memory, or an unreadable stored hash.
    #[error("the secret could not be hashed: {0}")]
    Failed(String),
}

/// A new client secret: 40 URL-safe characters from 240 random bits. It is shown once.
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// A random secret; an error when the system gives no randomness.
    pub fn generate() -> Result<Self, SecretError> {
        let mut bytes = Zeroizing::new([0u8; 30]);
        rand::fill(bytes.as_mut()).map_err(|_| SecretError::Failed("no randomness".to_owned()))?;
        Ok(Self(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_ref()))))
    }

    /// The secret itself, to be shown to the person who asked for it and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Its argon2id hash (PHC text), to be stored. Takes some 20 ms of CPU.
    pub fn hash(&self) -> Result<String, SecretError> {
        let mut salt = [0u8; 16];
        rand::fill(&mut salt).map_err(|_| SecretError::Failed("no randomness".to_owned()))?;
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(failed)?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(self.0.as_bytes(), &salt)
            .map(|hash| hash.to_string())
            .map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> SecretError {
    SecretError::Failed(error.to_string())
}

/// Compares secrets, a few at a time.
pub(super) struct Turnstile {
    inside: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Turnstile {
    pub(super) fn new() -> Self {
        Self {
            inside: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            running: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Whether `secret` is the one that `hash` was made of. Without a hash it is not, at the same cost.
    pub(super) async fn verify(
        &self,
        hash: Option<String>,
        secret: Zeroizing<String>,
    ) -> Result<bool, SecretError> {
        let _inside = self.inside.try_acquire().map_err(|_| SecretError::Busy)?;
        let permit = self.running.clone().acquire_owned().await.map_err(failed)?;
        let verified = tokio::task::spawn_blocking(move || {
            // The permit lives as long as the work, even when the caller went away and this future was dropped.
            let _permit = permit;
            verify_now(hash.as_deref().unwrap_or(NOBODY), &secret)
        });
        verified.await.map_err(failed)?
    }
}

fn verify_now(hash: &str, secret: &str) -> Result<bool, SecretError> {
    let stored = PasswordHash::new(hash).map_err(failed)?;
    let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
        return Err(SecretError::Failed("the stored hash is incomplete".to_owned()));
    };
    let params = Params::try_from(&stored).map_err(failed)?;
    let mut blocks = memory(params.block_count());
    let mut computed = vec![0; expected.as_bytes().len()];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(secret.as_bytes(), salt.as_ref(), &mut computed, &mut blocks)
        .map_err(failed)?;
    Ok(constant_time::verify_slices_are_equal(&computed, expected.as_bytes()).is_ok())
}

/// Room for `blocks`, reserved with so much untouched room behind it that the allocator takes it from the system and
/// gives it back at once. Smaller pieces stay with whichever thread used them: with glibc (whose limit is 32 MiB) a
/// crowd of sign-ins would leave 100 MiB behind.
fn memory(blocks: usize) -> Vec<Block> {
    let mut memory = Vec::with_capacity(blocks.max(33 * 1024 * 1024 / Block::SIZE));
    memory.resize(blocks, Block::default());
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_forty_url_safe_characters_and_never_the_same() {
        let (a, b) = (ClientSecret::generate().unwrap(), ClientSecret::generate().unwrap());
        assert_eq!(a.reveal().len(), 40);
        assert!(a.reveal().bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
        assert_ne!(a.reveal(), b.reveal());
    }

    #[tokio::test]
    async fn only_the_secret_itself_matches_its_hash() {
        let secret = ClientSecret::generate().unwrap();
        let hash = secret.hash().unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{hash}");
        let turnstile = Turnstile::new();
        let right = Zeroizing::new(secret.reveal().to_owned());
        assert!(turnstile.verify(Some(hash.clone()), right).await.unwrap());
        assert!(!turnstile.verify(Some(hash.clone()), Zeroizing::new(String::new())).await.unwrap());
        assert!(!turnstile.verify(None, Zeroizing::new(secret.reveal().to_owned())).await.unwrap());
        let unreadable = turnstile.verify(Some("no hash".to_owned()), Zeroizing::new(hash)).await;
        assert!(matches!(unreadable, Err(SecretError::Failed(_))));
    }

    #[test]
    fn an_unknown_client_costs_what_a_known_one_costs() {
        let known = ClientSecret::generate().unwrap().hash().unwrap();
        let parameters = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(parameters(&known), parameters(NOBODY));
        assert!(!verify_now(NOBODY, "anything").unwrap());
    }

    #[tokio::test]
    async fn the_sixty_seventh_caller_must_come_back_later() {
        let turnstile = Turnstile::new();
        let running: Vec<_> = (0..AT_ONCE).map(|_| turnstile.running.try_acquire().unwrap()).collect();
        let mut waiting: Vec<_> = (0..AT_ONCE + WAITING)
            .map(|_| Box::pin(turnstile.verify(None, Zeroizing::new("x".to_owned()))))
            .collect();
        for caller in &mut waiting {
            assert!(futures_util::poll!(caller).is_pending());
        }
        let refused = turnstile.verify(None, Zeroizing::new("x".to_owned())).await;
        assert!(matches!(refused, Err(SecretError::Busy)));
        waiting.truncate(1);
        drop(running);
        assert!(!waiting.remove(0).await.unwrap());
        assert!(!turnstile.verify(None, Zeroizing::new("x".to_owned())).await.unwrap());
    }
}
