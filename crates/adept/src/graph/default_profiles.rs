//! The four navigations from a setting to its default profiles, and the references behind them. All four have the same
//! operations; the platform is a constant of the route.

use super::{
    body::LIMIT,
    enrollment_profiles::{change, set},
    error::{BadBody, Error, shortened},
    expand::default_type,
    input::Members,
    onboarding_settings::setting_of,
    path::resource_path,
    protocol::Version,
    request_context::RequestContext,
    response::GraphResponse,
    route::HandlerResult,
    value::Value,
};
use crate::domain::{DevicePlatform, Profile, ProfileId, SettingId};

/// The default profile of the setting that the path names.
async fn default_of(request: &RequestContext<'_>, platform: DevicePlatform) -> Result<Profile, Error> {
    let setting = request.setting_id()?;
    Ok(request.app().profiles.default_of(&request.caller, setting, platform).await?)
}

pub(super) async fn get(request: &RequestContext<'_>, platform: DevicePlatform) -> HandlerResult {
    let profile = default_of(request, platform).await?;
    let shape = request.shape(default_type(platform))?;
    shape.answer(request, &set(profile.setting), &profile, &[])
}

pub(super) async fn update(request: &RequestContext<'_>, platform: DevicePlatform) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let profile = default_of(request, platform).await?;
    let profile = change(request, &profile, request.object(&body)?).await?;
    Ok(request.changed(&set(profile.setting), &profile))
}

/// With and without `/$ref`: the default is cleared, the profile stays.
pub(super) async fn delete(request: &RequestContext<'_>, platform: DevicePlatform) -> HandlerResult {
    request.app().profiles.clear_default(&request.origin(), request.setting_id()?, platform).await?;
    Ok(GraphResponse::no_content())
}

pub(super) async fn get_ref(request: &RequestContext<'_>, platform: DevicePlatform) -> HandlerResult {
    request.options_of_one()?;
    let profile = default_of(request, platform).await?;
    let address = format!("{}/{}", request.root(), set(profile.setting).address(&profile));
    Ok(request.document("$ref", |document| Value::text(&address).write(document.member("@odata.id"))))
}

pub(super) async fn set_ref(request: &RequestContext<'_>, platform: DevicePlatform) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(request).await?.id;
    let profile = referred(&request.object(&body)?, &request.graph().public_url, setting)?;
    request.app().profiles.set_default(&request.origin(), setting, profile, Some(platform)).await?;
    Ok(GraphResponse::no_content())
}

/// The profile of `setting` that the reference in a body leads to.
fn referred(members: &Members, origin: &str, setting: SettingId) -> Result<ProfileId, Error> {
    if let Some((other, _)) = members.iter().find(|(name, _)| !name.starts_with('@')) {
        return Err(BadBody::UnknownParameter { parameter: shortened(other), action: "$ref" }.into());
    }
    let url = members.get("@odata.id").and_then(|json| json.as_str()).unwrap_or_default();
    let bad = || BadBody::BadReference("@odata.id".to_owned());
    Ok(profile_at(url, origin, setting).ok_or_else(bad)?)
}

/// The profile of `setting` at a URL of this service, absolute or relative.
pub(super) fn profile_at(url: &str, origin: &str, setting: SettingId) -> Option<ProfileId> {
    let path = match url.split_at_checked(origin.len()) {
        Some((start, path)) if start.eq_ignore_ascii_case(origin) => path,
        _ => url,
    };
    let parts = resource_path(path).unwrap_or_default();
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    let parts = match &parts[..] {
        [version, rest @ ..] if Version::of(version).is_some() => rest,
        all => all,
    };
    match parts {
        [root, settings, owner, profiles, profile]
            if root.eq_ignore_ascii_case("deviceManagement")
                && settings.eq_ignore_ascii_case("depOnboardingSettings")
                && profiles.eq_ignore_ascii_case("enrollmentProfiles")
                && owner.eq_ignore_ascii_case(&setting.to_string()) =>
        {
            ProfileId::named(profile, setting)
        }
        _ => None,
    }
}
