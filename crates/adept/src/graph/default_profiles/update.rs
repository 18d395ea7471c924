//! `PATCH /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile`

use super::default_of;
use crate::graph::{
    Graph,
    body::LIMIT,
    enrollment_profiles::{set, unchanged_type},
    entity::{Shape, written},
    request_context::RequestContext,
    router::Outcome,
    types::ENROLLMENT_PROFILE,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let (setting, profile) = default_of(graph, call).await?;
    let members = call.object(&body)?;
    let patch = unchanged_type(&profile, &members)?.read(members)?;
    let profile = graph.app.update_profile(&call.origin(), setting, profile.id, &patch).await?;
    let shape = Shape::whole(call.metadata);
    Ok(written(call, shape.document(graph, call, &ENROLLMENT_PROFILE, &profile, &set(setting))))
}
