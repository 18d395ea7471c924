//! `PATCH /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/{id}`

use super::set;
use crate::graph::{
    Graph,
    body::LIMIT,
    entity::{Shape, write_response},
    request_context::RequestContext,
    route::HandlerResult,
    types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let (setting, device) = (request.setting_id()?, request.device_id()?);
    graph.app.devices.get(&request.caller, setting, device).await?;
    let patch = IMPORTED_APPLE_DEVICE_IDENTITY.read(request.object(&body)?)?;
    let device = graph.app.devices.update(&request.origin(), setting, device, patch).await?;
    let (set, shape) = (set(setting), Shape::whole(request.metadata));
    Ok(write_response(
        request,
        shape.document(graph, request, &IMPORTED_APPLE_DEVICE_IDENTITY, &device, &set),
    ))
}
