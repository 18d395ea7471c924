//! `GET /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities`

use super::{set, with_bare_profiles};
use crate::graph::{
    Graph, request_context::RequestContext, router::Outcome, types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let setting = call.setting_id()?;
    let mut listing = call.listing(&IMPORTED_APPLE_DEVICE_IDENTITY)?;
    if let Some(filter) = &mut listing.query.filter {
        with_bare_profiles(filter, setting);
    }
    let listed = graph.app.devices(&call.caller, setting, &listing.query).await?;
    Ok(listing.answer(graph, call, &IMPORTED_APPLE_DEVICE_IDENTITY, &set(setting), &listed))
}
