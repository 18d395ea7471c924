//! Servers and the switches.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, body};
use crate::Shared;
use crate::world::{Server, Switches};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewServer {
    name: Option<String>,
    org_id: Option<String>,
    server_uuid: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Permissions {
    release_devices: bool,
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let new: NewServer = body(&bytes)?;
    let mut world = shared.write();
    let server = world.register_server(new.name, new.org_id, new.server_uuid)?;
    Ok((StatusCode::CREATED, Json(to_json(server))))
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let servers: Vec<_> = shared.read().servers().iter().map(to_json).collect();
    Json(json!({ "servers": servers }))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(uuid): Path<String>,
) -> Result<Json<Value>, Refused> {
    Ok(Json(to_json(shared.read().server(&uuid)?)))
}

pub(super) async fn set_permissions(
    State(shared): State<Arc<Shared>>,
    Path(uuid): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, Refused> {
    let permissions: Permissions = body(&bytes)?;
    shared.write().set_release_devices(&uuid, permissions.release_devices)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn options(State(shared): State<Arc<Shared>>) -> Json<Switches> {
    Json(shared.read().switches.clone())
}

pub(super) async fn set_options(
    State(shared): State<Arc<Shared>>,
    bytes: Bytes,
) -> Result<Json<Switches>, Refused> {
    let change: Value = body(&bytes)?;
    let mut world = shared.write();
    world.change_switches(&change)?;
    Ok(Json(world.switches.clone()))
}

pub(super) fn to_json(server: &Server) -> Value {
    let certificate = server.certificate.as_ref().map(|certificate| {
        json!({ "serial": certificate.serial_hex(), "not_after": certificate.not_after.to_string() })
    });
    json!({
        "server_uuid": &*server.uuid,
        "server_name": server.name,
        "org_id": server.org_id,
        "certificate": certificate,
        "account": server.admin(),
        "token_expires": server.token_expiry().map(|expiry| expiry.to_string()),
        "release_devices": server.release_devices,
        "devices": server.device_count(),
        "changes": server.change_count(),
    })
}
