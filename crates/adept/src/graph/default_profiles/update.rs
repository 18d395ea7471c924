//! `PATCH /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile`

use super::default_of;
use crate::{
    domain::DevicePlatform,
    graph::{
        Graph,
        body::LIMIT,
        enrollment_profiles::{set, unchanged_type},
        entity::{Shape, write_response},
        request_context::RequestContext,
        route::HandlerResult,
        types::ENROLLMENT_PROFILE,
    },
};

pub(in crate::graph) async fn handle(
    graph: &Graph,
    request: &mut RequestContext,
    platform: DevicePlatform,
) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let (setting, profile) = default_of(graph, request, platform).await?;
    let members = request.object(&body)?;
    let patch = unchanged_type(&profile, &members)?.read(members)?;
    let profile = graph.app.profiles.update(&request.origin(), setting, profile.id, &patch).await?;
    let shape = Shape::whole(request.metadata);
    Ok(write_response(request, shape.document(graph, request, &ENROLLMENT_PROFILE, &profile, &set(setting))))
}
