//! `GET /deviceManagement/auditEvents/getAuditCategories()`

use super::names;
use crate::{
    app::AuditLog,
    graph::{Graph, request_context::RequestContext, route::HandlerResult},
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    names(graph, request, &[AuditLog::AUDIT_COMPONENT.to_owned()])
}
