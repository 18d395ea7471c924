//! `DELETE /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile`, with and without `/$ref`: the default
//! is cleared, the profile stays.

use super::platform_of;
use crate::graph::{Graph, answer::Answer, call::Call, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let setting = call.setting_id()?;
    graph.app.clear_default_profile(&call.origin(), setting, platform_of(call)?).await?;
    Ok(Answer::no_content())
}
