//! The built-in issuer's HTTP: discovery document, keys and token endpoint, in the shape of Microsoft Entra's, so that
//! official clients sign in with nothing but another authority.
//!
//! Which token is issued to whom is decided in `auth`. Source of shapes and codes: Microsoft identity platform,
//! "OAuth 2.0 client credentials flow" and "Microsoft Entra authentication and authorization error codes".

mod discovery;
mod error;
mod keys;
mod sign_in_log;
mod token;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::{app::App, auth::Auth, domain::TenantId};
use error::OAuthError;

/// What the issuer's handlers need.
#[derive(Clone)]
pub struct OAuth {
    /// Issues and knows the tenants.
    pub auth: Arc<Auth>,
    /// Its clock is the time in tokens and answers; it counts sign-ins.
    pub app: Arc<App>,
}

/// Far more than any token request needs, in bytes.
const LARGEST_BODY: usize = 64 * 1024;

/// The issuer's three addresses, below a tenant's GUID.
pub fn router(oauth: OAuth) -> Router {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::discovery))
        .route("/{tenant}/discovery/v2.0/keys", get(keys::keys))
        .route("/{tenant}/oauth2/v2.0/token", post(token::token))
        .route("/{tenant}/oauth2/token", post(token::old_token))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(oauth)
}

impl OAuth {
    /// The tenant that a path names: a GUID of a tenant that exists and is not disabled.
    async fn tenant(&self, segment: &str) -> Result<TenantId, OAuthError> {
        let tenant = Self::tenant_id(segment)?;
        self.auth.tenant_is_open(tenant).await?;
        Ok(tenant)
    }

    fn tenant_id(segment: &str) -> Result<TenantId, OAuthError> {
        segment.parse().map_err(|_| OAuthError::TenantIsNoGuid(segment.to_owned()))
    }
}
