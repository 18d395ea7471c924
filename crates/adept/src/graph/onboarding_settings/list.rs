//! `GET /deviceManagement/depOnboardingSettings`

use super::SET;
use crate::graph::{Graph, call::Call, router::Outcome, types::DEP_ONBOARDING_SETTING};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let listing = call.listing(&DEP_ONBOARDING_SETTING)?;
    let listed = graph.app.settings(&call.caller, &listing.query).await?;
    Ok(listing.answer(graph, call, &DEP_ONBOARDING_SETTING, SET, &listed))
}
