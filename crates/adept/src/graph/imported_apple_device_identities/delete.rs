//! `DELETE /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/{id}`

use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, route::HandlerResult};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let (setting, device) = (request.setting_id()?, request.device_id()?);
    graph.app.devices.remove(&request.origin(), setting, device).await?;
    Ok(GraphResponse::no_content())
}
