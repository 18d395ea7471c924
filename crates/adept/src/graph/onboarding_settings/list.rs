//! `GET /deviceManagement/depOnboardingSettings`

use super::SET;
use crate::graph::{
    Graph, expand::Expansions, request_context::RequestContext, router::Outcome,
    types::DEP_ONBOARDING_SETTING,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let options = call.options()?;
    let expansions = Expansions::of(call, &options, &DEP_ONBOARDING_SETTING)?;
    let mut listing = call.listing_of(&options, &DEP_ONBOARDING_SETTING)?;
    listing.shape.expanded = expansions.names();
    listing.query.top = listing.query.top.min(expansions.page());
    let listed = graph.app.settings(&call.caller, &listing.query).await?;
    let behind = expansions.behind_settings(graph, &listed.rows).await?;
    Ok(listing.answer_with(graph, call, &DEP_ONBOARDING_SETTING, SET, &listed, &behind))
}
