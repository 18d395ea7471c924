//! Devices as callers see them. What Apple said is stored; no list ever asks Apple. Writing them by hand is `manual_import`'s
//! work.

mod apple_lookup;
mod explain;
mod manual_import;

pub use apple_lookup::AppleLookup;
pub use explain::DeviceExplanation;
pub use manual_import::Imported;

use std::sync::Arc;

use adept_odata::Expr;

use super::{AppleAccess, Clock, Error, ListQuery, Listed, settings, shared_profile_options::SharedOptions};
use crate::{
    domain::{Caller, DeviceField, DeviceId, DeviceRow, SettingId, SettingKey},
    storage,
};

/// Devices as callers see them.
pub struct Devices {
    pub(super) settings: storage::Settings,
    pub(super) devices: storage::Devices,
    pub(super) profiles: storage::Profiles,
    pub(super) assignments: storage::Assignments,
    pub(super) apple: AppleAccess,
    pub(super) shared: Arc<SharedOptions>,
    pub(super) clock: Clock,
}

impl Devices {
    /// Lists the devices of one of the caller's settings.
    pub async fn list(
        &self,
        caller: &Caller,
        setting: SettingId,
        query: &ListQuery<DeviceField>,
    ) -> Result<Listed<DeviceRow>, Error> {
        settings::visible(&self.settings, caller, setting).await?;
        Ok(self.devices.list(SettingKey::new(caller.tenant, setting), query).await?)
    }

    /// Counts the devices of one of the caller's settings.
    pub async fn count(
        &self,
        caller: &Caller,
        setting: SettingId,
        filter: Option<&Expr<DeviceField>>,
    ) -> Result<i64, Error> {
        settings::visible(&self.settings, caller, setting).await?;
        Ok(self.devices.count(SettingKey::new(caller.tenant, setting), filter).await?)
    }

    /// One device of one of the caller's settings.
    pub async fn get(&self, caller: &Caller, setting: SettingId, id: DeviceId) -> Result<DeviceRow, Error> {
        settings::visible(&self.settings, caller, setting).await?;
        self.devices.get(SettingKey::new(caller.tenant, setting), id).await?.ok_or(Error::NO_DEVICE)
    }
}
