//! `GET /deviceManagement/auditEvents/getAuditActivityTypes(category='…')`

use super::names;
use crate::graph::{Graph, request_context::RequestContext, route::HandlerResult};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let category = request.arguments.first().map_or("", String::as_str);
    let types = graph.app.audit.activity_types(&request.caller, category).await?;
    names(graph, request, &types)
}
