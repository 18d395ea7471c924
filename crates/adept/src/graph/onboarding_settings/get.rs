//! `GET /deviceManagement/depOnboardingSettings/{id}`

use super::{SET, setting_of};
use crate::graph::{Graph, call::Call, router::Outcome, types::DEP_ONBOARDING_SETTING};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let shape = call.shape(&DEP_ONBOARDING_SETTING)?;
    let setting = setting_of(graph, call).await?;
    Ok(shape.document(graph, call, &DEP_ONBOARDING_SETTING, &setting, SET))
}
