//! `GET /deviceManagement/auditEvents/getAuditActivityTypes(category='…')`

use super::names;
use crate::graph::{Graph, request_context::RequestContext, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let category = call.arguments.first().map_or("", String::as_str);
    let types = graph.app.audit_activity_types(&call.caller, category).await?;
    names(graph, call, &types)
}
