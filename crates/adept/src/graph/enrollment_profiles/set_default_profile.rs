//! `POST /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}/setDefaultProfile`

use super::profile_of;
use crate::graph::{Graph, answer::Answer, body::LIMIT, call::Call, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let profile = profile_of(graph, call).await?;
    call.nothing(&body)?;
    graph.app.set_default_profile(&call.origin(), profile.setting, profile.id, None).await?;
    Ok(Answer::no_content())
}
