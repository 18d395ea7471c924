//! `DELETE /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile`, with and without `/$ref`: the default
//! is cleared, the profile stays.

use crate::{
    domain::DevicePlatform,
    graph::{Graph, request_context::RequestContext, response::GraphResponse, route::HandlerResult},
};

pub(in crate::graph) async fn handle(
    graph: &Graph,
    request: &mut RequestContext,
    platform: DevicePlatform,
) -> HandlerResult {
    let setting = request.setting_id()?;
    graph.app.profiles.clear_default(&request.origin(), setting, platform).await?;
    Ok(GraphResponse::no_content())
}
