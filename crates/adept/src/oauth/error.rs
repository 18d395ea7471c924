//! One table from a refusal to status, OAuth code, Entra's number and a sentence; and the JSON that carries them.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::OAuth;
use crate::{auth::Refused, domain::TenantId};

/// Why the issuer refuses.
#[derive(Debug)]
pub(super) enum OAuthError {
    /// The path's tenant is no GUID.
    TenantIsNoGuid(String),
    /// The tenant is unknown.
    UnknownTenant(TenantId),
    /// The operator disabled the tenant.
    DisabledTenant(TenantId),
    /// The body is no form, or too large.
    NotAForm(String),
    /// A field that is needed is missing or empty.
    MissingField(&'static str),
    /// A field came twice.
    RepeatedField(&'static str),
    /// Credentials came both in the body and in the `Authorization` header, and differ.
    TwoCredentials,
    /// The `Authorization` header is not readable as Basic credentials.
    UnreadableBasic,
    /// A grant other than client credentials.
    UnsupportedGrant(String),
    /// A scope other than one of ours followed by `/.default`.
    UnknownScope(String),
    /// No secret was sent.
    MissingSecret,
    /// Unknown client or wrong secret.
    WrongCredentials,
    /// The client is disabled.
    DisabledClient,
    /// Too many sign-ins at once.
    Busy,
    /// Database or key cannot be used; the text is for the log.
    Unavailable(String),
}

impl OAuthError {
    pub(super) fn refused(refused: Refused, tenant: TenantId) -> Self {
        match refused {
            Refused::UnknownTenant => Self::UnknownTenant(tenant),
            Refused::DisabledTenant => Self::DisabledTenant(tenant),
            Refused::WrongCredentials => Self::WrongCredentials,
            Refused::DisabledClient => Self::DisabledClient,
            Refused::Busy => Self::Busy,
            Refused::Unavailable(cause) => Self::Unavailable(cause),
        }
    }

    /// Status, OAuth error code (RFC 6749 §5.2), Entra's number, sentence.
    fn describe(&self) -> (StatusCode, &'static str, u32, String) {
        let bad = StatusCode::BAD_REQUEST;
        match self {
            Self::TenantIsNoGuid(text) => (bad, "invalid_request", 900_023, {
                let shown: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
                format!(
                    "Specified tenant identifier '{shown}' is not a GUID. Use the tenant id that `adept client add` printed."
                )
            }),
            Self::UnknownTenant(tenant) => {
                (bad, "invalid_request", 90_002, format!("Tenant '{tenant}' not found. Check the tenant id."))
            }
            Self::DisabledTenant(tenant) => {
                (bad, "invalid_request", 5_000_224, format!("Tenant '{tenant}' is disabled by the operator."))
            }
            Self::NotAForm(cause) => (
                bad,
                "invalid_request",
                90_014,
                format!("The body must be a form (application/x-www-form-urlencoded): {cause}"),
            ),
            Self::MissingField(field) => (
                bad,
                "invalid_request",
                900_144,
                format!("The request body must contain the following parameter: '{field}'."),
            ),
            Self::RepeatedField(field) => {
                (bad, "invalid_request", 90_014, format!("The parameter '{field}' must not be sent twice."))
            }
            Self::TwoCredentials => (
                bad,
                "invalid_request",
                90_014,
                "Send the client's credentials once: in the body or in the Authorization header.".to_owned(),
            ),
            Self::UnreadableBasic => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                7_000_218,
                "The Authorization header must hold Basic credentials: client_id and client_secret."
                    .to_owned(),
            ),
            Self::UnsupportedGrant(grant) => (bad, "unsupported_grant_type", 70_003, {
                let shown: String = grant.chars().filter(|c| !c.is_control()).take(64).collect();
                format!("The app requested an unsupported grant type '{shown}'. Use 'client_credentials'.")
            }),
            Self::UnknownScope(example) => (
                bad,
                "invalid_scope",
                70_011,
                format!(
                    "The provided value for the input parameter 'scope' is not valid. Ask for '{example}'."
                ),
            ),
            Self::MissingSecret => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                7_000_218,
                "The request body must contain the following parameter: 'client_secret'.".to_owned(),
            ),
            Self::WrongCredentials => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                7_000_215,
                "Invalid client secret provided, or the application is not known in this tenant.".to_owned(),
            ),
            Self::DisabledClient => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                7_000_112,
                "The application is disabled by the operator.".to_owned(),
            ),
            Self::Busy => (
                StatusCode::TOO_MANY_REQUESTS,
                "temporarily_unavailable",
                90_055,
                "Too many applications sign in at once. Try again in a second.".to_owned(),
            ),
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                90_033,
                "A transient error has occurred. Try again in a few seconds.".to_owned(),
            ),
        }
    }
}

/// The answer to a refusal. `correlation` is the id the client sent, if any.
pub(super) fn answer(oauth: &OAuth, refused: OAuthError, correlation: Option<Uuid>) -> Response {
    let (status, code, number, sentence) = refused.describe();
    let now = oauth.clock.now();
    let trace = crate::app::Clock::id_at(now);
    let correlation = correlation.unwrap_or(trace);
    let timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    match &refused {
        OAuthError::Unavailable(cause) => tracing::error!(%trace, cause, "no token can be issued"),
        OAuthError::Busy => tracing::warn!(%trace, "a sign-in was refused: too many wait already"),
        _ => tracing::info!(%trace, error = code, number, "a token request was refused"),
    }
    let body = json!({
        "error": code,
        "error_description": format!(
            "AADSTS{number}: {sentence} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"
        ),
        "error_codes": [number],
        "timestamp": timestamp,
        "trace_id": trace.to_string(),
        "correlation_id": correlation.to_string(),
    });
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    match refused {
        OAuthError::UnreadableBasic | OAuthError::WrongCredentials | OAuthError::MissingSecret => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"adept\""));
        }
        OAuthError::Busy => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        OAuthError::Unavailable(_) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        _ => {}
    }
    response
}
