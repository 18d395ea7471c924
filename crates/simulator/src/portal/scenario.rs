//! Starting afresh: from nothing, or from a scenario.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Refused, clock, servers};
use crate::Shared;
use crate::scenario::Scenario;

/// Replaces everything by what the document says.
pub(super) async fn load(State(shared): State<Arc<Shared>>, bytes: Bytes) -> Result<Json<Value>, Refused> {
    let scenario = Scenario::read(&bytes)?;
    let (seed, repeatable) = (shared.start.seed, shared.start.repeatable);
    let world = scenario.build(seed, repeatable, &shared.clock)?;
    let made: Vec<_> = world.servers().iter().map(servers::to_json).collect();
    let faults = world.faults.list();
    *shared.write() = world;
    Ok(Json(json!({ "servers": made, "faults": faults, "clock": clock::to_json(&shared.clock) })))
}

/// Back to the state right after the start.
pub(super) async fn reset(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Refused> {
    shared.clock.reset();
    let world = shared.start.world(&shared.clock)?;
    *shared.write() = world;
    Ok(StatusCode::NO_CONTENT)
}
