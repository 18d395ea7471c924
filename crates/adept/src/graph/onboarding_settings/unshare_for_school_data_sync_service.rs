//! `POST /deviceManagement/depOnboardingSettings/{id}/unshareForSchoolDataSyncService`

use super::setting_of;
use crate::graph::{
    Graph, body::LIMIT, request_context::RequestContext, response::GraphResponse, router::Outcome,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let setting = setting_of(graph, call).await?;
    call.nothing(&body)?;
    graph.app.share_with_school_data_sync(&call.origin(), setting.id, false).await?;
    Ok(GraphResponse::no_content())
}
