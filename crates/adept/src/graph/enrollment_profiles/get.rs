//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}`

use super::{profile_of, set};
use crate::graph::{
    Graph,
    request_context::RequestContext,
    router::Outcome,
    types::{ENROLLMENT_PROFILE, profile_type},
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let profile = profile_of(graph, call).await?;
    let shape = call.shape(profile_type(profile.kind))?;
    Ok(shape.document(graph, call, &ENROLLMENT_PROFILE, &profile, &set(profile.setting)))
}
