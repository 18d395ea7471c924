//! `GET /deviceManagement/auditEvents/getAuditActivityTypes(category='…')`

use super::names;
use crate::graph::{Graph, call::Call, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let category = call.arguments.first().map_or("", String::as_str);
    let types = graph.app.audit_activity_types(&call.caller, category).await?;
    names(graph, call, &types)
}
