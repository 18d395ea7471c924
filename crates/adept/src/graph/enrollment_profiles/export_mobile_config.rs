//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}/exportMobileConfig()`

use adept_odata::Kind;

use super::profile_of;
use crate::graph::{Graph, call::Call, entity::returned, router::Outcome, value::Value};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let profile = profile_of(graph, call).await?;
    let exported = graph.app.export_mobile_config(&call.caller, profile.setting, profile.id).await?;
    Ok(returned(graph, call, Kind::String, &Value::text(&exported)))
}
