//! `GET /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/$count`

use super::with_bare_profiles;
use crate::graph::{
    Graph, request_context::RequestContext, response::GraphResponse, route::HandlerResult,
    types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let setting = request.setting_id()?;
    let mut filter = request.count_filter(&IMPORTED_APPLE_DEVICE_IDENTITY)?;
    if let Some(filter) = &mut filter {
        with_bare_profiles(filter, setting);
    }
    let count = graph.app.devices.count(&request.caller, setting, filter.as_ref()).await?;
    Ok(GraphResponse::text(count.to_string()))
}
