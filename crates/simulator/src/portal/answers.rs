//! Scripted answers and delays: the short forms of what fault rules do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, body};
use crate::Shared;
use crate::faults::Script;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delay {
    milliseconds: u64,
    path: Option<String>,
}

pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let script: Script = body(&bytes)?;
    script.check().map_err(Refused::invalid)?;
    let mut world = shared.write();
    let id = world.faults.add_script(script);
    Ok((StatusCode::CREATED, Json(json!({ "waiting": world.faults.scripts().len(), "fault": id }))))
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "answers": shared.read().faults.scripts() }))
}

pub(super) async fn clear(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.write().faults.clear_scripts();
    StatusCode::NO_CONTENT
}

pub(super) async fn delay(State(shared): State<Arc<Shared>>, bytes: Bytes) -> Result<StatusCode, Refused> {
    let delay: Delay = body(&bytes)?;
    shared.write().delays.set(delay.path, delay.milliseconds);
    Ok(StatusCode::NO_CONTENT)
}
