//! `GET /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/$count`

use crate::graph::{
    Graph, answer::Answer, call::Call, router::Outcome, types::IMPORTED_APPLE_DEVICE_IDENTITY,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let setting = call.setting_id()?;
    let filter = call.counted(&IMPORTED_APPLE_DEVICE_IDENTITY)?;
    let count = graph.app.count_devices(&call.caller, setting, filter.as_ref()).await?;
    Ok(Answer::text(count.to_string()))
}
