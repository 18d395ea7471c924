//! `GET /deviceManagement/depOnboardingSettings/$count`

use crate::graph::{
    Graph, request_context::RequestContext, response::GraphResponse, router::Outcome,
    types::DEP_ONBOARDING_SETTING,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let filter = call.counted(&DEP_ONBOARDING_SETTING)?;
    let count = graph.app.count_settings(&call.caller, filter.as_ref()).await?;
    Ok(GraphResponse::text(count.to_string()))
}
