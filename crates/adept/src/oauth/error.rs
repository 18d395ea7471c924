//! One table from a refusal to status, OAuth code and Entra's number; its sentence; and the JSON that carries them.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::OAuth;
use crate::{auth::Refused, domain::LimitExceeded};

/// Why the issuer refuses. Displays as the sentence that the caller reads.
#[derive(Debug, thiserror::Error)]
pub(super) enum OAuthError {
    /// The path's tenant is no GUID.
    #[error(
        "Specified tenant identifier '{}' is not a GUID. Use the tenant id that `adept client add` printed.",
        shortened(.0)
    )]
    TenantIsNoGuid(String),
    /// The tenant, the client or its secret is not good, or that cannot be found out now.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The body is no form, or too large.
    #[error("The body must be a form (application/x-www-form-urlencoded): {0}")]
    NotAForm(String),
    /// The token endpoint of version 1.
    #[error(
        "The token endpoint of version 1 is not offered. Send the request to '/oauth2/v2.0/token' below the tenant's id, \
         with 'scope' in place of 'resource'."
    )]
    OldEndpoint,
    /// A field that is needed is missing or empty.
    #[error("The request body must contain the following parameter: '{0}'.")]
    MissingField(&'static str),
    /// A field came twice.
    #[error("The parameter '{0}' must not be sent twice.")]
    RepeatedField(&'static str),
    /// Credentials came both in the body and in the `Authorization` header, and differ.
    #[error("Send the client's credentials once: in the body or in the Authorization header.")]
    TwoCredentials,
    /// More than one `Authorization` header.
    #[error("The Authorization header must not be sent twice.")]
    RepeatedHeader,
    /// The `Authorization` header is not readable as Basic credentials.
    #[error("The Authorization header must hold Basic credentials: client_id and client_secret.")]
    UnreadableBasic,
    /// A grant other than client credentials.
    #[error("The app requested an unsupported grant type '{}'. Use 'client_credentials'.", shortened(.0))]
    UnsupportedGrant(String),
    /// A scope other than one of ours followed by `/.default`.
    #[error("The provided value for the input parameter 'scope' is not valid. Ask for '{0}'.")]
    UnknownScope(String),
    /// No secret was sent.
    #[error("The request body must contain the following parameter: 'client_secret'.")]
    MissingSecret,
}

/// What a caller wrote, for an error sentence: at most 64 characters.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

impl OAuthError {
    /// Status, OAuth error code (RFC 6749 §5.2), Entra's number.
    fn codes(&self) -> (StatusCode, &'static str, u32) {
        let invalid = |number| (StatusCode::BAD_REQUEST, "invalid_request", number);
        let client = |number| (StatusCode::UNAUTHORIZED, "invalid_client", number);
        match self {
            Self::TenantIsNoGuid(_) => invalid(900_023),
            Self::Refused(Refused::UnknownTenant(_)) => invalid(90_002),
            Self::Refused(Refused::DisabledTenant(_)) => invalid(5_000_224),
            Self::OldEndpoint => invalid(900_561),
            Self::NotAForm(_) | Self::RepeatedField(_) | Self::RepeatedHeader | Self::TwoCredentials => {
                invalid(90_014)
            }
            Self::MissingField(_) => invalid(900_144),
            Self::UnsupportedGrant(_) => (StatusCode::BAD_REQUEST, "unsupported_grant_type", 70_003),
            Self::UnknownScope(_) => (StatusCode::BAD_REQUEST, "invalid_scope", 70_011),
            Self::UnreadableBasic | Self::MissingSecret => client(7_000_218),
            Self::Refused(Refused::WrongCredentials) => client(7_000_215),
            Self::Refused(Refused::DisabledClient) => client(7_000_112),
            Self::Refused(Refused::TooManyFailures(_)) => {
                (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", 50_053)
            }
            Self::Refused(Refused::Unavailable(_)) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", 90_033)
            }
        }
    }
}

impl OAuthError {
    /// Whether somebody is refused who cannot show who it is, or may not enter.
    pub(super) fn is_denial(&self) -> bool {
        match self {
            Self::Refused(Refused::Unavailable(_)) => false,
            Self::Refused(_) => true,
            _ => self.codes().0 == StatusCode::UNAUTHORIZED,
        }
    }
}

/// No answer of the token endpoint is to be kept.
pub(super) const NO_STORE: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::PRAGMA, HeaderValue::from_static("no-cache")),
];

/// The answer to a refusal. `correlation` is the id the client sent, if any.
pub(super) fn answer(oauth: &OAuth, refused: OAuthError, correlation: Option<Uuid>) -> Response {
    answer_as(oauth.app.clock().new_id(), oauth, &refused, correlation)
}

/// The answer to a refusal of the request of that id.
pub(super) fn answer_as(
    trace: Uuid,
    oauth: &OAuth,
    refused: &OAuthError,
    correlation: Option<Uuid>,
) -> Response {
    let (status, code, number) = refused.codes();
    let now = oauth.app.clock().now();
    let correlation = correlation.unwrap_or(trace);
    let timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    match refused {
        OAuthError::Refused(Refused::Unavailable(cause)) => {
            tracing::error!(%trace, cause, "no token can be issued")
        }
        _ => tracing::info!(%trace, error = code, number, "a token request was refused"),
    }
    let body = json!({
        "error": code,
        "error_description": format!(
            "AADSTS{number}: {refused} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"
        ),
        "error_codes": [number],
        "timestamp": timestamp,
        "trace_id": trace.to_string(),
        "correlation_id": correlation.to_string(),
    });
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.extend(NO_STORE);
    match refused {
        OAuthError::UnreadableBasic
        | OAuthError::Refused(Refused::WrongCredentials)
        | OAuthError::MissingSecret => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"adept\""));
        }
        OAuthError::Refused(Refused::TooManyFailures(LimitExceeded { limit, wait })) => {
            let seconds = HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
            headers.insert("ratelimit-limit", HeaderValue::from(*limit));
            headers.insert("ratelimit-remaining", HeaderValue::from_static("0"));
            headers.insert("ratelimit-reset", seconds.clone());
            headers.insert(header::RETRY_AFTER, seconds);
        }
        OAuthError::Refused(Refused::Unavailable(_)) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        _ => {}
    }
    response
}
