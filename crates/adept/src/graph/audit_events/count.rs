//! `GET /deviceManagement/auditEvents/$count`

use super::kind;
use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, route::HandlerResult};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let filter = request.count_filter(kind(request.version))?;
    let count = graph.app.audit.count(&request.caller, filter.as_ref()).await?;
    Ok(GraphResponse::text(count.to_string()))
}
