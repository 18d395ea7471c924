//! `DELETE /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}`

use super::profile_of;
use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, route::HandlerResult};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let profile = profile_of(graph, request).await?;
    graph.app.profiles.delete(&request.origin(), profile.setting, profile.id).await?;
    Ok(GraphResponse::no_content())
}
