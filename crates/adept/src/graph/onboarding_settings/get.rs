//! `GET /deviceManagement/depOnboardingSettings/{id}`

use super::{SET, setting_of};
use crate::graph::{
    Graph, expand::Expansions, listing::shape_of, request_context::RequestContext, route::HandlerResult,
    types::DEP_ONBOARDING_SETTING,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let options = request.options()?;
    let expansions = Expansions::of(request, &options, &DEP_ONBOARDING_SETTING)?;
    let mut shape = shape_of(&options, &DEP_ONBOARDING_SETTING, request.metadata)?;
    shape.expanded = expansions.names();
    let setting = [setting_of(graph, request).await?];
    let expanded = expansions.expand_settings(graph, &setting).await?.pop().unwrap_or_default();
    Ok(shape.document_with(graph, request, &DEP_ONBOARDING_SETTING, &setting[0], SET, &expanded))
}
