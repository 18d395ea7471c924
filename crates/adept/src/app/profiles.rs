//! Enrollment profiles: list, read, make, change, delete. Everything is checked by Apple's rules and kept; Apple is told
//! later. Defaults and assignment are in `defaults` and `assignment`, the file that people put on devices in
//! `mobile_config`.

mod assignment;
mod defaults;
mod mobile_config;

pub(super) use assignment::named;

use adept_apple::certificate::Certificate;
use adept_odata::Expr;
use base64::{Engine as _, prelude::BASE64_STANDARD};

use std::sync::Arc;

use super::{
    Clock, Error, ListQuery, Listed,
    audit::event,
    settings::{self, CREATES_TRIED},
    shared_profile_options::SharedOptions,
};
use crate::{
    domain::{
        Caller, Change, Origin, PANES, Profile, ProfileField, ProfileId, ProfileKind, ProfilePatch,
        ProfileValue, ProfileValues, RequestKey, SettingId, SettingKey, TokenType, check_profile,
    },
    storage::{self, EntityCreated, ProfileDeleted},
};

/// Enrollment profiles, and which devices they are for.
pub struct Profiles {
    pub(super) settings: storage::Settings,
    pub(super) profiles: storage::Profiles,
    pub(super) devices: storage::Devices,
    pub(super) max_release: u32,
    pub(super) clock: Clock,
    pub(super) shared: Arc<SharedOptions>,
}

impl Profiles {
    /// Lists the profiles of one of the caller's settings.
    pub async fn list(
        &self,
        caller: &Caller,
        setting: SettingId,
        query: &ListQuery<ProfileField>,
    ) -> Result<Listed<Profile>, Error> {
        settings::visible(&self.settings, caller, setting).await?;
        let mut listed = self.profiles.list(SettingKey::new(caller.tenant, setting), query).await?;
        let rows = listed.rows.into_iter().map(|profile| self.shared.with_enrollment_url(profile));
        listed.rows = rows.collect();
        Ok(listed)
    }

    /// Counts the profiles of one of the caller's settings.
    pub async fn count(
        &self,
        caller: &Caller,
        setting: SettingId,
        filter: Option<&Expr<ProfileField>>,
    ) -> Result<i64, Error> {
        settings::visible(&self.settings, caller, setting).await?;
        Ok(self.profiles.count(SettingKey::new(caller.tenant, setting), filter).await?)
    }

    /// One profile of one of the caller's settings.
    pub async fn get(&self, caller: &Caller, setting: SettingId, id: ProfileId) -> Result<Profile, Error> {
        settings::visible(&self.settings, caller, setting).await?;
        let profile =
            self.profiles.get(SettingKey::new(caller.tenant, setting), id).await?.ok_or(Error::NO_PROFILE)?;
        Ok(self.shared.with_enrollment_url(profile))
    }

    /// Makes a profile, once for its `key`.
    pub async fn create(
        &self,
        origin: &Origin,
        setting: SettingId,
        kind: ProfileKind,
        input: &ProfilePatch,
        key: Option<RequestKey>,
    ) -> Result<Profile, Error> {
        let setting = settings::visible(&self.settings, &origin.caller, setting).await?;
        if setting.token_type == TokenType::None && kind != ProfileKind::Plain {
            return Err(Error::Invalid(format!(
                "The setting for Apple Configurator holds profiles of type 'enrollmentProfile' only, not '{}'. Nothing \
                 was changed.",
                kind.as_str()
            )));
        }
        if input.is_default == Some(true) {
            defaults::platform_of(kind)?;
        }
        let now = self.clock.now();
        let mut profile = Profile {
            tenant: setting.tenant,
            setting: setting.id,
            id: ProfileId(self.clock.new_id()),
            kind,
            display_name: None,
            description: None,
            values: ProfileValues::new(),
            has_admin_password: false,
            is_default: false,
            revision: 1,
            version: 1,
            created_at: now,
            modified_at: now,
            enrollment_url: None,
        };
        let empty = profile.clone();
        profile.apply(input);
        check(&profile)?;
        let changes = changes(&empty, &profile, input);
        let event = event(&self.clock, Some(origin), "create EnrollmentProfile", &profile, changes);
        let password = input.admin_password.as_ref().and_then(Option::as_ref);
        for _ in 0..CREATES_TRIED {
            match self.profiles.create(&profile, password, key, &event).await? {
                EntityCreated::Done => {
                    let profile = self.keep_default(origin, profile, input.is_default).await;
                    let profile = profile.map_err(Error::behind_a_change)?;
                    return Ok(self.shared.with_enrollment_url(profile));
                }
                EntityCreated::Earlier(id) => match self.get(&origin.caller, setting.id, id).await {
                    // Deleted just now: it is made again.
                    Err(Error::NotFound { .. }) => {}
                    earlier => return earlier,
                },
                EntityCreated::NotFound => return Err(Error::NO_SETTING),
            }
        }
        Err(Error::NO_PROFILE)
    }

