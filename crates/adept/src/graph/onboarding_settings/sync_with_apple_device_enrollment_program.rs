//! `POST /deviceManagement/depOnboardingSettings/{id}/syncWithAppleDeviceEnrollmentProgram`

use super::setting_of;
use crate::graph::{
    Graph, body::LIMIT, request_context::RequestContext, response::GraphResponse, route::HandlerResult,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(graph, request).await?;
    request.expect_no_parameters(&body)?;
    graph.app.settings.request_sync(&request.origin(), setting.id).await?;
    Ok(GraphResponse::no_content())
}
