//! `PUT /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile/$ref`

use crate::{
    domain::{DevicePlatform, ProfileId, SettingId},
    graph::{
        Graph,
        body::LIMIT,
        error::{BadBody, Error, shortened},
        input::Members,
        onboarding_settings::setting_of,
        path::resource_path,
        protocol::Version,
        request_context::RequestContext,
        response::GraphResponse,
        route::HandlerResult,
    },
};

pub(in crate::graph) async fn handle(
    graph: &Graph,
    request: &mut RequestContext,
    platform: DevicePlatform,
) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(graph, request).await?.id;
    let profile = referred(&request.object(&body)?, &graph.public_url, setting)?;
    graph.app.profiles.set_default(&request.origin(), setting, profile, Some(platform)).await?;
    Ok(GraphResponse::no_content())
}

/// The profile of `setting` that the reference in a body leads to.
fn referred(members: &Members, origin: &str, setting: SettingId) -> Result<ProfileId, Error> {
    if let Some((other, _)) = members.iter().find(|(name, _)| !name.starts_with('@')) {
        return Err(BadBody::UnknownParameter { parameter: shortened(other), action: "$ref" }.into());
    }
    let url = members.get("@odata.id").and_then(|json| json.as_str()).unwrap_or_default();
    let parts = resource_path(url.strip_prefix(origin).unwrap_or(url)).unwrap_or_default();
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    let parts = match &parts[..] {
        [version, rest @ ..] if Version::of(version).is_some() => rest,
        all => all,
    };
    let profile = match parts {
        [root, settings, owner, profiles, profile]
            if root.eq_ignore_ascii_case("deviceManagement")
                && settings.eq_ignore_ascii_case("depOnboardingSettings")
                && profiles.eq_ignore_ascii_case("enrollmentProfiles")
                && owner.eq_ignore_ascii_case(&setting.to_string()) =>
        {
            ProfileId::named(profile, setting)
        }
        _ => None,
    };
    profile.ok_or(Error::BadBody(BadBody::BadReference))
}
