//! What was asked, and how often.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::Shared;

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "requests": shared.read().requests.list() }))
}

pub(super) async fn counts(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.read().requests.counts()))
}

pub(super) async fn clear(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.write().requests.clear();
    StatusCode::NO_CONTENT
}
