//! The navigations of a setting: its devices, its profiles, its defaults.

use super::{ExpandedNavigation, Expansions, json};
use crate::{
    app,
    domain::{DevicePlatform, Setting},
    graph::{
        enrollment_profiles,
        entity::ExpandedMembers,
        error::Error,
        imported_apple_device_identities,
        listing::shape_of,
        request_context::RequestContext,
        types::profile_type,
        value::{Value, write_object},
    },
};

/// The navigations to default profiles.
const DEFAULT_PROFILES: [(&str, DevicePlatform); 4] = [
    ("defaultIosEnrollmentProfile", DevicePlatform::Ios),
    ("defaultMacOsEnrollmentProfile", DevicePlatform::MacOs),
    ("defaultTvOSEnrollmentProfile", DevicePlatform::TvOs),
    ("defaultVisionOSEnrollmentProfile", DevicePlatform::VisionOs),
];

impl Expansions {
    /// Expands the navigations of each of these settings.
    pub(in crate::graph) async fn expand_settings(
        &self,
        request: &RequestContext<'_>,
        settings: &[Setting],
    ) -> Result<Vec<ExpandedMembers>, Error> {
        let mut all = Vec::with_capacity(settings.len());
        for setting in settings {
            let mut expanded = Vec::new();
            for item in &self.0 {
                let at = ExpandedNavigation { request, item };
                let expanded = &mut expanded;
                match item.navigation.name {
                    "importedAppleDeviceIdentities" => at.devices(setting, expanded).await?,
                    "enrollmentProfiles" => at.profiles(setting, expanded).await?,
                    name => {
                        let platform = DEFAULT_PROFILES.iter().find(|(known, _)| *known == name);
                        let (_, platform) = platform.ok_or_else(|| Error::NoNavigation(name.to_owned()))?;
                        at.default(setting, *platform, expanded).await?;
                    }
                }
            }
            all.push(expanded);
        }
        Ok(all)
    }
}

impl ExpandedNavigation<'_> {
    async fn devices(&self, setting: &Setting, expanded: &mut ExpandedMembers) -> Result<(), Error> {
        let set = imported_apple_device_identities::set(setting.id);
        let mut listing =
            self.listing(imported_apple_device_identities::LIST, &[setting.id.to_string()], set)?;
        imported_apple_device_identities::with_bare_profiles(&mut listing.query.filter, setting.id);
        let devices = &self.request.app().devices;
        let listed = devices.list(&self.request.caller, setting.id, &listing.query).await?;
        self.list(&listing, &listed, &[], expanded);
        Ok(())
    }

    async fn profiles(&self, setting: &Setting, expanded: &mut ExpandedMembers) -> Result<(), Error> {
        let set = enrollment_profiles::set(setting.id);
        let listing = self.listing(enrollment_profiles::LIST, &[setting.id.to_string()], set)?;
        let profiles = &self.request.app().profiles;
        let listed = profiles.list(&self.request.caller, setting.id, &listing.query).await?;
        self.list(&listing, &listed, &[], expanded);
        Ok(())
    }

    /// The default of a platform, or null.
    async fn default(
        &self,
        setting: &Setting,
        platform: DevicePlatform,
        expanded: &mut ExpandedMembers,
    ) -> Result<(), Error> {
        let name = self.item.navigation.name.to_owned();
        let profiles = &self.request.app().profiles;
        let profile = match profiles.default_of(&self.request.caller, setting.id, platform).await {
            Ok(profile) => profile,
            Err(app::Error::NotFound { .. }) => {
                expanded.push((name, json(&Value::Null)));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let shape = shape_of(&self.item.options, profile_type(profile.kind))?;
        let set = enrollment_profiles::set(setting.id);
        self.context(&format!("{}/$entity", set.path), expanded);
        let mut out = Vec::new();
        write_object(&mut out, |object| shape.entity(self.request, &set, &profile, &[], object));
        expanded.push((name, out));
        Ok(())
    }
}
