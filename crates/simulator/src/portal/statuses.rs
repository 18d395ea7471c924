//! What the next calls say about single devices, and letting come true what assignments promised.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Refused, body};
use crate::Shared;
use crate::world::Scripted;

pub(super) async fn add(State(shared): State<Arc<Shared>>, bytes: Bytes) -> Result<StatusCode, Refused> {
    let scripted: Scripted = body(&bytes)?;
    scripted.check().map_err(Refused::invalid)?;
    shared.write().scripted.add(scripted);
    Ok(StatusCode::CREATED)
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let world = shared.read();
    let waiting: Vec<_> = world.scripted.waiting().collect();
    Json(json!({ "statuses": waiting }))
}

pub(super) async fn clear(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.write().scripted.clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn settle(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "settled": shared.write().keep_promises(shared.clock.now(), true) }))
}
