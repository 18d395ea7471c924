//! `POST /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles`

use super::{kind_of_body, set};
use crate::{
    domain::ProfileKind,
    graph::{
        Graph,
        body::LIMIT,
        entity::{Shape, created_response},
        onboarding_settings::setting_of,
        request_context::RequestContext,
        route::HandlerResult,
        types::{ENROLLMENT_PROFILE, profile_type},
    },
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(graph, request).await?.id;
    let members = request.object(&body)?;
    let kind = kind_of_body(&members)?.unwrap_or(ProfileKind::Plain);
    let input = profile_type(kind).read(members)?;
    let profile = graph
        .app
        .profiles
        .create(&request.origin(), setting, kind, &input, request.create_key(&body))
        .await?;
    let set = set(setting);
    let entity = Shape::whole(request.metadata).document(graph, request, &ENROLLMENT_PROFILE, &profile, &set);
    Ok(created_response(graph, request, entity, &format!("{set}('{}')", profile.full_id())))
}
