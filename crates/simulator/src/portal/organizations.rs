//! Organizations and their terms.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, body};
use crate::Shared;
use crate::world::{Organization, OrganizationType, OrganizationVersion};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrganization {
    name: Option<String>,
    #[serde(default, rename = "type")]
    kind: OrganizationType,
    #[serde(default)]
    version: OrganizationVersion,
    org_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Terms {
    accepted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BetaAccess {
    enabled: bool,
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Organization>), Refused> {
    let new: NewOrganization = body(&bytes)?;
    let mut world = shared.write();
    let organization = world.found_organization(new.name, new.kind, new.version, new.org_id)?;
    Ok((StatusCode::CREATED, Json(organization.clone())))
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let world = shared.read();
    let organizations: Vec<_> = world.organizations().collect();
    Json(json!({ "organizations": organizations }))
}

pub(super) async fn set_terms(
    State(shared): State<Arc<Shared>>,
    Path(org_id): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, Refused> {
    let terms: Terms = body(&bytes)?;
    shared.write().set_terms(&org_id, terms.accepted)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_beta_access(
    State(shared): State<Arc<Shared>>,
    Path(org_id): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, Refused> {
    let access: BetaAccess = body(&bytes)?;
    shared.write().set_beta_access(&org_id, access.enabled)?;
    Ok(StatusCode::NO_CONTENT)
}
