//! `GET /deviceManagement/depOnboardingSettings`

use super::SET;
use crate::graph::{
    Graph, expand::Expansions, request_context::RequestContext, route::HandlerResult,
    types::DEP_ONBOARDING_SETTING,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let options = request.options()?;
    let expansions = Expansions::of(request, &options, &DEP_ONBOARDING_SETTING)?;
    let mut listing = request.listing_of(&options, &DEP_ONBOARDING_SETTING)?;
    listing.shape.expanded = expansions.names();
    listing.query.top = listing.query.top.min(expansions.page());
    let listed = graph.app.settings.list(&request.caller, &listing.query).await?;
    let expanded = expansions.expand_settings(graph, &listed.rows).await?;
    Ok(listing.response_with(graph, request, &DEP_ONBOARDING_SETTING, SET, &listed, &expanded))
}
