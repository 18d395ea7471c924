//! `POST /deviceManagement/depOnboardingSettings/{id}/shareForSchoolDataSyncService`, and `unshare…`.

use super::setting_of;
use crate::graph::{
    Graph, body::LIMIT, request_context::RequestContext, response::GraphResponse, route::HandlerResult,
};

pub(in crate::graph) async fn handle(
    graph: &Graph,
    request: &mut RequestContext,
    share: bool,
) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(graph, request).await?;
    request.expect_no_parameters(&body)?;
    graph.app.settings.share_with_school_data_sync(&request.origin(), setting.id, share).await?;
    Ok(GraphResponse::no_content())
}
