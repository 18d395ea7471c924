//! `POST /deviceManagement/depOnboardingSettings`

use super::SET;
use crate::{
    domain::NewSetting,
    graph::{
        Graph,
        body::LIMIT,
        entity::{Shape, created},
        request_context::RequestContext,
        router::Outcome,
        types::DEP_ONBOARDING_SETTING,
    },
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let given = DEP_ONBOARDING_SETTING.read(call.object(&body)?)?;
    let new = NewSetting {
        token_name: given.token_name.flatten(),
        data_sharing_consent: given.data_sharing_consent.unwrap_or_default(),
        // Null is as good as nothing here: a new setting is visible to somebody.
        role_scope_tag_ids: given.role_scope_tag_ids.flatten(),
    };
    let setting = graph.app.create_setting(&call.origin(), new).await?;
    let entity = Shape::whole(call.metadata).document(graph, call, &DEP_ONBOARDING_SETTING, &setting, SET);
    Ok(created(graph, call, entity, &format!("{SET}('{}')", setting.id)))
}
