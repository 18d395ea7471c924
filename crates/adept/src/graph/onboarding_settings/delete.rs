//! `DELETE /deviceManagement/depOnboardingSettings/{id}`

use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let id = call.setting_id()?;
    graph.app.delete_setting(&call.origin(), id).await?;
    Ok(GraphResponse::no_content())
}
