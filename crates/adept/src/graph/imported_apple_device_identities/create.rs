//! `POST /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities`

use super::set;
use crate::graph::{
    Graph,
    body::LIMIT,
    entity::{Shape, created_response},
    onboarding_settings::setting_of,
    request_context::RequestContext,
    route::HandlerResult,
    types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(graph, request).await?.id;
    let input = IMPORTED_APPLE_DEVICE_IDENTITY.read(request.object(&body)?)?;
    let device =
        graph.app.devices.create(&request.origin(), setting, input, request.create_key(&body)).await?;
    let (set, shape) = (set(setting), Shape::whole(request.metadata));
    let entity = shape.document(graph, request, &IMPORTED_APPLE_DEVICE_IDENTITY, &device, &set);
    Ok(created_response(graph, request, entity, &format!("{set}('{}')", device.id)))
}
