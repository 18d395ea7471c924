//! The request headers that every call has in common: user agent, session token, protocol version.

use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::endpoint::Endpoint;
use super::oauth::Signed;
use super::problem::Problem;
use super::{ApiCall, SESSION};
use crate::world::{Admitted, RetryAfter, SessionRefused, Switches, UserAgentChecks, World};

/// Refuses a call that names no client program, or one that is not wanted.
pub(super) fn user_agent(
    switches: &Switches,
    endpoint: Endpoint,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let checked = match switches.user_agent_checks {
        UserAgentChecks::Everywhere => true,
        UserAgentChecks::Devices => !matches!(endpoint, Endpoint::Session | Endpoint::Account),
    };
    if !checked {
        return Ok(());
    }
    let agent = headers.get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).to_lowercase());
    let agent = agent.unwrap_or_default();
    if agent.trim().is_empty() {
        return Err(Problem::bad_request("USER_AGENT_MISSING", "The call has no User-Agent header."));
    }
    match switches.user_agent_denied.iter().find(|denied| agent.contains(&denied.to_lowercase())) {
        Some(denied) => {
            let reason = format!("The User-Agent contains {denied:?}, which is refused.");
            Err(Problem::bad_request("USER_AGENT_INVALID", reason))
        }
        None => Ok(()),
    }
}

/// The position of the server that a call's session or consumer key belongs to, before either is judged.
pub(super) fn whose(world: &World, call: &ApiCall) -> Option<usize> {
    match session(call) {
        Some(token) => world.sessions_server(token),
        None => world.consumers_server(&Signed::read(&call.headers, &call.query).ok()?.consumer_key),
    }
}

/// The session token that a call carries.
pub(super) fn session(call: &ApiCall) -> Option<&str> {
    call.headers.get(SESSION)?.to_str().ok()
}

/// Refuses a call of a server that has made too many.
pub(super) fn throttle(world: &mut World, call: &ApiCall, now: Timestamp) -> Result<(), Problem> {
    let Some(until) = whose(world, call).and_then(|server| world.throttle(server, now)) else {
        return Ok(());
    };
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "Too many calls.");
    problem.retry_after = match world.switches.call_throttle_retry_after {
        RetryAfter::Seconds => Some(until.duration_since(now).as_secs().max(1).to_string()),
        RetryAfter::Date => Some(http_date_text(until)),
        RetryAfter::Absent => None,
    };
    Err(problem)
}

/// Judges the session token.
pub(super) fn admit(world: &mut World, headers: &HeaderMap, now: Timestamp) -> Result<Admitted, Problem> {
    let token = match headers.get(SESSION) {
        None => None,
        Some(value) => Some(value.to_str().map_err(|_| SessionRefused::Unknown)?),
    };
    Ok(world.admit(token, now)?)
}

/// `X-Server-Protocol-Version`; 1 when it is absent or no number.
pub(super) fn protocol_version(headers: &HeaderMap) -> u32 {
    let version = headers.get("x-server-protocol-version").and_then(|value| value.to_str().ok());
    version.and_then(|version| version.trim().parse().ok()).unwrap_or(1)
}

/// A time as HTTP writes it.
pub(super) fn http_date(time: Timestamp) -> HeaderValue {
    HeaderValue::try_from(http_date_text(time)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn http_date_text(time: Timestamp) -> String {
    // Times outside the years 0 to 9999 have no such form.
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap_or_default()
}
