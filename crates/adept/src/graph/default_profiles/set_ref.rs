//! `PUT /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile/$ref`

use super::platform_of;
use crate::{
    domain::{ProfileId, SettingId},
    graph::{
        Graph,
        body::LIMIT,
        error::Error,
        input_value::{BadBody, Members},
        onboarding_settings::setting_of,
        request_context::{RequestContext, Version},
        response::GraphResponse,
        router::{self, Outcome},
    },
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let setting = setting_of(graph, call).await?.id;
    let profile = referred(&call.object(&body)?, &graph.public_url, call.version, setting)?;
    let platform = Some(platform_of(call)?);
    graph.app.set_default_profile(&call.origin(), setting, profile, platform).await?;
    Ok(GraphResponse::no_content())
}

/// The profile of `setting` that the reference in a body leads to.
fn referred(
    members: &Members,
    origin: &str,
    version: Version,
    setting: SettingId,
) -> Result<ProfileId, Error> {
    if let Some((other, _)) = members.iter().find(|(name, _)| !name.starts_with('@')) {
        return Err(BadBody::UnknownParameter { parameter: super::shortened(other), action: "$ref" }.into());
    }
    let url = members.get("@odata.id").and_then(|json| json.as_str()).unwrap_or_default();
    let path = url.strip_prefix(origin).unwrap_or(url).trim_start_matches('/');
    let path = match path.split_once('/') {
        Some((first, rest)) if Version::of(first).is_some() => rest,
        _ => path,
    };
    let tree = router::tree(version);
    let found = tree.find(path).ok();
    let found =
        found.filter(|found| found.routes.iter().any(|route| route.operation == "enrollmentProfile.get"));
    let profile = found.as_ref().and_then(|found| match &found.keys[..] {
        [owner, profile] if owner.eq_ignore_ascii_case(&setting.to_string()) => {
            ProfileId::named(profile, setting)
        }
        _ => None,
    });
    profile.ok_or(Error::BadBody(BadBody::BadReference))
}
