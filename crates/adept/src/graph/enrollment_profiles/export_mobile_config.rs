//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}/exportMobileConfig()`

use adept_odata::Kind;

use super::profile_of;
use crate::graph::{
    Graph, entity::value_response, request_context::RequestContext, route::HandlerResult, value::Value,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let profile = profile_of(graph, request).await?;
    let exported =
        graph.app.profiles.export_mobile_config(&request.caller, profile.setting, profile.id).await?;
    Ok(value_response(graph, request, Kind::String, &Value::text(&exported)))
}
