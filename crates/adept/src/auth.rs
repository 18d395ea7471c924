//! Who calls: a bearer token becomes a [`Caller`](crate::domain::Caller), and a client's secret becomes a bearer token.
//!
//! No HTTP: `oauth` and `graph` choose the status codes. Which permission an operation needs is said where the
//! operation is routed, not here.

mod audience;
mod caller;
mod claims;
mod failed_sign_ins;
mod issue;
mod issuer;
mod public_url;
mod secrets;

use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};

pub use caller::Denied;
pub use issue::{Credentials, Issued, Refused, SignIn};
pub use public_url::PublicUrl;
pub use secrets::{ClientSecret, SecretError, SecretKey};

use crate::{
    domain::TenantId,
    storage::{self, DeploymentKey, KeyUse, Storage},
};
use issuer::SigningKey;

/// The built-in issuer and the verifier of what it issued.
pub struct Auth {
    storage: Storage,
    public_url: PublicUrl,
    key: OnceCell<Arc<SigningKey>>,
    verified: caller::Verified,
    secret_key: OnceCell<SecretKey>,
    failures: failed_sign_ins::FailureBuckets,
    rsa: Arc<Semaphore>,
}

impl Auth {
    /// An issuer for `public_url`. Touches nothing yet; [`Auth::prepare`] makes or loads its keys.
    pub fn new(storage: Storage, public_url: PublicUrl) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            storage,
            public_url,
            key: OnceCell::new(),
            verified: caller::none_verified(),
            secret_key: OnceCell::new(),
            failures: failed_sign_ins::FailureBuckets::default(),
            rsa: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Where this issuer is reached.
    pub fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// Loads the keys that sign tokens and hash secrets, or makes and keeps them. An error says why one is missing; the next
    /// call tries again.
    pub async fn prepare(&self) -> Result<(), String> {
        self.secret_key().await.map_err(|error| error.to_string())?;
        self.signing_key().await.map(|_| ()).map_err(|error| error.to_string())
    }

    /// The public half of the signing key, as a JSON Web Key. An error when the database has none and cannot keep one now.
    pub async fn public_key(&self) -> Result<&serde_json::Value, Refused> {
        Ok(self.signing_key().await.map_err(Refused::unavailable)?.jwk())
    }

    /// That there is such a tenant and that it is not disabled.
    pub async fn tenant_is_open(&self, tenant: TenantId) -> Result<(), Refused> {
        match self.storage.tenants.get(tenant).await.map_err(Refused::unavailable)? {
            None => Err(Refused::UnknownTenant(tenant)),
            Some(row) if row.disabled => Err(Refused::DisabledTenant(tenant)),
            Some(_) => Ok(()),
        }
    }

    /// The audience a `scope` asks for, if it is one of ours.
    pub fn audience_of_scope(&self, scope: &str) -> Option<String> {
        audience::from_scope(scope, &self.public_url)
    }

    async fn secret_key(&self) -> Result<&SecretKey, SecretError> {
        self.secret_key.get_or_try_init(|| SecretKey::of(&self.storage.deployment)).await
    }

    async fn signing_key(&self) -> Result<&Arc<SigningKey>, NoKey> {
        self.key
            .get_or_try_init(|| async {
                let stored = match self.storage.deployment.stored_key(KeyUse::BearerTokens).await? {
                    Some(stored) => stored,
                    None => self.make_signing_key().await?,
                };
                Ok(Arc::new(SigningKey::from_pkcs8(&stored.secret)?))
            })
            .await
    }

    async fn make_signing_key(&self) -> Result<DeploymentKey, NoKey> {
        // Where nothing can be written, a new key would be of no use.
        self.storage.deployment.writable().await?;
        let made = self
            .on_a_core(|| -> Result<DeploymentKey, issuer::KeyError> {
                let secret = SigningKey::generate()?;
                Ok(DeploymentKey { id: SigningKey::from_pkcs8(&secret)?.kid().to_owned(), secret })
            })
            .await??;
        Ok(self.storage.deployment.keep_key(KeyUse::BearerTokens, made).await?)
    }

    /// Runs RSA work on a blocking thread, no more at once than there are cores.
    async fn on_a_core<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoKey> {
        let core = Arc::clone(&self.rsa).acquire_owned().await.map_err(|_| NoKey::Stopped)?;
        tokio::task::spawn_blocking(move || {
            let _core = core;
            work()
        })
        .await
        .map_err(|_| NoKey::Stopped)
    }
}

/// Why nothing can be signed or verified now.
#[derive(Debug, thiserror::Error)]
enum NoKey {
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error(transparent)]
    Key(#[from] issuer::KeyError),
    #[error("the service is stopping")]
    Stopped,
}
