//! `GET /deviceManagement/auditEvents`

use super::{SET, kind};
use crate::graph::{Graph, request_context::RequestContext, route::HandlerResult};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let kind = kind(request.version);
    let listing = request.listing(kind)?;
    let listed = graph.app.audit.list(&request.caller, &listing.query).await?;
    Ok(listing.response(graph, request, kind, SET, &listed))
}
