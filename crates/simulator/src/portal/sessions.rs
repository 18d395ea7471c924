//! Ending sessions: before their time, or as a start of Apple's program does.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;

use super::{Refused, body};
use crate::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    server_uuid: Option<String>,
}

/// Makes sessions too old: their next call hears 401.
pub(super) async fn expire(State(shared): State<Arc<Shared>>, bytes: Bytes) -> Result<StatusCode, Refused> {
    let whose: Whose = body(&bytes)?;
    let mut world = shared.write();
    let server = whose.server_uuid.as_deref().map(|uuid| world.server_position(uuid)).transpose()?;
    world.expire_sessions(server);
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets sessions and nonces: the next call of each hears 403. Everything else stays.
pub(super) async fn restart(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.write().restart();
    StatusCode::NO_CONTENT
}
