//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}/exportMobileConfig()`

use adept_odata::Kind;

use super::profile_of;
use crate::graph::{Graph, entity::returned, request_context::RequestContext, router::Outcome, value::Value};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let profile = profile_of(graph, call).await?;
    let exported = graph.app.export_mobile_config(&call.caller, profile.setting, profile.id).await?;
    Ok(returned(graph, call, Kind::String, &Value::text(&exported)))
}
