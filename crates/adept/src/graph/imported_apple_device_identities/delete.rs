//! `DELETE /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/{id}`

use crate::graph::{Graph, answer::Answer, call::Call, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let (setting, device) = (call.setting_id()?, call.device_id()?);
    graph.app.remove_device(&call.origin(), setting, device).await?;
    Ok(Answer::no_content())
}
