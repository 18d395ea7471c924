//! What is behind the navigations of a setting: its devices, its profiles, its defaults.

use super::{At, Expansions, json};
use crate::{
    app,
    domain::{DevicePlatform, Setting},
    graph::{
        Graph, enrollment_profiles,
        entity::Behind,
        error::Error,
        imported_apple_device_identities,
        listing::shape_of,
        types::{ENROLLMENT_PROFILE, IMPORTED_APPLE_DEVICE_IDENTITY, profile_type},
        value::{Object, Value},
    },
};

impl Expansions {
    /// What is behind the navigations of each of these settings.
    pub(in crate::graph) async fn behind_settings(
        &self,
        graph: &Graph,
        settings: &[Setting],
    ) -> Result<Vec<Behind>, Error> {
        let mut all = Vec::with_capacity(settings.len());
        for setting in settings {
            let mut behind = Vec::new();
            for wanted in &self.wanted {
                let at = At { graph, asked: &self.asked, wanted };
                let behind = &mut behind;
                match wanted.way.name {
                    "importedAppleDeviceIdentities" => at.devices(setting, behind).await?,
                    "enrollmentProfiles" => at.profiles(setting, behind).await?,
                    "defaultIosEnrollmentProfile" => at.default(setting, DevicePlatform::Ios, behind).await?,
                    "defaultMacOsEnrollmentProfile" => {
                        at.default(setting, DevicePlatform::MacOs, behind).await?
                    }
                    "defaultTvOSEnrollmentProfile" => {
                        at.default(setting, DevicePlatform::TvOs, behind).await?
                    }
                    "defaultVisionOSEnrollmentProfile" => {
                        at.default(setting, DevicePlatform::VisionOs, behind).await?
                    }
                    _ => return Err(Error::NoNavigation(wanted.way.name.to_owned())),
                }
            }
            all.push(behind);
        }
        Ok(all)
    }
}

impl At<'_> {
    async fn devices(&self, setting: &Setting, behind: &mut Behind) -> Result<(), Error> {
        let kind = &IMPORTED_APPLE_DEVICE_IDENTITY;
        let keys = [setting.id.to_string()];
        let mut listing = self.listing(imported_apple_device_identities::LIST, &keys, kind)?;
        if let Some(filter) = &mut listing.query.filter {
            imported_apple_device_identities::with_bare_profiles(filter, setting.id);
        }
        let listed = self.graph.app.devices(&self.asked.caller, setting.id, &listing.query).await?;
        let set = imported_apple_device_identities::set(setting.id);
        self.list(&listing, kind, &set, &listed, &[], behind);
        Ok(())
    }

    async fn profiles(&self, setting: &Setting, behind: &mut Behind) -> Result<(), Error> {
        let kind = &ENROLLMENT_PROFILE;
        let listing = self.listing(enrollment_profiles::LIST, &[setting.id.to_string()], kind)?;
        let listed = self.graph.app.profiles(&self.asked.caller, setting.id, &listing.query).await?;
        self.list(&listing, kind, &enrollment_profiles::set(setting.id), &listed, &[], behind);
        Ok(())
    }

    /// The default of a platform, or null.
    async fn default(
        &self,
        setting: &Setting,
        platform: DevicePlatform,
        behind: &mut Behind,
    ) -> Result<(), Error> {
        let name = self.wanted.way.name;
        let found = self.graph.app.default_profile(&self.asked.caller, setting.id, platform).await;
        let profile = match found {
            Ok(profile) => profile,
            Err(app::Error::NotFound { .. }) => {
                behind.push((name.to_owned(), json(&Value::Null)));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let shape = shape_of(&self.wanted.options, profile_type(profile.kind), self.asked.metadata)?;
        let set = enrollment_profiles::set(setting.id);
        let root = self.graph.root(self.asked.version);
        self.context(&format!("{set}/$entity"), behind);
        let mut out = Vec::new();
        let mut object = Object::open(&mut out);
        shape.entity(&root, &ENROLLMENT_PROFILE, &profile, &set, &mut object);
        object.close();
        behind.push((name.to_owned(), out));
        Ok(())
    }
}
