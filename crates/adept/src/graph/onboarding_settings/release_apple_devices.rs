//! `POST /deviceManagement/depOnboardingSettings/{id}/releaseAppleDevices`

use super::setting_of;
use crate::graph::{
    Graph, body::LIMIT, error::BadBody, request_context::RequestContext, response::GraphResponse,
    route::HandlerResult, types::RELEASE_APPLE_DEVICES,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(graph, request).await?;
    let serials = RELEASE_APPLE_DEVICES.read(request.object(&body)?)?;
    if serials.is_empty() {
        return Err(BadBody::Missing { parameter: "deviceSerialNumbers" }.into());
    }
    graph.app.profiles.release_devices(&request.origin(), setting.id, serials).await?;
    Ok(GraphResponse::no_content())
}
