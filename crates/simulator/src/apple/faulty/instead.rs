//! Answers that take the place of Apple's: the call has no effect.

use axum::body::Body;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use super::super::headers::{http_date, whose};
use super::super::problem::Problem;
use super::super::{ApiCall, Outcome};
use crate::faults::{self, CannedAnswer};
use crate::world::World;

/// The answer as it was written down.
pub(super) fn answer(answer: &CannedAnswer, now: Timestamp) -> Response {
    let mut body = answer.body.clone().into_bytes();
    if let Some(size) = answer.pad_to.filter(|size| *size > body.len()) {
        body.resize(size, b' ');
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    for (name, value) in &answer.headers {
        // The portal refused names and values that are none.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    if let Some(seconds) = answer.retry_after_date {
        let date = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        headers.insert(RETRY_AFTER, http_date(date));
    }
    response
}

/// To the same path below another URL.
pub(super) fn redirect(to: &str, call: &ApiCall) -> Response {
    let mut response = super::super::status_only(StatusCode::TEMPORARY_REDIRECT);
    let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
    if let Ok(location) = HeaderValue::try_from(format!("{}{}{query}", to.trim_end_matches('/'), call.path)) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// One of Apple's codes, with the status that it usually has and spelled as the options say.
pub(super) fn refusal(world: &World, call: &ApiCall, code: &str) -> Outcome {
    let (code, status) = faults::find_code(code).unwrap_or(("FORBIDDEN", Some(403)));
    let status = StatusCode::from_u16(status.unwrap_or(world.switches.credential_status)).unwrap_or_default();
    let problem = Problem::new(status, code, "A fault rule says so.");
    let server = whose(world, call).and_then(|position| world.servers().get(position));
    Outcome { server: server.map(|server| server.uuid.clone()), ..Outcome::from(Err(problem)) }
}
