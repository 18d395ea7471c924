//! Fault rules: making, watching, releasing and removing them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, body};
use crate::Shared;
use crate::faults::Wanted;

/// How long `wait` waits when nobody says, in milliseconds.
const DEFAULT_TIMEOUT_MS: u64 = 30_000;
/// The longest that it waits.
const LONGEST: u64 = 600_000;

type Id = Result<Path<u64>, PathRejection>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    count: Option<u64>,
}

/// What to wait for; all of it must be so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Until {
    /// Calls that the rule acted on, at least.
    acted: Option<u64>,
    /// Calls that it holds, at least.
    held: Option<u64>,
    timeout_ms: Option<u64>,
}

pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let wanted: Wanted = body(&bytes)?;
    wanted.check().map_err(Refused::invalid)?;
    let mut world = shared.write();
    let id = world.faults.add(wanted);
    Ok((StatusCode::CREATED, Json(json!(world.faults.show(id)))))
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "faults": shared.read().faults.list() }))
}

pub(super) async fn clear(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.write().faults.clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn show(State(shared): State<Arc<Shared>>, id: Id) -> Result<Json<Value>, Refused> {
    let id = number(id)?;
    shared.read().faults.show(id).map(Json).ok_or_else(|| missing(id))
}

pub(super) async fn remove(State(shared): State<Arc<Shared>>, id: Id) -> Result<StatusCode, Refused> {
    let id = number(id)?;
    match shared.write().faults.remove(id) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(missing(id)),
    }
}

/// Lets calls go on that the rule holds.
pub(super) async fn release(
    State(shared): State<Arc<Shared>>,
    id: Id,
    bytes: Bytes,
) -> Result<Json<Value>, Refused> {
    let id = number(id)?;
    let Release { count } = body(&bytes)?;
    let released = shared.write().faults.release(id, count).ok_or_else(|| missing(id))?;
    Ok(Json(json!({ "released": released })))
}

/// Answers as soon as the rule acted, or holds, often enough; so that a test need not ask again and again.
pub(super) async fn wait(
    State(shared): State<Arc<Shared>>,
    id: Id,
    until: Result<Query<Until>, QueryRejection>,
) -> Result<Json<Value>, Refused> {
    let id = number(id)?;
    let Query(until) = until.map_err(|error| Refused::invalid(error.body_text()))?;
    let timeout = Duration::from_millis(until.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS).min(LONGEST));
    let mut news = shared.read().faults.news();
    let reached = async {
        loop {
            news.mark_unchanged();
            let (acted, held) = shared.read().faults.progress(id).ok_or_else(|| missing(id))?;
            if acted >= until.acted.unwrap_or(0) && held >= until.held.unwrap_or(0) {
                return Ok(());
            }
            // An error means that everything was reset, and the rule with it.
            news.changed().await.map_err(|_| missing(id))?;
        }
    };
    let stopped = crate::until(shared.stopping.clone());
    let in_time = tokio::select! {
        in_time = tokio::time::timeout(timeout, reached) => in_time.unwrap_or_else(|_| Err(Refused::late())),
        () = stopped => Err(Refused::late()),
    };
    in_time?;
    shared.read().faults.show(id).map(Json).ok_or_else(|| missing(id))
}

fn number(id: Id) -> Result<u64, Refused> {
    id.map(|Path(id)| id).map_err(|error| Refused::invalid(error.body_text()))
}

fn missing(id: u64) -> Refused {
    Refused { status: StatusCode::NOT_FOUND, error: format!("There is no fault rule {id}.") }
}

impl Refused {
    fn late() -> Refused {
        let error = "The fault rule has not acted, or does not hold, as often as was waited for.".to_owned();
        Refused { status: StatusCode::GATEWAY_TIMEOUT, error }
    }
}
