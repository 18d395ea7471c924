//! `POST /profile` defines a profile, `GET /profile` shows one. There is no list, no change and no deletion.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::body;
use super::problem::Problem;
use super::profile_check;
use super::serials;
use crate::world::{Statuses, World};

/// Fields that only protocol version 2 and later honor.
const SINCE_2: [&str; 4] =
    ["support_email_address", "await_device_configured", "is_multi_user", "auto_advance_setup"];

/// Flags that are always shown, with what they are when nobody sets them.
const FLAGS: [(&str, bool); 9] = [
    ("allow_pairing", true),
    ("is_supervised", false),
    ("is_mandatory", false),
    ("is_mdm_removable", true),
    ("await_device_configured", false),
    ("is_multi_user", false),
    ("auto_advance_setup", false),
    ("is_return_to_service", false),
    ("do_not_use_profile_from_backup", false),
];

/// Checks and stores a profile, and assigns it to the devices that come with it.
pub(super) fn define(
    world: &mut World,
    server: usize,
    version: u32,
    body: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, Problem> {
    let mut fields: Map<String, Value> = body::object(body)?;
    fields.retain(|_, value| !value.is_null());
    if version < 2 {
        SINCE_2.iter().for_each(|name| drop(fields.remove(*name)));
    }
    profile_check::types(&fields)?;
    profile_check::rules(&fields, &world.switches)?;
    fields.remove("profile_uuid");
    let devices: Vec<String> = fields
        .remove("devices")
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| Problem::malformed(format!("devices: {error}.")))?
        .unwrap_or_default();
    let serials = serials::different(&devices, &world.switches)?;
    let id = world.define_profile(server, fields, now);
    let statuses = world.assign_profile(server, id, &serials, version, now);
    Ok(answer(&world.profile(id).uuid, &statuses, version))
}

/// Shows a profile of this server.
pub(super) fn show(world: &World, server: usize, version: u32, query: &str) -> Result<Vec<u8>, Problem> {
    let uuid = super::query(query, "profile_uuid");
    let uuid = uuid.ok_or_else(uuid_required)?;
    let Some(id) = world.find_profile(server, &uuid) else {
        let status = StatusCode::from_u16(world.switches.unknown_profile_get_status);
        let reason = "The server never defined this profile.";
        return Err(Problem::new(status.unwrap_or(StatusCode::BAD_REQUEST), "NOT_FOUND", reason));
    };
    let profile = world.profile(id);
    let mut shown = profile.fields.clone();
    for (name, default) in FLAGS {
        shown.entry(name).or_insert(json!(default));
    }
    if version < 2 {
        SINCE_2.iter().for_each(|name| drop(shown.remove(*name)));
    }
    shown.insert("profile_uuid".to_owned(), json!(&*profile.uuid));
    Ok(Value::Object(shown).to_string().into_bytes())
}

pub(super) fn uuid_required() -> Problem {
    Problem::bad_request("PROFILE_UUID_REQUIRED", "Name the profile_uuid.")
}

/// The answer of define and assign.
pub(super) fn answer(uuid: &str, statuses: &Statuses<'_>, version: u32) -> Vec<u8> {
    let mut out = format!("{{\"profile_uuid\":\"{uuid}\",").into_bytes();
    serials::write(statuses, &mut out);
    if let Some(seconds) = statuses.retry_after.filter(|_| version >= 10) {
        out.extend_from_slice(format!(",\"retry_after_seconds\":{seconds}").as_bytes());
    }
    out.push(b'}');
    out
}
