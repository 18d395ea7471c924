//! `DELETE /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}`

use super::profile_of;
use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let profile = profile_of(graph, call).await?;
    graph.app.delete_profile(&call.origin(), profile.setting, profile.id).await?;
    Ok(GraphResponse::no_content())
}
