//! Assigning devices to a server, changing them, taking them away, and the truth about them.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Refused, body};
use crate::world::PortalRefused;
use crate::{Shared, apple};

/// Devices made before other calls continue.
const AT_ONCE: u32 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDevices {
    count: Option<u32>,
    devices: Option<Vec<Map<String, Value>>>,
    /// By Apple Configurator: for thirty days the user can take the device out again.
    #[serde(default)]
    configurator: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    offset: Option<usize>,
    limit: Option<usize>,
}

pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    Path(uuid): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, Refused> {
    let added = match body(&bytes)? {
        NewDevices { count: Some(count), devices: None, configurator: false } => {
            sow(&shared, &uuid, count).await?
        }
        NewDevices { count: None, devices: Some(devices), configurator } => {
            shared.write().give_devices(&uuid, &devices, configurator, shared.clock.now())?
        }
        _ => return Err(Refused::invalid("The body is either {\"count\": 2500} or {\"devices\": [{…}]}.")),
    };
    Ok(Json(json!({ "added": added })))
}

pub(super) async fn modify(
    State(shared): State<Arc<Shared>>,
    Path((uuid, serial)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<StatusCode, Refused> {
    let change: Map<String, Value> = body(&bytes)?;
    shared.write().modify_device(&uuid, &serial, &change, shared.clock.now())?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path((uuid, serial)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    shared.write().remove_device(&uuid, &serial, shared.clock.now())?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path((uuid, serial)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let world = shared.read();
    let position = world.server_position(&uuid)?;
    let event = world
        .device(position, &serial)
        .ok_or_else(|| PortalRefused::Missing(format!("No device {serial} is assigned to this server.")))?;
    Ok(([(CONTENT_TYPE, "application/json")], apple::whole_device(&world, position, event)).into_response())
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(uuid): Path<String>,
    window: Result<Query<Window>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(window) = window.map_err(|error| Refused::invalid(error.body_text()))?;
    let world = shared.read();
    let position = world.server_position(&uuid)?;
    let limit = window.limit.unwrap_or(100).min(10_000);
    let devices = world.devices(&uuid, window.offset.unwrap_or(0), limit)?;
    let total = world.server(&uuid)?.device_count();
    let devices: Vec<_> =
        devices.into_iter().map(|event| apple::whole_device(&world, position, event)).collect();
    let out = [format!("{{\"total\":{total},\"devices\":[").as_bytes(), &devices.join(&b','), b"]}"].concat();
    Ok(([(CONTENT_TYPE, "application/json")], out).into_response())
}

/// Makes devices from the seed, a part at a time, so that calls to Apple's paths need not wait for a million.
async fn sow(shared: &Shared, uuid: &str, count: u32) -> Result<usize, Refused> {
    shared.write().expect_devices(uuid, count)?;
    let mut added = 0;
    while added < count {
        let part = shared.write().sow_devices(uuid, AT_ONCE.min(count - added), shared.clock.now())?;
        if part == 0 {
            break;
        }
        added += part;
        tokio::task::yield_now().await;
    }
    Ok(added as usize)
}