    /// Changes a profile. Its revision grows if Apple has to be told.
    pub async fn update(
        &self,
        origin: &Origin,
        setting: SettingId,
        id: ProfileId,
        patch: &ProfilePatch,
    ) -> Result<Profile, Error> {
        let tenant = origin.caller.tenant;
        settings::visible(&self.settings, &origin.caller, setting).await?;
        let now = self.clock.now();
        let decide = |old: &Profile| {
            let mut new = old.clone();
            new.apply(patch);
            check(&new)?;
            if patch.is_default == Some(true) {
                defaults::platform_of(new.kind)?;
            }
            new.modified_at = now;
            new.revision += i64::from(new.apple_terms() != old.apple_terms());
            let changes = changes(old, &new, patch);
            let event = event(&self.clock, Some(origin), "patch EnrollmentProfile", &new, changes);
            Ok::<_, Error>((new, event))
        };
        let password = patch.admin_password.as_ref().map(Option::as_ref);
        let changed =
            self.profiles.update((SettingKey::new(tenant, setting), id), password, now, decide).await?;
        let changed = changed.ok_or(Error::NO_PROFILE)?;
        let changed =
            self.keep_default(origin, changed, patch.is_default).await.map_err(Error::behind_a_change)?;
        Ok(self.shared.with_enrollment_url(changed))
    }

    /// Deletes a profile that is no default and that no device wants.
    pub async fn delete(&self, origin: &Origin, setting: SettingId, id: ProfileId) -> Result<(), Error> {
        let profile = self.get(&origin.caller, setting, id).await?;
        let changes = Change::among([("displayName", profile.display_name.as_deref(), None)]);
        let event = event(&self.clock, Some(origin), "delete EnrollmentProfile", &profile, changes);
        match self.profiles.delete(&profile, &event).await? {
            ProfileDeleted::Done => Ok(()),
            ProfileDeleted::NotFound => Err(Error::NO_PROFILE),
            ProfileDeleted::IsDefault => Err(Error::conflict(
                "The profile is the default of its platform. Nothing was changed. Make another profile the default, or \
                 clear the default, first.",
            )),
            ProfileDeleted::Wanted(devices) => Err(Error::Conflict(format!(
                "{devices} devices are assigned to this profile. Nothing was changed. Assign them to another one first."
            ))),
        }
    }
}

/// Whether Apple would take the profile.
fn check(profile: &Profile) -> Result<(), Error> {
    check_profile(profile).map_err(|fault| Error::Invalid(format!("{fault} Nothing was changed.")))?;
    for (index, certificate) in profile.certificates().enumerate() {
        let text: String = certificate.split_ascii_whitespace().collect();
        let der = BASE64_STANDARD.decode(text).ok();
        if der.is_none_or(|der| Certificate::from_der(&der).is_err()) {
            return Err(Error::Invalid(format!(
                "'managementCertificates[{index}]/certificate' must be an X.509 certificate: DER in base64. Nothing was \
                 changed."
            )));
        }
    }
    Ok(())
}

/// What the audit log says of a change; of a password only that there is one.
fn changes(old: &Profile, new: &Profile, patch: &ProfilePatch) -> Vec<Change> {
    let mut changes = Change::among([
        ("displayName", old.display_name.as_deref(), new.display_name.as_deref()),
        ("description", old.description.as_deref(), new.description.as_deref()),
    ]);
    if let Some(password) = &patch.admin_password {
        let hidden = |is_set: bool| is_set.then(|| "(hidden)".to_owned());
        changes.push(Change {
            property: "adminAccountPassword",
            old: hidden(old.has_admin_password),
            new: hidden(password.is_some()),
        });
    }
    let panes = PANES.iter().map(|(flag, _)| *flag).filter(|flag| !patch.values.contains_key(flag));
    let list = ["enabledSkipKeys"].into_iter().filter(|name| !patch.values.contains_key(name));
    for name in patch.values.keys().copied().chain(panes).chain(list) {
        let shown = |profile: &Profile| profile.values.get(name).map(ProfileValue::to_string);
        changes.extend(Change::between(name, shown(old).as_deref(), shown(new).as_deref()));
    }
    changes
}
