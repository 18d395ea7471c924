//! `GET /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/{id}`

use super::set;
use crate::graph::{
    Graph, request_context::RequestContext, router::Outcome, types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let (setting, device) = (call.setting_id()?, call.device_id()?);
    let shape = call.shape(&IMPORTED_APPLE_DEVICE_IDENTITY)?;
    let device = graph.app.device(&call.caller, setting, device).await?;
    Ok(shape.document(graph, call, &IMPORTED_APPLE_DEVICE_IDENTITY, &device, &set(setting)))
}
