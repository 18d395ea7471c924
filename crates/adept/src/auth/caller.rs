//! From the `Authorization` header to a [`Caller`].
//!
//! A token that was verified is remembered by its SHA-256 for at most [`REMEMBERED_SECONDS`], so that a client or
//! tenant that was disabled stops within 30 s; its own end (`exp`) is checked every time.

use std::sync::Arc;

use aws_lc_rs::digest;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation};
use moka::sync::Cache;

use super::{
    Auth, audience,
    claims::{PresentedClaims, SKEW_SECONDS},
    issuer::SigningKey,
};
use crate::{
    domain::{Caller, ClientId, TenantId},
    storage::Purpose,
};

/// For how long a verified token is believed without looking at the database again.
const REMEMBERED_SECONDS: i64 = 30;
/// How many verified tokens are remembered at most, a few hundred bytes each.
const REMEMBERED: u64 = 10_000;
/// Longer headers are no tokens of ours.
const LONGEST: usize = 16 * 1024;

/// Why a bearer token is not accepted. The text is for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No `Authorization` header.
    #[error("Access token is empty: send an `Authorization: Bearer` header.")]
    Missing,
    /// Not `Bearer`, or not a compact JSON Web Token with the claims that are needed.
    #[error("The `Authorization` header does not hold a readable bearer token.")]
    Malformed,
    /// `exp` is over 5 minutes ago.
    #[error("Lifetime validation failed, the token is expired: ask the token endpoint for a new one.")]
    Expired,
    /// `nbf` is more than 5 minutes ahead.
    #[error("Lifetime validation failed, the token is not yet valid.")]
    NotYetValid,
    /// `aud` is neither this service nor Microsoft Graph.
    #[error("Access token validation failure. Invalid audience: the token was made for another service.")]
    WrongAudience,
    /// `iss` is not this service's issuer for the token's tenant.
    #[error("Access token validation failure. Invalid issuer: the token was made by another issuer.")]
    WrongIssuer,
    /// Not signed by this service's key.
    #[error("Access token validation failure. The token was not signed by this service.")]
    BadSignature,
    /// A personal Microsoft account.
    #[error("Personal Microsoft accounts are not supported: use a work or school account or an application.")]
    PersonalAccount,
    /// The tenant is unknown.
    #[error("The token's tenant is unknown here.")]
    UnknownTenant,
    /// The operator disabled the tenant.
    #[error("The tenant is disabled.")]
    DisabledTenant,
    /// The tenant has no such application.
    #[error("The token's application is unknown here.")]
    UnknownClient,
    /// The operator disabled the application.
    #[error("The token's application is disabled.")]
    DisabledClient,
    /// The database or the signing key cannot be used now.
    #[error("The token could not be checked just now; try again.")]
    Unavailable,
}

/// A token that was verified, and until when it may be believed.
pub(super) struct Remembered {
    caller: Caller,
    checked_at: i64,
    not_before: Option<i64>,
    expires: i64,
}

impl Remembered {
    fn in_time(&self, now: i64) -> Result<(), Denied> {
        if now >= self.expires.saturating_add(SKEW_SECONDS) {
            return Err(Denied::Expired);
        }
        if self.not_before.is_some_and(|start| now < start.saturating_sub(SKEW_SECONDS)) {
            return Err(Denied::NotYetValid);
        }
        Ok(())
    }

    fn is_fresh(&self, now: i64) -> bool {
        (0..REMEMBERED_SECONDS).contains(&(now - self.checked_at))
    }
}

/// Verified tokens by the SHA-256 of their text.
pub(super) type Verified = Cache<[u8; 32], Arc<Remembered>>;

/// No tokens yet. The cache's own clock only frees memory; whether one still counts is decided by the caller's time.
pub(super) fn none_verified() -> Verified {
    let memory = std::time::Duration::from_secs(2 * REMEMBERED_SECONDS.unsigned_abs());
    Cache::builder().max_capacity(REMEMBERED).time_to_live(memory).build()
}

impl Auth {
    /// The caller behind an `Authorization` header.
    pub async fn caller(&self, authorization: Option<&str>, now: Timestamp) -> Result<Caller, Denied> {
        let token = bearer(authorization)?;
        let now = now.as_second();
        let digest = sha256(token);
        if let Some(known) = self.verified.get(&digest)
            && known.is_fresh(now)
        {
            known.in_time(now)?;
            return Ok(known.caller.clone());
        }
        let verified = Purpose::Caller.scope(self.verify(token, now)).await?;
        let caller = verified.caller.clone();
        self.verified.insert(digest, Arc::new(verified));
        Ok(caller)
    }

