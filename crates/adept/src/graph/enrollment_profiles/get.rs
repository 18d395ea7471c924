//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}`

use super::{profile_of, set};
use crate::graph::{
    Graph,
    request_context::RequestContext,
    route::HandlerResult,
    types::{ENROLLMENT_PROFILE, profile_type},
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let profile = profile_of(graph, request).await?;
    let shape = request.shape(profile_type(profile.kind))?;
    Ok(shape.document(graph, request, &ENROLLMENT_PROFILE, &profile, &set(profile.setting)))
}
