//! Lists of serial numbers in requests, and the map of statuses that answers them.

use std::collections::HashSet;

use super::problem::Problem;
use crate::world::{Statuses, Switches};

/// The serial numbers, each of them once; at least one.
pub(super) fn required<'a>(
    devices: Option<&'a [String]>,
    switches: &Switches,
) -> Result<Vec<&'a str>, Problem> {
    let serials = different(devices.unwrap_or_default(), switches)?;
    match serials.is_empty() {
        true => Err(Problem::bad_request("DEVICE_ID_REQUIRED", "Name at least one serial number.")),
        false => Ok(serials),
    }
}

/// The serial numbers, each of them once.
pub(super) fn different<'a>(devices: &'a [String], switches: &Switches) -> Result<Vec<&'a str>, Problem> {
    let most = switches.device_list_maximum;
    if switches.strict_device_lists && devices.len() > most {
        return Err(Problem::malformed(format!("A call names at most {most} devices.")));
    }
    let mut seen = HashSet::with_capacity(devices.len());
    Ok(devices.iter().map(String::as_str).filter(|serial| seen.insert(*serial)).collect())
}

/// Writes `"devices":{…}`.
pub(super) fn write(statuses: &Statuses<'_>, out: &mut Vec<u8>) {
    out.reserve(16 + statuses.devices.len() * 28);
    out.extend_from_slice(b"\"devices\":{");
    let mut first = true;
    for (serial, status) in &statuses.devices {
        let Some(status) = status else { continue };
        if !first {
            out.push(b',');
        }
        first = false;
        text(serial, out);
        out.push(b':');
        text(status, out);
    }
    out.push(b'}');
}

/// Writes a JSON string.
pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}
