//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/$count`

use crate::graph::{Graph, answer::Answer, call::Call, router::Outcome, types::ENROLLMENT_PROFILE};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let setting = call.setting_id()?;
    let filter = call.counted(&ENROLLMENT_PROFILE)?;
    let count = graph.app.count_profiles(&call.caller, setting, filter.as_ref()).await?;
    Ok(Answer::text(count.to_string()))
}
