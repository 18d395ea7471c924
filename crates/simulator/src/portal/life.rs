//! What happens to a device during its life: activation, moving, releasing, replacement, leaving, locks, history.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, body};
use crate::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    to: String,
    /// Such as `2030-01-31T00:00:00Z`.
    migration_deadline: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replacement {
    with: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Locked {
    locked: bool,
}

type OneDevice = Path<(String, String)>;

/// The device starts, and gets its profile.
pub(super) async fn activate(
    State(shared): State<Arc<Shared>>,
    Path((uuid, serial)): OneDevice,
) -> Result<Json<Value>, Refused> {
    let mut world = shared.write();
    let (uuid, profile) = world.activate_device(&uuid, &serial, shared.clock.now())?;
    Ok(Json(json!({ "profile_uuid": uuid, "profile": profile.map(|profile| &profile.fields) })))
}

pub(super) async fn activate_all(
    State(shared): State<Arc<Shared>>,
    Path(uuid): Path<String>,
) -> Result<Json<Value>, Refused> {
    let activated = shared.write().activate_all(&uuid, shared.clock.now())?;
    Ok(Json(json!({ "activated": activated })))
}

pub(super) async fn r#move(
    State(shared): State<Arc<Shared>>,
    Path((uuid, serial)): OneDevice,
    bytes: Bytes,
) -> Result<StatusCode, Refused> {
    let Move { to, migration_deadline } = body(&bytes)?;
    let read = |text: String| {
        let why = format!("migration_deadline must be like 2030-01-31T00:00:00Z, not {text:?}.");
        text.parse().map_err(|_| Refused::invalid(why))
    };
    let deadline = migration_deadline.map(read).transpose()?;
    shared.write().move_device(&uuid, &serial, &to, deadline, shared.clock.now())?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn release(
    State(shared): State<Arc<Shared>>,
    Path((uuid, serial)): OneDevice,
) -> Result<StatusCode, Refused> {
    shared.write().release_device(&uuid, &serial, shared.clock.now())?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn replace(
    State(shared): State<Arc<Shared>>,
    Path((uuid, serial)): OneDevice,
    bytes: Bytes,
) -> Result<Json<Value>, Refused> {
    let Replacement { with } = body(&bytes)?;
    let new = shared.write().replace_device(&uuid, &serial, with.as_deref(), shared.clock.now())?;
    Ok(Json(json!({ "serial_number": new.as_str(), "original_device_serial_number": serial })))
}

pub(super) async fn leave(
    State(shared): State<Arc<Shared>>,
    Path((uuid, serial)): OneDevice,
) -> Result<StatusCode, Refused> {
    shared.write().leave(&uuid, &serial, shared.clock.now())?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_lock(
    State(shared): State<Arc<Shared>>,
    Path((uuid, serial)): OneDevice,
    bytes: Bytes,
) -> Result<StatusCode, Refused> {
    let Locked { locked } = body(&bytes)?;
    shared.write().set_locked(&uuid, &serial, locked)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn lock(State(shared): State<Arc<Shared>>, Path((_, serial)): OneDevice) -> Json<Value> {
    let world = shared.read();
    let lock = world.lock_of(&serial);
    Json(json!({
        "locked": lock.is_some(),
        "escrow_key": lock.and_then(|lock| lock.escrow_key.as_deref()),
        "lost_message": lock.and_then(|lock| lock.lost_message.as_deref()),
    }))
}

/// Everything that ever happened to a device, oldest first.
pub(super) async fn history(State(shared): State<Arc<Shared>>, Path(serial): Path<String>) -> Json<Value> {
    let world = shared.read();
    let history: Vec<Value> = world
        .history(&serial)
        .into_iter()
        .map(|(server, event)| {
            let (status, profile_uuid) = world.shown_profile(&event.record);
            json!({
                "time": Timestamp::from_second(event.at).unwrap_or_default().to_string(),
                "server_uuid": &*server.uuid,
                "event": event.step.as_str(),
                "op_type": event.is_told().then(|| event.operation().as_str()),
                "profile_status": status,
                "profile_uuid": profile_uuid,
            })
        })
        .collect();
    Json(json!({ "history": history }))
}
