//! The simulator's time, to look at and to move.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, body};
use crate::Shared;
use crate::clock::Clock;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    now: Option<String>,
    running: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(to_json(&shared.clock))
}

/// Stops or starts the clock, sets it, or both.
pub(super) async fn set(State(shared): State<Arc<Shared>>, bytes: Bytes) -> Result<Json<Value>, Refused> {
    let setting: Setting = body(&bytes)?;
    let now = setting.now.as_deref().map(time).transpose()?;
    if let Some(running) = setting.running {
        shared.clock.run(running);
    }
    if let Some(now) = now {
        shared.clock.set(now);
    }
    Ok(Json(to_json(&shared.clock)))
}

pub(super) async fn advance(State(shared): State<Arc<Shared>>, bytes: Bytes) -> Result<Json<Value>, Refused> {
    let Advance { seconds } = body(&bytes)?;
    shared.clock.advance(seconds).map_err(|_| {
        Refused::invalid("The clock cannot go there: it shows the years -9999 to 9999. It was not moved.")
    })?;
    Ok(Json(to_json(&shared.clock)))
}

/// Back to the machine's time, running.
pub(super) async fn follow(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.clock.follow();
    Json(to_json(&shared.clock))
}

/// A time as the portal side takes it.
fn time(text: &str) -> Result<Timestamp, Refused> {
    text.parse().map_err(|_| Refused::invalid(format!("A time is like 2030-01-31T00:00:00Z, not {text:?}.")))
}

pub(super) fn to_json(clock: &Clock) -> Value {
    json!({ "now": clock.now().to_string(), "running": clock.running() })
}
