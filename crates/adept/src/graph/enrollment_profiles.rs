//! The operations of a setting's `enrollmentProfiles`, one file each, and what they share.

pub(super) mod count;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod export_mobile_config;
pub(super) mod get;
pub(super) mod list;
pub(super) mod set_default_profile;
pub(super) mod update;
pub(super) mod update_device_profile_assignment;

use adept_odata::{Filter, Literal};

use super::{
    Graph,
    error::{BadBody, Error, shortened},
    input::{Members, TYPE, named_type},
    onboarding_settings,
    request_context::RequestContext,
    types::{DEP_ENROLLMENT_BASE_PROFILE, ENROLLMENT_PROFILE, ProfileType, profile_type},
};
use crate::{
    app,
    domain::{Profile, ProfileField, ProfileId, ProfileKind, SettingId},
};

/// The operation that lists them.
pub(super) const LIST: &str = "enrollmentProfile.list";

/// The collection's path below the version.
pub(super) fn set(setting: SettingId) -> String {
    format!("{}('{setting}')/enrollmentProfiles", onboarding_settings::SET)
}

/// The profile that the path names; it must exist before the rest of a request is checked.
async fn profile_of(graph: &Graph, request: &mut RequestContext) -> Result<Profile, Error> {
    let setting = request.setting_id()?;
    let key = request.keys.get(1).map_or("", String::as_str);
    match ProfileId::named(key, setting) {
        Some(id) => {
            let profile = graph.app.profiles.get(&request.caller, setting, id).await?;
            match is_of(profile.kind, request.cast) {
                true => Ok(profile),
                false => Err(app::Error::NO_PROFILE.into()),
            }
        }
        None => {
            graph.app.settings.get(&request.caller, setting).await?;
            Err(app::Error::NO_PROFILE.into())
        }
    }
}

/// Whether profiles of a type are among those that a path narrows to.
fn is_of(kind: ProfileKind, cast: Option<&str>) -> bool {
    let is_meant = |name: &&str| name.strip_prefix("microsoft.graph.") == cast;
    cast.is_none() || profile_type(kind).names().iter().any(is_meant)
}

/// The type that the path narrows a list to.
fn listed_type(request: &RequestContext) -> &'static ProfileType {
    match request.cast.map(ProfileKind::from_word) {
        None => &ENROLLMENT_PROFILE,
        Some(Some(kind)) => profile_type(kind),
        Some(None) => &DEP_ENROLLMENT_BASE_PROFILE,
    }
}

/// The filter, which also keeps to the types that the path narrows to.
fn narrowed(request: &RequestContext, filter: Option<Filter<ProfileField>>) -> Option<Filter<ProfileField>> {
    if request.cast.is_none() {
        return filter;
    }
    let kinds = ProfileKind::ALL.into_iter().enumerate().filter(|(_, kind)| is_of(*kind, request.cast));
    let values = kinds.map(|(ordinal, kind)| Literal::Enum { member: kind.as_str(), ordinal }).collect();
    let of_type = Filter::In { field: ProfileField::Kind, values };
    Some(match filter {
        Some(filter) => filter.and(of_type),
        None => of_type,
    })
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

/// The description of a profile's type; an error when a body says that it is of another one.
pub(super) fn unchanged_type(profile: &Profile, members: &Members) -> Result<&'static ProfileType, BadBody> {
    let actual = profile_type(profile.kind);
    match kind_of_body(members)? {
        Some(kind) if kind != profile.kind => Err(BadBody::OtherType { actual: actual.name }),
        _ => Ok(actual),
    }
}
