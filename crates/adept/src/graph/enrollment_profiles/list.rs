//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles`

use super::{listed_type, narrowed, set};
use crate::graph::{Graph, request_context::RequestContext, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let (setting, kind) = (call.setting_id()?, listed_type(call));
    let mut listing = call.listing(kind)?;
    listing.query.filter = narrowed(call, listing.query.filter.take());
    let listed = graph.app.profiles(&call.caller, setting, &listing.query).await?;
    Ok(listing.answer(graph, call, kind, &set(setting), &listed))
}
