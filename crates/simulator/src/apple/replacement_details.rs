//! `GET /device/replacementDetails?device=SERIAL`: which device another one replaces. Came with protocol version 10.

use axum::http::StatusCode;
use serde_json::json;

use super::problem::Problem;
use crate::world::World;

/// The protocol version that the call came with.
pub(super) const SINCE: u32 = 10;

pub(super) fn show(world: &World, server: usize, version: u32, query: &str) -> Result<Vec<u8>, Problem> {
    if version < SINCE {
        return Err(Problem::unknown_path());
    }
    let device = super::query(query, "device");
    let device = device
        .ok_or_else(|| Problem::bad_request("DEVICE_ID_REQUIRED", "Name the device, as ?device=SERIAL."))?;
    let (original, at) = world.replacement(server, &device).ok_or_else(|| {
        let reason = "This is no replacement device of the server.";
        Problem::new(StatusCode::NOT_FOUND, "DEVICE_NOT_FOUND", reason)
    })?;
    let answer = json!({
        "serial_number": device,
        "original_device_serial_number": original.as_str(),
        "replacement_date": at.to_string().split('T').next(),
    });
    Ok(answer.to_string().into_bytes())
}
