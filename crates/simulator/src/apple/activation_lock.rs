//! `POST /device/activationlock` (singular): locks one device.

use serde::Deserialize;
use serde_json::json;

use super::body;
use super::device_json;
use super::problem::Problem;
use crate::world::{Lock, ScriptedCall, Serial, World};

#[derive(Deserialize)]
struct LockRequest {
    device: Option<String>,
    escrow_key: Option<String>,
    lost_message: Option<String>,
}

pub(super) fn lock(world: &mut World, server: usize, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let LockRequest { device, escrow_key, lost_message } = body::object(body)?;
    let device = device.filter(|device| !device.is_empty());
    let device = device.ok_or_else(|| Problem::malformed("Name the device."))?;
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if escrow_key.as_ref().is_some_and(|key| key.len() != 64 || !key.bytes().all(hex)) {
        return Err(Problem::malformed("escrow_key must be 64 lower-case hex digits."));
    }
    let scripted = world.scripted.take(ScriptedCall::Lock, &device);
    let applied = scripted.as_ref().is_none_or(|scripted| scripted.applied);
    let found =
        if applied { try_lock(world, server, &device, Lock { escrow_key, lost_message }) } else { "" };
    let status = match scripted {
        Some(scripted) => scripted.status,
        None => Some(found.to_owned()),
    };
    let mut answer = json!({ "serial_number": device });
    if let (Some(answer), Some(status)) = (answer.as_object_mut(), status) {
        answer.insert("response_status".to_owned(), status.into());
    }
    Ok(answer.to_string().into_bytes())
}

/// Locks when nothing speaks against it, and says what does.
fn try_lock(world: &mut World, server: usize, device: &str, lock: Lock) -> &'static str {
    let Some((event, serial)) = world.device(server, device).zip(Serial::new(device)) else {
        return "NOT_ACCESSIBLE";
    };
    let old = world.server_and_organization(server).is_some_and(|(_, known)| !known.supports_enrollment());
    let family = device_json::family(world, &event.record);
    match family.as_deref() {
        _ if old => "ORG_NOT_SUPPORTED",
        Some("AppleTV") => "DEVICE_NOT_SUPPORTED",
        _ if !world.lock(serial, lock) => "DEVICE_ALREADY_LOCKED",
        _ => "SUCCESS",
    }
}
