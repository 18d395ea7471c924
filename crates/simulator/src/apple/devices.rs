//! `POST /devices`: details of devices by serial number.

use std::collections::HashSet;

use serde::Deserialize;

use super::body;
use super::device_json::Show;
use super::problem::Problem;
use crate::world::World;

#[derive(Deserialize)]
struct DetailsRequest {
    #[serde(default)]
    devices: Option<Vec<String>>,
}

pub(super) fn details(world: &World, server: usize, version: u32, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let request: DetailsRequest = body::object(body)?;
    let serials = request.devices.filter(|devices| !devices.is_empty());
    let serials = serials
        .ok_or_else(|| Problem::bad_request("DEVICE_ID_REQUIRED", "Name at least one serial number."))?;
    let show = Show::new(world, server, version);
    let mut seen = HashSet::with_capacity(serials.len());
    let different: Vec<&String> = serials.iter().filter(|serial| seen.insert(serial.as_str())).collect();
    let mut out = Vec::with_capacity(64 + serials.len() * 700);
    out.extend_from_slice(b"{\"devices\":{");
    for (position, serial) in different.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        let name = serde_json::Value::from(serial.as_str()).to_string();
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b":{");
        match world.device(server, serial) {
            Some(event) => {
                show.record(&event.record, &mut out);
                out.extend_from_slice(b",\"response_status\":\"SUCCESS\"}");
            }
            None => {
                out.extend_from_slice(b"\"serial_number\":");
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b",\"response_status\":\"NOT_ACCESSIBLE\"}");
            }
        }
    }
    out.extend_from_slice(b"}}");
    Ok(out)
}
