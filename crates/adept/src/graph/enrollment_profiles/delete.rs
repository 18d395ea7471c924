//! `DELETE /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}`

use super::profile_of;
use crate::graph::{Graph, answer::Answer, call::Call, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let profile = profile_of(graph, call).await?;
    graph.app.delete_profile(&call.origin(), profile.setting, profile.id).await?;
    Ok(Answer::no_content())
}
