//! `GET /deviceManagement/depOnboardingSettings/$count`

use crate::graph::{Graph, answer::Answer, call::Call, router::Outcome, types::DEP_ONBOARDING_SETTING};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let filter = call.counted(&DEP_ONBOARDING_SETTING)?;
    let count = graph.app.count_settings(&call.caller, filter.as_ref()).await?;
    Ok(Answer::text(count.to_string()))
}
