//! `POST /devices`: details of devices by serial number.

use std::collections::HashMap;

use serde::Deserialize;

use super::body;
use super::device_json::Show;
use super::problem::Problem;
use super::serials;
use crate::world::{Scripted, ScriptedCall, UnknownDevice, World};

#[derive(Deserialize)]
struct DetailsRequest {
    devices: Option<Vec<String>>,
}

pub(super) fn details(world: &World, server: usize, version: u32, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let request: DetailsRequest = body::object(body)?;
    let serials = serials::required(request.devices.as_deref(), &world.switches)?;
    Ok(write(world, server, version, &serials, &HashMap::new()))
}

/// The same, with what single devices shall answer taken into account.
pub(super) fn scripted_details(
    world: &mut World,
    server: usize,
    version: u32,
    body: &[u8],
) -> Result<Vec<u8>, Problem> {
    let request: DetailsRequest = body::object(body)?;
    let serials = serials::required(request.devices.as_deref(), &world.switches)?;
    let mut scripted = HashMap::new();
    for serial in &serials {
        if let Some(script) = world.scripted.take(ScriptedCall::Details, serial) {
            scripted.insert(*serial, script);
        }
    }
    Ok(write(world, server, version, &serials, &scripted))
}

fn write(
    world: &World,
    server: usize,
    version: u32,
    serials: &[&str],
    scripted: &HashMap<&str, Scripted>,
) -> Vec<u8> {
    let unknown = match world.switches.unknown_device {
        UnknownDevice::NotAccessible => "NOT_ACCESSIBLE",
        UnknownDevice::NotFound => "NOT_FOUND",
    };
    let show = Show::new(world, server, version);
    let mut out = Vec::with_capacity(64 + serials.len() * 700);
    out.extend_from_slice(b"{\"devices\":{");
    let mut first = true;
    for serial in serials {
        let script = scripted.get(serial);
        let known = world.device(server, serial).filter(|_| script.is_none_or(|script| script.applied));
        let true_status = if known.is_some() { "SUCCESS" } else { unknown };
        let Some(status) = script.map_or(Some(true_status), |script| script.status.as_deref()) else {
            continue;
        };
        if !first {
            out.push(b',');
        }
        first = false;
        serials::text(serial, &mut out);
        out.extend_from_slice(b":{");
        match known {
            Some(event) => show.record(&event.record, &mut out),
            None => {
                out.extend_from_slice(b"\"serial_number\":");
                serials::text(serial, &mut out);
            }
        }
        out.extend_from_slice(b",\"response_status\":");
        serials::text(status, &mut out);
        out.push(b'}');
    }
    out.extend_from_slice(b"}}");
    out
}
