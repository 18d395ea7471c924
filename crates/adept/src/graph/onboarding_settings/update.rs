//! `PATCH /deviceManagement/depOnboardingSettings/{id}`

use super::{SET, setting_of};
use crate::graph::{
    Graph,
    body::LIMIT,
    entity::{Shape, write_response},
    request_context::RequestContext,
    route::HandlerResult,
    types::DEP_ONBOARDING_SETTING,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(graph, request).await?;
    let patch = DEP_ONBOARDING_SETTING.read(request.object(&body)?)?;
    let setting = graph.app.settings.update(&request.origin(), setting.id, patch).await?;
    let entity =
        Shape::whole(request.metadata).document(graph, request, &DEP_ONBOARDING_SETTING, &setting, SET);
    Ok(write_response(request, entity))
}
