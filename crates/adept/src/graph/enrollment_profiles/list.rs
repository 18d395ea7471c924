//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles`

use super::{listed_type, narrowed, set};
use crate::graph::{Graph, request_context::RequestContext, route::HandlerResult};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let (setting, kind) = (request.setting_id()?, listed_type(request));
    let mut listing = request.listing(kind)?;
    listing.query.filter = narrowed(request, listing.query.filter.take());
    let listed = graph.app.profiles.list(&request.caller, setting, &listing.query).await?;
    Ok(listing.response(graph, request, kind, &set(setting), &listed))
}
