//! The request headers that every call has in common: user agent, session token, protocol version.

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use jiff::Timestamp;

use super::SESSION;
use super::endpoint::Endpoint;
use super::problem::Problem;
use crate::world::{Admitted, SessionRefused, Switches, UserAgentChecks, World};

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
