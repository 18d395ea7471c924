//! `GET /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities`

use super::{set, with_bare_profiles};
use crate::graph::{
    Graph, request_context::RequestContext, route::HandlerResult, types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let setting = request.setting_id()?;
    let mut listing = request.listing(&IMPORTED_APPLE_DEVICE_IDENTITY)?;
    if let Some(filter) = &mut listing.query.filter {
        with_bare_profiles(filter, setting);
    }
    let listed = graph.app.devices.list(&request.caller, setting, &listing.query).await?;
    Ok(listing.response(graph, request, &IMPORTED_APPLE_DEVICE_IDENTITY, &set(setting), &listed))
}
