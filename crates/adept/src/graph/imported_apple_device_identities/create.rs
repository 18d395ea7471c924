//! `POST /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities`

use super::set;
use crate::graph::{
    Graph,
    body::LIMIT,
    entity::{Shape, created},
    onboarding_settings::setting_of,
    request_context::RequestContext,
    router::Outcome,
    types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let setting = setting_of(graph, call).await?.id;
    let given = IMPORTED_APPLE_DEVICE_IDENTITY.read(call.object(&body)?)?;
    let device = graph.app.create_device(&call.origin(), setting, given).await?;
    let (set, shape) = (set(setting), Shape::whole(call.metadata));
    let entity = shape.document(graph, call, &IMPORTED_APPLE_DEVICE_IDENTITY, &device, &set);
    Ok(created(graph, call, entity, &format!("{set}('{}')", device.id)))
}
