//! `POST /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}/setDefaultProfile`

use super::profile_of;
use crate::graph::{
    Graph, body::LIMIT, request_context::RequestContext, response::GraphResponse, route::HandlerResult,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let profile = profile_of(graph, request).await?;
    request.expect_no_parameters(&body)?;
    graph.app.profiles.set_default(&request.origin(), profile.setting, profile.id, None).await?;
    Ok(GraphResponse::no_content())
}
