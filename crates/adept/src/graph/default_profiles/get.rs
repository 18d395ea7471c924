//! `GET /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile`

use super::default_of;
use crate::{
    domain::DevicePlatform,
    graph::{
        Graph,
        enrollment_profiles::set,
        request_context::RequestContext,
        route::HandlerResult,
        types::{ENROLLMENT_PROFILE, profile_type},
    },
};

pub(in crate::graph) async fn handle(
    graph: &Graph,
    request: &mut RequestContext,
    platform: DevicePlatform,
) -> HandlerResult {
    let (setting, profile) = default_of(graph, request, platform).await?;
    let shape = request.shape(profile_type(profile.kind))?;
    Ok(shape.document(graph, request, &ENROLLMENT_PROFILE, &profile, &set(setting)))
}
