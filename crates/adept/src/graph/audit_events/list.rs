//! `GET /deviceManagement/auditEvents`

use super::{SET, kind};
use crate::graph::{Graph, request_context::RequestContext, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let kind = kind(call.version);
    let listing = call.listing(kind)?;
    let listed = graph.app.audit_events(&call.caller, &listing.query).await?;
    Ok(listing.answer(graph, call, kind, SET, &listed))
}
