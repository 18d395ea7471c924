//! `GET /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/$count`

use super::with_bare_profiles;
use crate::graph::{
    Graph, request_context::RequestContext, response::GraphResponse, router::Outcome,
    types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let setting = call.setting_id()?;
    let mut filter = call.counted(&IMPORTED_APPLE_DEVICE_IDENTITY)?;
    if let Some(filter) = &mut filter {
        with_bare_profiles(filter, setting);
    }
    let count = graph.app.count_devices(&call.caller, setting, filter.as_ref()).await?;
    Ok(GraphResponse::text(count.to_string()))
}
