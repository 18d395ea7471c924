//! `POST /deviceManagement/depOnboardingSettings/{id}/releaseAppleDevices`

use super::setting_of;
use crate::graph::{
    Graph, body::LIMIT, input_value::BadBody, request_context::RequestContext, response::GraphResponse,
    router::Outcome, types::RELEASE_APPLE_DEVICES,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let setting = setting_of(graph, call).await?;
    let serials = RELEASE_APPLE_DEVICES.read(call.object(&body)?)?;
    if serials.is_empty() {
        return Err(BadBody::Missing { parameter: "deviceSerialNumbers" }.into());
    }
    graph.app.release_devices(&call.origin(), setting.id, serials).await?;
    Ok(GraphResponse::no_content())
}
