//! `GET /deviceManagement/depOnboardingSettings/$count`

use crate::graph::{
    Graph, request_context::RequestContext, response::GraphResponse, route::HandlerResult,
    types::DEP_ONBOARDING_SETTING,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let filter = request.count_filter(&DEP_ONBOARDING_SETTING)?;
    let count = graph.app.settings.count(&request.caller, filter.as_ref()).await?;
    Ok(GraphResponse::text(count.to_string()))
}
