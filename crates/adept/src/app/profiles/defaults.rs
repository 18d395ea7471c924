//! Default profiles: which profile a device of a platform is given when nobody says otherwise. A default is kept here at
//! once; clearing one moves no device.

use crate::{
    app::{Error, Profiles, audit::event, settings},
    domain::{
        Caller, Change, DevicePlatform, Origin, Profile, ProfileId, ProfileKind, SettingId, SettingKey,
    },
};

impl Profiles {
    /// The default profile of a platform.
    pub async fn default_of(
        &self,
        caller: &Caller,
        setting: SettingId,
        platform: DevicePlatform,
    ) -> Result<Profile, Error> {
        settings::visible(&self.settings, caller, setting).await?;
        let profile = self.profiles.default_of(SettingKey::new(caller.tenant, setting), platform).await?;
        profile
            .map(|profile| self.shared.with_enrollment_url(profile))
            .ok_or(Error::NotFound { what: "A default profile of this platform" })
    }

    /// Makes a profile the default of its platform, or of `platform`, which must be the same.
    pub async fn set_default(
        &self,
        origin: &Origin,
        setting: SettingId,
        id: ProfileId,
        platform: Option<DevicePlatform>,
    ) -> Result<(), Error> {
        let profile = self.get(&origin.caller, setting, id).await?;
        let own = platform_of(profile.kind)?;
        if let Some(wrong) = platform.filter(|platform| *platform != own) {
            return Err(Error::Invalid(format!(
                "A profile of type '{}' is for {}, so it cannot be the default for {}. Nothing was changed.",
                profile.kind.as_str(),
                own.as_str(),
                wrong.as_str()
            )));
        }
        let was = if profile.is_default { "true" } else { "false" };
        let former = self.profiles.default_of(profile.key(), own).await?;
        let former = former.map(|former| former.full_id());
        let changes = Change::among([
            ("isDefault", Some(was), Some("true")),
            (default_of(own), former.as_deref(), Some(&profile.full_id())),
        ]);
        let event = event(&self.clock, Some(origin), "setDefaultProfile", &profile, changes);
        match self.profiles.set_default(&profile, own, &event).await? {
            true => Ok(()),
            false => Err(Error::NO_PROFILE),
        }
    }

    /// Makes a profile its platform's default, or no default any more, where that is said and not so already.
    pub(super) async fn keep_default(
        &self,
        origin: &Origin,
        mut profile: Profile,
        is_default: Option<bool>,
    ) -> Result<Profile, Error> {
        match is_default {
            Some(true) if !profile.is_default => {
                self.set_default(origin, profile.setting, profile.id, None).await?;
                profile.is_default = true;
            }
            Some(false) if profile.is_default => {
                self.clear_default(origin, profile.setting, platform_of(profile.kind)?).await?;
                profile.is_default = false;
            }
            _ => {}
        }
        Ok(profile)
    }

    /// Leaves a platform without a default. The profile stays, and no device is moved.
    pub async fn clear_default(
        &self,
        origin: &Origin,
        setting: SettingId,
        platform: DevicePlatform,
    ) -> Result<(), Error> {
        settings::visible(&self.settings, &origin.caller, setting).await?;
        let stored =
            self.profiles.default_of(SettingKey::new(origin.caller.tenant, setting), platform).await?;
        let Some(profile) = stored else { return Ok(()) };
        let changes = Change::among([
            ("isDefault", Some("true"), Some("false")),
            (default_of(platform), Some(&profile.full_id()), None),
        ]);
        let event = event(&self.clock, Some(origin), "clearDefaultProfile", &profile, changes);
        self.profiles.clear_default(profile.key(), platform, &event).await?;
        Ok(())
    }
}

/// The platform that profiles of a type are for; an error for types of none.
pub(super) fn platform_of(kind: ProfileKind) -> Result<DevicePlatform, Error> {
    kind.platform().ok_or_else(|| {
        Error::Invalid(format!(
            "A profile of type '{}' has no platform, so it cannot be a default. Nothing was changed.",
            kind.as_str()
        ))
    })
}

/// Where a setting shows the default of a platform, in Graph's words.
const fn default_of(platform: DevicePlatform) -> &'static str {
    match platform {
        DevicePlatform::Ios => "defaultIosEnrollmentProfile",
        DevicePlatform::MacOs => "defaultMacOsEnrollmentProfile",
        DevicePlatform::TvOs => "defaultTvOSEnrollmentProfile",
        DevicePlatform::VisionOs => "defaultVisionOSEnrollmentProfile",
        DevicePlatform::Unknown => "defaultEnrollmentProfile",
    }
}
