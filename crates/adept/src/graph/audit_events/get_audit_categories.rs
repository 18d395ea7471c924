//! `GET /deviceManagement/auditEvents/getAuditCategories()`

use super::names;
use crate::{
    app::App,
    graph::{Graph, call::Call, router::Outcome},
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    names(graph, call, &[App::AUDIT_COMPONENT.to_owned()])
}
