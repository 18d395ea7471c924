//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles`

use super::set;
use crate::graph::{Graph, call::Call, router::Outcome, types::ENROLLMENT_PROFILE};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let setting = call.setting_id()?;
    let listing = call.listing(&ENROLLMENT_PROFILE)?;
    let listed = graph.app.profiles(&call.caller, setting, &listing.query).await?;
    Ok(listing.answer(graph, call, &ENROLLMENT_PROFILE, &set(setting), &listed))
}
