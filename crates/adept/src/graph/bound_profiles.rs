//! What the body of a changed setting says of its navigations: a default profile is bound by `@odata.bind` or by an object that
//! names it, and cleared by null. What a read showed may be sent back, and changes nothing.

use serde_json::Value as Json;

use super::{
    default_profiles::profile_at,
    error::{BadBody, Error},
    expand::DEFAULT_PROFILES,
    input::Members,
    request_context::RequestContext,
    types::DEP_ONBOARDING_SETTING,
};
use crate::{
    app,
    domain::{DevicePlatform, ProfileId, SettingId},
};

/// A platform with its new default, or with none where it shall have none.
pub(super) type Binding = (DevicePlatform, Option<ProfileId>);

/// Takes the navigations out of a body. A profile that is bound is there and of the platform.
pub(super) async fn take_bound(
    request: &RequestContext<'_>,
    members: &mut Members,
    setting: SettingId,
) -> Result<Vec<Binding>, Error> {
    take_collections(members)?;
    let mut bound = Vec::new();
    for (name, platform) in DEFAULT_PROFILES {
        let default = DefaultProfile { request, setting, name, platform };
        let annotated = take(members, &format!("{name}@odata.bind"));
        let shown = match take(members, name) {
            Some((_, json)) => default.shown(&json).await?,
            None => None,
        };
        let profile = match (annotated, shown) {
            (Some(_), Some(_)) => return Err(BadBody::TwoBindings { property: name }.into()),
            (Some((member, json)), None) => default.annotated(member, &json).await?,
            (None, Some(profile)) => profile,
            (None, None) => continue,
        };
        bound.push((platform, profile));
    }
    Ok(bound)
}

/// The member of that name, in any ASCII case, as it was written.
fn take(members: &mut Members, name: &str) -> Option<(String, Json)> {
    let member = members.keys().find(|member| member.eq_ignore_ascii_case(name))?.clone();
    members.remove_entry(&member)
}

/// Takes out the lists that `$expand` showed: what is in them has addresses of its own, where it is changed.
fn take_collections(members: &mut Members) -> Result<(), BadBody> {
    let is_entity = |item: &Json| {
        item.as_object().is_some_and(|item| {
            item.iter().any(|(name, id)| name.eq_ignore_ascii_case("id") && id.is_string())
        })
    };
    let all = DEP_ONBOARDING_SETTING.all_navigations();
    for navigation in all.into_iter().filter(|navigation| navigation.collection) {
        let Some((_, json)) = take(members, navigation.name) else { continue };
        if !json.as_array().is_some_and(|items| items.iter().all(is_entity)) {
            return Err(BadBody::NoList { property: navigation.name });
        }
    }
    Ok(())
}

/// One of the navigations to default profiles.
struct DefaultProfile<'a> {
    request: &'a RequestContext<'a>,
    setting: SettingId,
    name: &'static str,
    platform: DevicePlatform,
}

impl DefaultProfile<'_> {
    /// The default that `@odata.bind` names.
    async fn annotated(&self, member: String, json: &Json) -> Result<Option<ProfileId>, Error> {
        if json.is_null() {
            return Ok(None);
        }
        let id = profile_at(json.as_str().unwrap_or_default(), self.origin(), self.setting);
        match id {
            Some(id) if self.suits(id).await? => Ok(Some(id)),
            _ => Err(BadBody::BadReference(member).into()),
        }
    }

    /// The new default that the navigation's own member says; none where it says what is so already.
    async fn shown(&self, json: &Json) -> Result<Option<Option<ProfileId>>, Error> {
        let current = self.current().await?;
        let named = match json {
            Json::Null => return Ok(current.map(|_| None)),
            Json::Object(members) => self.named(members),
            _ => None,
        };
        match named {
            Some(id) if current == Some(id) => Ok(None),
            Some(id) if self.suits(id).await? => Ok(Some(Some(id))),
            _ => Err(BadBody::NoProfile { property: self.name }.into()),
        }
    }

    async fn current(&self) -> Result<Option<ProfileId>, Error> {
        let profiles = &self.request.app().profiles;
        match profiles.default_of(&self.request.caller, self.setting, self.platform).await {
            Ok(profile) => Ok(Some(profile.id)),
            Err(app::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The profile that an object names by `id`, by `@odata.id`, or by both alike.
    fn named(&self, members: &Members) -> Option<ProfileId> {
        let member = |name: &str| members.iter().find(|(member, _)| member.eq_ignore_ascii_case(name));
        let url = |json: &Json| profile_at(json.as_str()?, self.origin(), self.setting);
        let id = |json: &Json| ProfileId::named(json.as_str()?, self.setting);
        match (member("@odata.id"), member("id")) {
            (Some((_, by_url)), Some((_, by_id))) => url(by_url).filter(|found| id(by_id) == Some(*found)),
            (Some((_, json)), None) => url(json),
            (None, Some((_, json))) => id(json),
            (None, None) => None,
        }
    }

    /// Whether there is such a profile and it is of the platform.
    async fn suits(&self, id: ProfileId) -> Result<bool, Error> {
        match self.request.app().profiles.get(&self.request.caller, self.setting, id).await {
            Ok(profile) => Ok(profile.kind.platform() == Some(self.platform)),
            Err(app::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn origin(&self) -> &str {
        &self.request.graph().public_url
    }
}
