//! `POST /deviceManagement/depOnboardingSettings`

use super::SET;
use crate::{
    domain::NewSetting,
    graph::{
        Graph,
        body::LIMIT,
        entity::{Shape, created_response},
        request_context::RequestContext,
        route::HandlerResult,
        types::DEP_ONBOARDING_SETTING,
    },
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let input = DEP_ONBOARDING_SETTING.read(request.object(&body)?)?;
    let new = NewSetting {
        token_name: input.token_name.flatten(),
        data_sharing_consent: input.data_sharing_consent.unwrap_or_default(),
        // Null means the default here: a new setting has at least one role scope tag.
        role_scope_tag_ids: input.role_scope_tag_ids.flatten(),
    };
    let setting = graph.app.settings.create(&request.origin(), new, request.create_key(&body)).await?;
    let entity =
        Shape::whole(request.metadata).document(graph, request, &DEP_ONBOARDING_SETTING, &setting, SET);
    Ok(created_response(graph, request, entity, &format!("{SET}('{}')", setting.id)))
}
