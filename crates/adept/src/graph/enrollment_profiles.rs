//! The operations of a setting's `enrollmentProfiles`.

use adept_odata::{Expr, Kind};

use super::{
    body::LIMIT,
    entity::EntitySet,
    error::{BadBody, Error, shortened},
    input::{Members, TYPE, named_type},
    onboarding_settings::{self, setting_of},
    request_context::RequestContext,
    response::GraphResponse,
    route::HandlerResult,
    types::{
        DEP_ENROLLMENT_BASE_PROFILE, ENROLLMENT_PROFILE, ProfileType, UPDATE_DEVICE_PROFILE_ASSIGNMENT,
        kinds_of, profile_type,
    },
    value::Value,
};
use crate::{
    app,
    domain::{Profile, ProfileField, ProfileId, ProfileKind, ProfilePatch, SettingId},
};

/// The operation that lists them.
pub(super) const LIST: &str = "enrollmentProfile.list";

/// A setting's profiles.
pub(super) fn set(setting: SettingId) -> EntitySet<Profile, ProfileField, ProfilePatch> {
    EntitySet::new(
        &ENROLLMENT_PROFILE,
        format!("{}('{setting}')/enrollmentProfiles", onboarding_settings::SET),
    )
}

/// The profile that the path names; it must exist before the rest of a request is checked.
async fn profile_of(request: &RequestContext<'_>) -> Result<Profile, Error> {
    let (app, setting) = (request.app(), request.setting_id()?);
    let key = request.endpoint.keys.get(1).map_or("", String::as_str);
    let Some(id) = ProfileId::named(key, setting) else {
        app.settings.get(&request.caller, setting).await?;
        return Err(app::Error::NO_PROFILE.into());
    };
    let profile = app.profiles.get(&request.caller, setting, id).await?;
    match is_of(profile.kind, request.endpoint.cast) {
        true => Ok(profile),
        false => {
            let what = "An enrollment profile of this id and of the type that the path names";
            Err(app::Error::NotFound { what }.into())
        }
    }
}

/// Whether profiles of a type are among those that a path narrows to.
fn is_of(kind: ProfileKind, cast: Option<&str>) -> bool {
    let is_meant = |name: &&str| name.strip_prefix("microsoft.graph.") == cast;
    cast.is_none() || profile_type(kind).names().iter().any(is_meant)
}

/// The type that the path narrows a list to.
fn listed_type(request: &RequestContext<'_>) -> &'static ProfileType {
    match request.endpoint.cast.map(ProfileKind::from_word) {
        None => &ENROLLMENT_PROFILE,
        Some(Some(kind)) => profile_type(kind),
        Some(None) => &DEP_ENROLLMENT_BASE_PROFILE,
    }
}

/// The filter, which also keeps to the types that the path narrows to.
fn narrowed(request: &RequestContext<'_>, filter: Option<Expr<ProfileField>>) -> Option<Expr<ProfileField>> {
    if request.endpoint.cast.is_none() {
        return filter;
    }
    Some(of_type(listed_type(request), filter))
}

/// The filter, which also keeps to profiles of a type.
pub(super) fn of_type(kind: &ProfileType, filter: Option<Expr<ProfileField>>) -> Expr<ProfileField> {
    let of_type = Expr::In(Box::new(Expr::Field(ProfileField::Kind)), kinds_of(kind));
    match filter {
        Some(filter) => filter.and(of_type),
        None => of_type,
    }
}

/// The type that a body says it is of; none when it names none.
fn kind_of_body(members: &Members) -> Result<Option<ProfileKind>, BadBody> {
    let written = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(TYPE));
    let Some(named) = written.map(|(_, json)| named_type(json)).transpose()?.flatten() else {
        return Ok(None);
    };
    let kind = named.unqualified().and_then(ProfileKind::from_word);
    kind.map(Some).ok_or_else(|| BadBody::UnknownType { written: shortened(named.0) })
}

/// Changes a profile as a body says, which cannot be of another type.
pub(super) async fn change(
    request: &RequestContext<'_>,
    profile: &Profile,
    members: Members,
) -> Result<Profile, Error> {
    let actual = profile_type(profile.kind);
    if kind_of_body(&members)?.is_some_and(|kind| kind != profile.kind) {
        return Err(BadBody::OtherType { actual: actual.name }.into());
    }
    let patch = actual.read(members)?;
    Ok(request.app().profiles.update(&request.origin(), profile.setting, profile.id, &patch).await?)
}

pub(super) async fn list(request: &RequestContext<'_>) -> HandlerResult {
    let setting = request.setting_id()?;
    let mut listing = request.listing(EntitySet { kind: listed_type(request), ..set(setting) })?;
    listing.query.filter = narrowed(request, listing.query.filter.take());
    let listed = request.app().profiles.list(&request.caller, setting, &listing.query).await?;
    Ok(listing.response(request, listed, Vec::new()))
}

pub(super) async fn count(request: &RequestContext<'_>) -> HandlerResult {
    let setting = request.setting_id()?;
    let filter = narrowed(request, request.count_filter(listed_type(request))?);
    let count = request.app().profiles.count(&request.caller, setting, filter.as_ref()).await?;
    Ok(GraphResponse::count(count))
}

pub(super) async fn get(request: &RequestContext<'_>) -> HandlerResult {
    let profile = profile_of(request).await?;
    let shape = request.shape(profile_type(profile.kind))?;
    shape.answer(request, &set(profile.setting), &profile, &[])
}

pub(super) async fn create(request: &RequestContext<'_>) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(request).await?.id;
    let members = request.object(&body)?;
    let kind = kind_of_body(&members)?.unwrap_or(ProfileKind::Plain);
    let (input, key) = (profile_type(kind).read(members)?, request.create_key(&body)?);
    let profile = request.app().profiles.create(&request.origin(), setting, kind, &input, key).await?;
    Ok(request.created(&set(setting), &profile))
}

pub(super) async fn update(request: &RequestContext<'_>) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let profile = profile_of(request).await?;
    let profile = change(request, &profile, request.object(&body)?).await?;
    // Observed: a client takes nothing but 204 for a change of a profile.
    match request.prefers_minimal() {
        None => Ok(GraphResponse::no_content()),
        Some(_) => Ok(request.changed(&set(profile.setting), &profile)),
    }
}

pub(super) async fn delete(request: &RequestContext<'_>) -> HandlerResult {
    let profile = profile_of(request).await?;
    request.app().profiles.delete(&request.origin(), profile.setting, profile.id).await?;
    Ok(GraphResponse::no_content())
}

pub(super) async fn set_default_profile(request: &RequestContext<'_>) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let profile = profile_of(request).await?;
    request.expect_no_parameters(&body)?;
    request.app().profiles.set_default(&request.origin(), profile.setting, profile.id, None).await?;
    Ok(GraphResponse::no_content())
}

pub(super) async fn update_device_profile_assignment(request: &RequestContext<'_>) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let profile = profile_of(request).await?;
    let serials = UPDATE_DEVICE_PROFILE_ASSIGNMENT.read_list("deviceIds", request.object(&body)?)?;
    request.app().profiles.assign(&request.origin(), profile.setting, profile.id, serials).await?;
    Ok(GraphResponse::no_content())
}

pub(super) async fn export_mobile_config(request: &RequestContext<'_>) -> HandlerResult {
    request.options_of_one()?;
    let profile = profile_of(request).await?;
    let profiles = &request.app().profiles;
    let exported = profiles.export_mobile_config(&request.caller, profile.setting, profile.id).await?;
    Ok(request.value(Kind::String, &Value::text(&exported)))
}
