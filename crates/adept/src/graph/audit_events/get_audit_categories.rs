//! `GET /deviceManagement/auditEvents/getAuditCategories()`

use super::names;
use crate::{
    app::App,
    graph::{Graph, request_context::RequestContext, route::HandlerResult},
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    names(graph, request, &[App::AUDIT_COMPONENT.to_owned()])
}
