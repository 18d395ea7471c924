//! `DELETE /deviceManagement/depOnboardingSettings/{id}`

use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, route::HandlerResult};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let id = request.setting_id()?;
    graph.app.settings.delete(&request.origin(), id, false).await?;
    Ok(GraphResponse::no_content())
}
