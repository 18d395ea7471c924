//! `GET /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities`

use super::set;
use crate::graph::{Graph, call::Call, router::Outcome, types::IMPORTED_APPLE_DEVICE_IDENTITY};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let setting = call.setting_id()?;
    let listing = call.listing(&IMPORTED_APPLE_DEVICE_IDENTITY)?;
    let listed = graph.app.devices(&call.caller, setting, &listing.query).await?;
    Ok(listing.answer(graph, call, &IMPORTED_APPLE_DEVICE_IDENTITY, &set(setting), &listed))
}
