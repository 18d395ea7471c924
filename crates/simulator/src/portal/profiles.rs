//! The profiles that a server's client defined, and which devices carry them.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refused;
use crate::Shared;
use crate::world::Serial;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    /// Serial numbers shown with each profile; 100 by default.
    serials: Option<usize>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(uuid): Path<String>,
    window: Result<Query<Window>, QueryRejection>,
) -> Result<Json<Value>, Refused> {
    let Query(window) = window.map_err(|error| Refused::invalid(error.body_text()))?;
    let world = shared.read();
    let carried = world.carried_profiles(&uuid)?;
    let most = window.serials.unwrap_or(100);
    let some = |serials: &[Serial]| -> Value { serials.iter().take(most).map(Serial::as_str).collect() };
    let own = carried.own.iter().map(|(profile, serials)| {
        let defined = Timestamp::from_second(profile.defined_at).unwrap_or_default();
        json!({
            "profile_uuid": &*profile.uuid,
            "defined": defined.to_string(),
            "profile": profile.fields,
            "assignments": profile.assignments,
            "devices": serials.len(),
            "serial_numbers": some(serials),
            "orphan": serials.is_empty(),
        })
    });
    let foreign = carried.foreign.iter().map(|(uuid, serials)| {
        json!({ "profile_uuid": uuid, "devices": serials.len(), "serial_numbers": some(serials) })
    });
    let (own, foreign): (Vec<Value>, Vec<Value>) = (own.collect(), foreign.collect());
    Ok(Json(json!({ "profiles": own, "foreign": foreign })))
}
