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

use super::{
    Graph,
    call::Call,
    error::Error,
    given::{BadBody, Members, shortened},
    onboarding_settings,
    types::{ProfileType, profile_type},
};
use crate::{
    app,
    domain::{Profile, ProfileId, ProfileKind, SettingId},
};

/// The collection's path below the version.
pub(super) fn set(setting: SettingId) -> String {
    format!("{}('{setting}')/enrollmentProfiles", onboarding_settings::SET)
}

/// The profile that the path names; it must exist before anything else of a request is judged.
async fn profile_of(graph: &Graph, call: &mut Call) -> Result<Profile, Error> {
    let setting = call.setting_id()?;
    let key = call.keys.get(1).map_or("", String::as_str);
    match ProfileId::named(key, setting) {
        Some(id) => Ok(graph.app.profile(&call.caller, setting, id).await?),
        None => {
            graph.app.setting(&call.caller, setting).await?;
            Err(app::Error::NO_PROFILE.into())
        }
    }
}

/// The type that a body says it is of; none when it says nothing.
fn given_kind(members: &Members) -> Result<Option<ProfileKind>, BadBody> {
    let Some((_, json)) = members.iter().find(|(name, _)| name.eq_ignore_ascii_case("@odata.type")) else {
        return Ok(None);
    };
    let Some(written) = json.as_str() else {
        return Err(BadBody::WrongType {
            place: "@odata.type".to_owned(),
            expected: "Edm.String".to_owned(),
        });
    };
    let name = written.trim_start_matches('#');
    let name = name.rsplit_once('.').map_or(name, |(namespace, name)| {
        let known = ["microsoft.graph", "graph"].iter().any(|known| namespace.eq_ignore_ascii_case(known));
        if known { name } else { "" }
    });
    let kind = ProfileKind::from_word(name);
    kind.map(Some).ok_or_else(|| BadBody::UnknownType { written: shortened(written) })
}

/// The description of a profile's type, given that a change does not say that it is of another one.
pub(super) fn unchanged_type(profile: &Profile, members: &Members) -> Result<&'static ProfileType, BadBody> {
    let actual = profile_type(profile.kind);
    match given_kind(members)? {
        Some(kind) if kind != profile.kind => Err(BadBody::OtherType { actual: actual.name }),
        _ => Ok(actual),
    }
}
