//! `GET /deviceManagement/depOnboardingSettings/{id}`

use super::{SET, setting_of};
use crate::graph::{
    Graph, expand::Expansions, listing::shape_of, request_context::RequestContext, router::Outcome,
    types::DEP_ONBOARDING_SETTING,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let options = call.options()?;
    let expansions = Expansions::of(call, &options, &DEP_ONBOARDING_SETTING)?;
    let mut shape = shape_of(&options, &DEP_ONBOARDING_SETTING, call.metadata)?;
    shape.expanded = expansions.names();
    let setting = [setting_of(graph, call).await?];
    let behind = expansions.behind_settings(graph, &setting).await?.pop().unwrap_or_default();
    Ok(shape.document_with(graph, call, &DEP_ONBOARDING_SETTING, &setting[0], SET, &behind))
}
