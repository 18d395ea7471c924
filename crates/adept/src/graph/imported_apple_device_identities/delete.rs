//! `DELETE /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/{id}`

use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let (setting, device) = (call.setting_id()?, call.device_id()?);
    graph.app.remove_device(&call.origin(), setting, device).await?;
    Ok(GraphResponse::no_content())
}
