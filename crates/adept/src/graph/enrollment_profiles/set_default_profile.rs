//! `POST /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}/setDefaultProfile`

use super::profile_of;
use crate::graph::{
    Graph, body::LIMIT, request_context::RequestContext, response::GraphResponse, router::Outcome,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let profile = profile_of(graph, call).await?;
    call.nothing(&body)?;
    graph.app.set_default_profile(&call.origin(), profile.setting, profile.id, None).await?;
    Ok(GraphResponse::no_content())
}
