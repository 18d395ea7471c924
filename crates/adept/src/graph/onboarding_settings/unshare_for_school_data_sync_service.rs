//! `POST /deviceManagement/depOnboardingSettings/{id}/unshareForSchoolDataSyncService`

use super::setting_of;
use crate::graph::{Graph, answer::Answer, body::LIMIT, call::Call, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let setting = setting_of(graph, call).await?;
    call.nothing(&body)?;
    graph.app.share_with_school_data_sync(&call.origin(), setting.id, false).await?;
    Ok(Answer::no_content())
}
