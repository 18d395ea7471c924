//! `/account-driven-enrollment/profile`: where devices of people who sign in with a managed account find the MDM.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::body;
use super::problem::Problem;
use super::profile_check;
use crate::world::{Discovery, World};

#[derive(Deserialize)]
struct DiscoveryRequest {
    mdm_service_discovery_url: Option<String>,
}

pub(super) fn set(world: &mut World, server: usize, body: &[u8], now: Timestamp) -> Result<Vec<u8>, Problem> {
    supported(world, server)?;
    let request: DiscoveryRequest = body::object(body)?;
    let url = request.mdm_service_discovery_url.filter(|url| !url.is_empty()).ok_or_else(|| {
        Problem::bad_request("MDM_SERVICE_DISCOVERY_URL_REQUIRED", "Name the mdm_service_discovery_url.")
    })?;
    let https = url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    if !https || !profile_check::is_url(&url) {
        let reason = "mdm_service_discovery_url must be an https URL.";
        return Err(Problem::bad_request("MDM_SERVICE_DISCOVERY_URL_NOT_VALID", reason));
    }
    world.set_discovery(server, Some(Discovery { url, updated: now }));
    Ok(Vec::new())
}

pub(super) fn show(world: &World, server: usize) -> Result<Vec<u8>, Problem> {
    supported(world, server)?;
    let discovery = world.servers()[server].discovery.as_ref();
    let Discovery { url, updated } = discovery.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "No discovery URL was ever set, or it was deleted.")
    })?;
    let updated = Timestamp::from_second(updated.as_second()).unwrap_or(*updated).to_string();
    let answer = json!({ "mdm_service_discovery_url": url, "last_updated_timestamp": updated });
    Ok(answer.to_string().into_bytes())
}

pub(super) fn delete(world: &mut World, server: usize) -> Result<Vec<u8>, Problem> {
    supported(world, server)?;
    world.set_discovery(server, None);
    Ok(Vec::new())
}

fn supported(world: &World, server: usize) -> Result<(), Problem> {
    match world.server_and_organization(server) {
        Some((_, organization)) if organization.supports_enrollment() => Ok(()),
        _ => {
            let reason = "The organization is still in the programme of before.";
            Err(Problem::bad_request("ORG_NOT_SUPPORTED", reason))
        }
    }
}
