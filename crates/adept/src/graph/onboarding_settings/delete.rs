//! `DELETE /deviceManagement/depOnboardingSettings/{id}`

use crate::graph::{Graph, answer::Answer, call::Call, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let id = call.setting_id()?;
    graph.app.delete_setting(&call.origin(), id).await?;
    Ok(Answer::no_content())
}
