//! `GET /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile`

use super::default_of;
use crate::graph::{
    Graph,
    enrollment_profiles::set,
    request_context::RequestContext,
    router::Outcome,
    types::{ENROLLMENT_PROFILE, profile_type},
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let (setting, profile) = default_of(graph, call).await?;
    let shape = call.shape(profile_type(profile.kind))?;
    Ok(shape.document(graph, call, &ENROLLMENT_PROFILE, &profile, &set(setting)))
}
