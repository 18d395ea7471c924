//! `GET /deviceManagement/auditEvents/getAuditCategories()`

use super::names;
use crate::{
    app::App,
    graph::{Graph, request_context::RequestContext, router::Outcome},
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    names(graph, call, &[App::AUDIT_COMPONENT.to_owned()])
}
