//! `POST` and `PUT /profile/devices` assign a profile, `DELETE /profile/devices` takes profiles away.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;

use super::body;
use super::problem::Problem;
use super::profile;
use super::serials;
use crate::world::{UnknownProfile, World};

#[derive(Deserialize)]
struct AssignRequest {
    profile_uuid: Option<String>,
    devices: Option<Vec<String>>,
}

/// Apple's page names a `profile_uuid` here too, but nothing is done with it.
#[derive(Deserialize)]
struct RemoveRequest {
    devices: Option<Vec<String>>,
}

pub(super) fn assign(
    world: &mut World,
    server: usize,
    version: u32,
    body: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, Problem> {
    let request: AssignRequest = body::object(body)?;
    let serials = serials::required(request.devices.as_deref(), &world.switches)?;
    let uuid = request.profile_uuid.filter(|uuid| !uuid.is_empty()).ok_or_else(profile::uuid_required)?;
    let id = world.find_profile(server, &uuid).ok_or_else(|| unknown(world.switches.unknown_profile))?;
    let statuses = world.assign_profile(server, id, &serials, version, now);
    Ok(profile::answer(&world.profile(id).uuid, &statuses, version))
}

pub(super) fn remove(
    world: &mut World,
    server: usize,
    body: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, Problem> {
    let request: RemoveRequest = body::object(body)?;
    let serials = serials::required(request.devices.as_deref(), &world.switches)?;
    let statuses = world.remove_profiles(server, &serials, now);
    let mut out = vec![b'{'];
    serials::write(&statuses, &mut out);
    out.push(b'}');
    Ok(out)
}

fn unknown(spelled: UnknownProfile) -> Problem {
    let code = match spelled {
        UnknownProfile::ProfileNotFound => "PROFILE_NOT_FOUND",
        UnknownProfile::NotFound => "NOT_FOUND",
        UnknownProfile::Empty => "",
    };
    Problem::new(StatusCode::NOT_FOUND, code, "The server never defined this profile. No device was changed.")
}
