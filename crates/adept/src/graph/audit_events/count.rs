//! `GET /deviceManagement/auditEvents/$count`

use super::kind;
use crate::graph::{Graph, request_context::RequestContext, response::GraphResponse, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let filter = call.counted(kind(call.version))?;
    let count = graph.app.count_audit_events(&call.caller, filter.as_ref()).await?;
    Ok(GraphResponse::text(count.to_string()))
}
