//! `POST /deviceManagement/depOnboardingSettings/{id}/syncWithAppleDeviceEnrollmentProgram`

use super::setting_of;
use crate::graph::{Graph, answer::Answer, body::LIMIT, call::Call, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let setting = setting_of(graph, call).await?;
    call.nothing(&body)?;
    graph.app.request_sync(&call.origin(), setting.id).await?;
    Ok(Answer::no_content())
}
