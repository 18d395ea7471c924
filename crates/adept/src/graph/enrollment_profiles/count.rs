//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/$count`

use super::{listed_type, narrowed};
use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let setting = call.setting_id()?;
    let filter = narrowed(call, call.counted(listed_type(call))?);
    let count = graph.app.count_profiles(&call.caller, setting, filter.as_ref()).await?;
    Ok(GraphResponse::text(count.to_string()))
}
