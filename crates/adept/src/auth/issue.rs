//! The client credentials grant: a client's id and secret become a signed token.

use std::{net::IpAddr, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Auth, NoKey,
    claims::{ApplicationClaims, LIFETIME_SECONDS},
};
use crate::{
    domain::{ClientId, LimitExceeded, Permission, TenantId},
    storage::ClientRow,
};

/// What a client shows.
pub struct Credentials {
    /// `client_id`; none when what was sent is no GUID, which costs as much as any wrong one.
    pub client: Option<ClientId>,
    /// `client_secret`.
    pub secret: Zeroizing<String>,
}

/// One request for a token.
pub struct SignIn<'r> {
    /// The tenant that the client names.
    pub tenant: TenantId,
    /// What it shows.
    pub credentials: Credentials,
    /// What the token is for.
    pub audience: &'r str,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// The token's own id (`uti`).
    pub token: Uuid,
    /// The time.
    pub now: Timestamp,
    /// The monotonic clock's.
    pub elapsed: SignedDuration,
}

/// A token.
pub struct Issued {
    /// The bearer token.
    pub access_token: String,
    /// Seconds until it ends.
    pub expires_in: i64,
    /// Whose client it is.
    pub tenant: TenantId,
    /// What the client is called.
    pub client_name: String,
}

/// Why no token is issued. Displays as the sentence that the caller reads.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The tenant is unknown.
    #[error("Tenant '{0}' not found. Check the tenant id.")]
    UnknownTenant(TenantId),
    /// The operator disabled the tenant.
    #[error("Tenant '{0}' is disabled by the operator.")]
    DisabledTenant(TenantId),
    /// The tenant has no such client, or the secret is another one; which of both is not said.
    #[error("Invalid client secret provided, or the application is not known in this tenant.")]
    WrongCredentials,
    /// The secret is right, but the operator disabled the client.
    #[error("The application is disabled by the operator.")]
    DisabledClient,
    /// The tenant or the credentials are wrong, and that was so too often lately.
    #[error(
        "The application or its secret is wrong, as it was too often of this application or from this address lately. Check \
         both, then try again in {} s. A right secret is let in at any time.",
        .0.wait.as_secs_f64().ceil()
    )]
    TooManyFailures(LimitExceeded),
    /// The database or the signing key cannot be used now; the text is for the log.
    #[error("A transient error has occurred. Try again in a few seconds.")]
    Unavailable(String),
}

impl Refused {
    pub(super) fn unavailable(cause: impl std::fmt::Display) -> Self {
        Self::Unavailable(cause.to_string())
    }
}

impl Auth {
    /// Issues a token to the client, with the permissions it was granted as `roles`. A right secret is never kept waiting;
    /// of wrong ones too many are refused as such.
    pub async fn issue(&self, sign_in: SignIn<'_>) -> Result<Issued, Refused> {
        let SignIn { tenant, credentials, audience, address, token, now, elapsed } = sign_in;
        let account = credentials.client.map(|client| (tenant, client));
        let client = self.client_of(tenant, credentials).await.map_err(|refused| match refused {
            Refused::WrongCredentials | Refused::UnknownTenant(_) => {
                match self.failures.count(account, address, elapsed) {
                    Ok(()) => refused,
                    Err(exceeded) => Refused::TooManyFailures(exceeded),
                }
            }
            _ => refused,
        })?;
        let client_name = client.name.clone();
        let access_token = self.sign_for(client, audience, token, now).await.map_err(Refused::unavailable)?;
        Ok(Issued { access_token, expires_in: LIFETIME_SECONDS, tenant, client_name })
    }

    /// The client whose credentials these are. An unknown one takes the same steps as a wrong secret.
    async fn client_of(&self, tenant: TenantId, credentials: Credentials) -> Result<ClientRow, Refused> {
        self.tenant_is_open(tenant).await?;
        let key = self.secret_key().await.map_err(Refused::unavailable)?;
        let id = credentials.client.unwrap_or(ClientId(Uuid::nil()));
        let client = self.storage.clients.get(tenant, id).await.map_err(Refused::unavailable)?;
        let stored = client.as_ref().map(|client| &client.secret);
        let right = key.matches(tenant, id, stored, &credentials.secret).map_err(Refused::unavailable)?;
        match client.filter(|_| right) {
            None => Err(Refused::WrongCredentials),
            Some(client) if client.disabled => Err(Refused::DisabledClient),
            Some(client) => Ok(client),
        }
    }

    async fn sign_for(
        &self,
        client: ClientRow,
        audience: &str,
        token: Uuid,
        now: Timestamp,
    ) -> Result<String, NoKey> {
        let key = Arc::clone(self.signing_key().await?);
        let iss = self.public_url.issuer(client.tenant);
        let audience = audience.to_owned();
        let signed = self
            .on_a_core(move || {
                let id = client.id.to_string();
                key.sign(&ApplicationClaims {
                    aud: &audience,
                    iss,
                    iat: now.as_second(),
                    nbf: now.as_second(),
                    exp: now.as_second() + LIFETIME_SECONDS,
                    app_displayname: &client.name,
                    appid: id.clone(),
                    azp: id.clone(),
                    idtyp: "app",
                    oid: id.clone(),
                    roles: client.permissions.iter().map(Permission::as_str).collect(),
                    sub: id,
                    tid: client.tenant.to_string(),
                    uti: token.simple().to_string(),
                    ver: "2.0",
                })
            })
            .await??;
        Ok(signed)
    }
}
