//! The navigations of a setting: its devices, its profiles, its defaults.

use super::{ExpandedNavigation, Expansions, json};
use crate::{
    app,
    domain::{DevicePlatform, Setting},
    graph::{
        Graph, enrollment_profiles,
        entity::ExpandedMembers,
        error::Error,
        imported_apple_device_identities,
        listing::shape_of,
        types::{ENROLLMENT_PROFILE, IMPORTED_APPLE_DEVICE_IDENTITY, profile_type},
        value::{Object, Value},
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
        graph: &Graph,
        settings: &[Setting],
    ) -> Result<Vec<ExpandedMembers>, Error> {
        let mut all = Vec::with_capacity(settings.len());
        for setting in settings {
            let mut expanded = Vec::new();
            for item in &self.items {
                let at = ExpandedNavigation { graph, scope: &self.scope, item };
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
        let kind = &IMPORTED_APPLE_DEVICE_IDENTITY;
        let keys = [setting.id.to_string()];
        let mut listing = self.listing(imported_apple_device_identities::LIST, &keys, kind)?;
        if let Some(filter) = &mut listing.query.filter {
            imported_apple_device_identities::with_bare_profiles(filter, setting.id);
        }
        let listed = self.graph.app.devices.list(&self.scope.caller, setting.id, &listing.query).await?;
        let set = imported_apple_device_identities::set(setting.id);
        self.list(&listing, kind, &set, &listed, &[], expanded);
        Ok(())
    }

    async fn profiles(&self, setting: &Setting, expanded: &mut ExpandedMembers) -> Result<(), Error> {
        let kind = &ENROLLMENT_PROFILE;
        let listing = self.listing(enrollment_profiles::LIST, &[setting.id.to_string()], kind)?;
        let listed = self.graph.app.profiles.list(&self.scope.caller, setting.id, &listing.query).await?;
        self.list(&listing, kind, &enrollment_profiles::set(setting.id), &listed, &[], expanded);
        Ok(())
    }

    /// The default of a platform, or null.
    async fn default(
        &self,
        setting: &Setting,
        platform: DevicePlatform,
        expanded: &mut ExpandedMembers,
    ) -> Result<(), Error> {
        let name = self.item.navigation.name;
        let found = self.graph.app.profiles.default_of(&self.scope.caller, setting.id, platform).await;
        let profile = match found {
            Ok(profile) => profile,
            Err(app::Error::NotFound { .. }) => {
                expanded.push((name.to_owned(), json(&Value::Null)));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let shape = shape_of(&self.item.options, profile_type(profile.kind), self.scope.metadata)?;
        let set = enrollment_profiles::set(setting.id);
        let root = self.graph.root(self.scope.version);
        self.context(&format!("{set}/$entity"), expanded);
        let mut out = Vec::new();
        let mut object = Object::open(&mut out);
        shape.entity(&root, &ENROLLMENT_PROFILE, &profile, &set, &mut object);
        object.close();
        expanded.push((name.to_owned(), out));
        Ok(())
    }
}
