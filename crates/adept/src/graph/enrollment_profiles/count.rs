//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/$count`

use super::{listed_type, narrowed};
use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, route::HandlerResult};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let setting = request.setting_id()?;
    let filter = narrowed(request, request.count_filter(listed_type(request))?);
    let count = graph.app.profiles.count(&request.caller, setting, filter.as_ref()).await?;
    Ok(GraphResponse::text(count.to_string()))
}
