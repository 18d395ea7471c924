//! `DELETE /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile`, with and without `/$ref`: the default
//! is cleared, the profile stays.

use super::platform_of;
use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let setting = call.setting_id()?;
    graph.app.clear_default_profile(&call.origin(), setting, platform_of(call)?).await?;
    Ok(GraphResponse::no_content())
}