    /// Whose a token is that was denied, where this service signed it; for the log. Of any other nothing is believed.
    pub async fn signed_for(
        &self,
        authorization: Option<&str>,
        denied: Denied,
    ) -> Option<(TenantId, Option<ClientId>)> {
        if matches!(denied, Denied::Missing | Denied::Malformed | Denied::BadSignature | Denied::Unavailable)
        {
            return None;
        }
        let claims = claims_of(bearer(authorization).ok()?, self.signing_key().await.ok()?).ok()?;
        Some((claims.tenant()?, claims.client()))
    }

    async fn verify(&self, token: &str, now: i64) -> Result<Remembered, Denied> {
        let key = self.signing_key().await.map_err(|error| {
            tracing::error!(%error, "a bearer token cannot be checked: there is no signing key");
            Denied::Unavailable
        })?;
        let claims = claims_of(token, key)?;
        let expires = claims.exp.ok_or(Denied::Malformed)?;
        let tenant = claims.tenant().ok_or(Denied::Malformed)?;
        let client = claims.client().ok_or(Denied::Malformed)?;
        let (kind, permissions) = claims.kind_and_permissions().ok_or(Denied::Malformed)?;
        let verified = Remembered {
            checked_at: now,
            not_before: claims.nbf,
            expires,
            caller: Caller {
                tenant,
                kind,
                client: Some(client),
                client_name: claims.app_displayname,
                permissions,
                address: None,
            },
        };
        verified.in_time(now)?;
        let audiences = claims.aud.as_ref().ok_or(Denied::WrongAudience)?;
        if !audiences.iter().any(|aud| audience::is_known(aud, &self.public_url)) {
            return Err(Denied::WrongAudience);
        }
        if tenant == TenantId::PERSONAL_ACCOUNTS {
            return Err(Denied::PersonalAccount);
        }
        if claims.iss.as_deref() != Some(self.public_url.issuer(tenant).as_str()) {
            return Err(Denied::WrongIssuer);
        }
        self.tenant_and_client_are_open(&verified.caller).await?;
        Ok(verified)
    }

    async fn tenant_and_client_are_open(&self, caller: &Caller) -> Result<(), Denied> {
        let unavailable = |error: crate::storage::Error| {
            tracing::error!(%error, "a bearer token cannot be checked: the database does not answer");
            Denied::Unavailable
        };
        let tenant = self.storage.tenants.get(caller.tenant).await.map_err(unavailable)?;
        if tenant.ok_or(Denied::UnknownTenant)?.disabled {
            return Err(Denied::DisabledTenant);
        }
        let Some(client) = caller.client else { return Err(Denied::Malformed) };
        let client = self.storage.clients.get(caller.tenant, client).await.map_err(unavailable)?;
        if client.ok_or(Denied::UnknownClient)?.disabled {
            return Err(Denied::DisabledClient);
        }
        Ok(())
    }
}

fn sha256(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    bytes
}

/// The token of a `Bearer` header; the scheme in any case, as RFC 9110 has it.
fn bearer(authorization: Option<&str>) -> Result<&str, Denied> {
    let header = authorization.map(str::trim).filter(|header| !header.is_empty()).ok_or(Denied::Missing)?;
    if header.len() > LONGEST {
        return Err(Denied::Malformed);
    }
    let (scheme, token) = header.split_once(' ').ok_or(Denied::Malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim_start()) } else { Err(Denied::Malformed) }
}

/// The claims of a token that `key` signed. Times and audience are checked by the caller, with the caller's clock.
fn claims_of(token: &str, key: &SigningKey) -> Result<PresentedClaims, Denied> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Denied::Malformed)?;
    if header.alg != Algorithm::RS256 || header.kid.as_deref() != Some(key.kid()) {
        return Err(Denied::BadSignature);
    }
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    match jsonwebtoken::decode(token, key.verifying(), &validation) {
        Ok(data) => Ok(data.claims),
        Err(error) => Err(match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => Denied::BadSignature,
            _ => Denied::Malformed,
        }),
    }
}
