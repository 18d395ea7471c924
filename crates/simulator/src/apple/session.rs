//! `GET /session`: credentials in, session token out.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use jiff::Timestamp;
use serde_json::json;

use super::oauth::Signed;
use super::problem::Problem;
use super::{ApiCall, Outcome};
use crate::world::{TokenRefused, World};

/// Checks the signature, its time and its nonce, then the terms, and opens a session.
pub(super) fn open(world: &mut World, urls: &[String], call: &ApiCall, now: Timestamp) -> Outcome {
    let mut outcome = Outcome::from(Ok(Vec::new()));
    outcome.result = answer(world, urls, call, now, &mut outcome);
    outcome
}

fn answer(
    world: &mut World,
    urls: &[String],
    call: &ApiCall,
    now: Timestamp,
    outcome: &mut Outcome,
) -> Result<Vec<u8>, Problem> {
    content_type(call)?;
    let signed = Signed::read(&call.headers, &call.query)?;
    let credential =
        StatusCode::from_u16(world.switches.credential_status).unwrap_or(StatusCode::UNAUTHORIZED);
    let credentials =
        world.credentials(&signed.consumer_key, &signed.token).map_err(|refused| match refused {
            TokenRefused::UnknownConsumer => {
                unauthorized("consumer_key_unknown", "No server token has this consumer key.")
            }
            TokenRefused::AccountGone => {
                let reason = "The Apple account that downloaded the server token was revoked.";
                Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", reason)
            }
            TokenRefused::Rejected => {
                let reason =
                    "The server token was revoked, or replaced by another Apple account, or never was.";
                Problem::new(credential, "token_rejected", reason)
            }
        })?;
    let server = credentials.server;
    outcome.server = world.server_and_organization(server).map(|(server, _)| server.uuid.clone());
    let method = call.method.as_str();
    let secrets = [credentials.consumer_secret, credentials.access_secret];
    if !signed.fits(method, urls, &call.path, secrets) {
        let reason = "The signature does not fit; a newer server token may have been issued.";
        let expected = signed.base_string(method, &format!("{}{}", urls[0], call.path));
        let mut problem = Problem::new(credential, "signature_invalid", reason);
        problem.detail = format!("The signature base string is: {expected}");
        return Err(problem);
    }
    if credentials.expired(now) {
        return Err(unauthorized("token_expired", "The server token is older than its year."));
    }
    if !world.timely(signed.timestamp, now) {
        let reason = format!("The timestamp is over five minutes away from {}.", now.as_second());
        return Err(unauthorized("timestamp_refused", reason));
    }
    if !world.note_nonce(&signed.consumer_key, &signed.nonce, now) {
        return Err(unauthorized("nonce_used", "The nonce was used before."));
    }
    if world.server_and_organization(server).is_some_and(|(_, organization)| !organization.terms_accepted) {
        return Err(Problem::terms());
    }
    let token = world.open_session(server, now);
    Ok(json!({ "auth_session_token": token }).to_string().into_bytes())
}

/// Apple's own simulator refuses any other spelling, though the call has no body.
fn content_type(call: &ApiCall) -> Result<(), Problem> {
    let found = call.headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    match found == Some(super::JSON.as_bytes()) {
        true => Ok(()),
        false => Err(Problem::bad_request("", "Content-Type must be exactly application/json;charset=UTF8.")),
    }
}

fn unauthorized(code: &'static str, reason: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, reason)
}
