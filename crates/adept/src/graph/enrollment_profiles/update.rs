//! `PATCH /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}`

use super::{profile_of, set, unchanged_type};
use crate::graph::{
    Graph,
    body::LIMIT,
    entity::{Shape, write_response},
    request_context::RequestContext,
    response::GraphResponse,
    route::HandlerResult,
    types::ENROLLMENT_PROFILE,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let profile = profile_of(graph, request).await?;
    let members = request.object(&body)?;
    let patch = unchanged_type(&profile, &members)?.read(members)?;
    let profile = graph.app.profiles.update(&request.origin(), profile.setting, profile.id, &patch).await?;
    // Observed: a client takes nothing but 204 for a change of a profile.
    if request.prefers_minimal().is_none() {
        return Ok(GraphResponse::no_content());
    }
    let shape = Shape::whole(request.metadata);
    Ok(write_response(
        request,
        shape.document(graph, request, &ENROLLMENT_PROFILE, &profile, &set(profile.setting)),
    ))
}
