//! Scripted answers and delays.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, body};
use crate::Shared;
use crate::answers::Script;

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
    if script.times == 0 {
        return Err(Refused::invalid("times is 1 or more."));
    }
    match script.status {
        None if !script.cut => return Err(Refused::invalid("Give a status, or \"cut\": true.")),
        Some(status) if !(200..1000).contains(&status) => {
            return Err(Refused::invalid("status is 200 to 999."));
        }
        _ => {}
    }
    for (name, value) in &script.headers {
        if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
            return Err(Refused::invalid(format!("{name:?} with that value is no HTTP header.")));
        }
    }
    let mut world = shared.write();
    world.answers.add(script);
    Ok((StatusCode::CREATED, Json(json!({ "waiting": world.answers.waiting().len() }))))
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "answers": shared.read().answers.waiting() }))
}

pub(super) async fn clear(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.write().answers.clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn delay(State(shared): State<Arc<Shared>>, bytes: Bytes) -> Result<StatusCode, Refused> {
    let delay: Delay = body(&bytes)?;
    shared.write().answers.set_delay(delay.path, delay.milliseconds);
    Ok(StatusCode::NO_CONTENT)
}
