//! `GET /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/{id}`

use super::set;
use crate::graph::{
    Graph, request_context::RequestContext, route::HandlerResult, types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let (setting, device) = (request.setting_id()?, request.device_id()?);
    let shape = request.shape(&IMPORTED_APPLE_DEVICE_IDENTITY)?;
    let device = graph.app.devices.get(&request.caller, setting, device).await?;
    Ok(shape.document(graph, request, &IMPORTED_APPLE_DEVICE_IDENTITY, &device, &set(setting)))
}
