//! `PATCH /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}`

use super::{profile_of, set, unchanged_type};
use crate::graph::{
    Graph,
    body::LIMIT,
    entity::{Shape, written},
    request_context::RequestContext,
    response::GraphResponse,
    router::Outcome,
    types::ENROLLMENT_PROFILE,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let profile = profile_of(graph, call).await?;
    let members = call.object(&body)?;
    let patch = unchanged_type(&profile, &members)?.read(members)?;
    let profile = graph.app.update_profile(&call.origin(), profile.setting, profile.id, &patch).await?;
    // Observed: a client takes nothing but 204 for a change of a profile.
    if call.prefers_minimal().is_none() {
        return Ok(GraphResponse::no_content());
    }
    let shape = Shape::whole(call.metadata);
    Ok(written(call, shape.document(graph, call, &ENROLLMENT_PROFILE, &profile, &set(profile.setting))))
}
