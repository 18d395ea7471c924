//! `PATCH /deviceManagement/depOnboardingSettings/{id}`

use super::{SET, setting_of};
use crate::graph::{
    Graph,
    body::LIMIT,
    entity::{Shape, written},
    request_context::RequestContext,
    router::Outcome,
    types::DEP_ONBOARDING_SETTING,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let setting = setting_of(graph, call).await?;
    let patch = DEP_ONBOARDING_SETTING.read(call.object(&body)?)?;
    let setting = graph.app.update_setting(&call.origin(), setting.id, patch).await?;
    let entity = Shape::whole(call.metadata).document(graph, call, &DEP_ONBOARDING_SETTING, &setting, SET);
    Ok(written(call, entity))
}
