//! `GET /deviceManagement/auditEvents/{id}`

use super::{SET, kind};
use crate::graph::{Graph, request_context::RequestContext, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let kind = kind(call.version);
    let shape = call.shape(kind)?;
    let event = graph.app.audit_event(&call.caller, call.audit_event_id()?).await?;
    Ok(shape.document(graph, call, kind, &event, SET))
}
