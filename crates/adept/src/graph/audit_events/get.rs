//! `GET /deviceManagement/auditEvents/{id}`

use super::{SET, kind};
use crate::graph::{Graph, request_context::RequestContext, route::HandlerResult};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let kind = kind(request.version);
    let shape = request.shape(kind)?;
    let event = graph.app.audit.get(&request.caller, request.audit_event_id()?).await?;
    Ok(shape.document(graph, request, kind, &event, SET))
}
