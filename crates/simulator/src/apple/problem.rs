//! Refusals: status, Apple's code, and a sentence for those who debug a client.

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;

use super::REASON;
use crate::world::{CursorRefused, ErrorBodies, SessionRefused};

/// Why a call is refused. An empty code means an empty body.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) reason: String,
    /// Goes to the caller only, and not into the list of requests.
    pub(super) detail: String,
    allow: &'static [Method],
    pub(super) retry_after: Option<String>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, reason: impl Into<String>) -> Problem {
        Problem { status, code, reason: reason.into(), detail: String::new(), allow: &[], retry_after: None }
    }

    pub(super) fn bad_request(code: &'static str, reason: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, reason)
    }

    pub(super) fn malformed(reason: impl Into<String>) -> Problem {
        Problem::bad_request("MALFORMED_REQUEST_BODY", reason)
    }

    pub(super) fn terms() -> Problem {
        let reason = "The organization has not accepted the newest terms.";
        Problem::new(StatusCode::FORBIDDEN, "T_C_NOT_SIGNED", reason)
    }

    pub(super) fn unknown_path() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "", "The simulator serves nothing on this path.")
    }

    pub(super) fn unknown_session() -> Problem {
        SessionRefused::Unknown.into()
    }

    pub(super) fn wrong_method(allowed: &'static [Method]) -> Problem {
        let reason = format!("This path takes {} only.", list(allowed));
        Problem { allow: allowed, ..Problem::new(StatusCode::METHOD_NOT_ALLOWED, "", reason) }
    }

    pub(super) fn too_large(most: usize) -> Problem {
        let reason = format!("The body has over {most} bytes, which is the simulator's own limit.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "", reason)
    }

    /// The answer, its code spelled as the switches say.
    pub(super) fn into_response(self, bodies: ErrorBodies) -> Response {
        let code = self.code;
        let (kind, body) = match bodies {
            _ if code.is_empty() => ("text/plain;charset=UTF-8", String::new()),
            ErrorBodies::Bare => ("text/plain;charset=UTF-8", code.to_owned()),
            ErrorBodies::Padded => ("text/plain;charset=UTF-8", format!(" {code} \n")),
            ErrorBodies::Quoted => ("application/json;charset=UTF8", format!("\"{code}\"")),
            ErrorBodies::Code => ("application/json;charset=UTF8", format!("{{\"code\":\"{code}\"}}")),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let reason = format!("{} {}", self.reason, self.detail);
        if let Ok(reason) = HeaderValue::try_from(reason.trim()) {
            headers.insert(REASON, reason);
        }
        if let Some(wait) = self.retry_after.and_then(|wait| HeaderValue::try_from(wait).ok()) {
            headers.insert(RETRY_AFTER, wait);
        }
        if let Some(allowed) = HeaderValue::try_from(list(self.allow)).ok().filter(|list| !list.is_empty()) {
            headers.insert(ALLOW, allowed);
        }
        response
    }
}

fn list(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

impl From<SessionRefused> for Problem {
    fn from(refused: SessionRefused) -> Problem {
        match refused {
            SessionRefused::Missing => Problem::new(
                StatusCode::UNAUTHORIZED,
                "UNAUTHORIZED",
                "The call has no X-ADM-Auth-Session header.",
            ),
            SessionRefused::Unknown => {
                let reason = "No session has this token, or its server token was replaced or revoked.";
                Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", reason)
            }
            SessionRefused::Expired => Problem::new(
                StatusCode::UNAUTHORIZED,
                "UNAUTHORIZED",
                "The session is too old. Ask /session for another.",
            ),
        }
    }
}

impl From<CursorRefused> for Problem {
    fn from(refused: CursorRefused) -> Problem {
        match refused {
            CursorRefused::Invalid => Problem::bad_request(
                "INVALID_CURSOR",
                "The cursor is garbled, of another server, or of a fetch that is not finished.",
            ),
            CursorRefused::Exhausted => Problem::bad_request(
                "EXHAUSTED_CURSOR",
                "The fetch has returned everything. Go on with /devices/sync and the same cursor.",
            ),
            CursorRefused::Expired => {
                Problem::bad_request("EXPIRED_CURSOR", "The cursor is too old. Fetch all devices again.")
            }
        }
    }
}
