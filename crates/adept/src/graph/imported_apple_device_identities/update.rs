//! `PATCH /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/{id}`

use super::set;
use crate::graph::{
    Graph,
    body::LIMIT,
    entity::{Shape, written},
    request_context::RequestContext,
    router::Outcome,
    types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let (setting, device) = (call.setting_id()?, call.device_id()?);
    graph.app.device(&call.caller, setting, device).await?;
    let patch = IMPORTED_APPLE_DEVICE_IDENTITY.read(call.object(&body)?)?;
    let device = graph.app.update_device(&call.origin(), setting, device, patch).await?;
    let (set, shape) = (set(setting), Shape::whole(call.metadata));
    Ok(written(call, shape.document(graph, call, &IMPORTED_APPLE_DEVICE_IDENTITY, &device, &set)))
}
