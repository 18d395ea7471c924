//! `POST /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles`

use super::{given_kind, set};
use crate::{
    domain::ProfileKind,
    graph::{
        Graph,
        body::LIMIT,
        entity::{Shape, created},
        onboarding_settings::setting_of,
        request_context::RequestContext,
        router::Outcome,
        types::{ENROLLMENT_PROFILE, profile_type},
    },
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let setting = setting_of(graph, call).await?.id;
    let members = call.object(&body)?;
    let kind = given_kind(&members)?.unwrap_or(ProfileKind::Plain);
    let given = profile_type(kind).read(members)?;
    let profile = graph.app.create_profile(&call.origin(), setting, kind, &given).await?;
    let set = set(setting);
    let entity = Shape::whole(call.metadata).document(graph, call, &ENROLLMENT_PROFILE, &profile, &set);
    Ok(created(graph, call, entity, &format!("{set}('{}')", profile.full_id())))
}
