//! Devices as callers see them. What Apple said is stored; no list ever asks Apple. Writing them by hand is `manual_import`'s
//! work.

mod apple_lookup;
mod explain;
mod manual_import;

pub use apple_lookup::AppleLookup;
pub use explain::DeviceExplanation;
pub use manual_import::Imported;

use adept_odata::Filter;

use super::{App, Error, ListQuery, Listed};
use crate::domain::{Caller, DeviceField, DeviceId, DeviceRow, SettingId, SettingKey};

impl App {
    /// Lists the devices of one of the caller's settings.
    pub async fn devices(
        &self,
        caller: &Caller,
        setting: SettingId,
        query: &ListQuery<DeviceField>,
    ) -> Result<Listed<DeviceRow>, Error> {
        self.setting(caller, setting).await?;
        Ok(self.storage.devices.list(SettingKey::new(caller.tenant, setting), query).await?)
    }

    /// Counts the devices of one of the caller's settings.
    pub async fn count_devices(
        &self,
        caller: &Caller,
        setting: SettingId,
        filter: Option<&Filter<DeviceField>>,
    ) -> Result<i64, Error> {
        self.setting(caller, setting).await?;
        Ok(self.storage.devices.count(SettingKey::new(caller.tenant, setting), filter).await?)
    }

    /// One device of one of the caller's settings.
    pub async fn device(
        &self,
        caller: &Caller,
        setting: SettingId,
        id: DeviceId,
    ) -> Result<DeviceRow, Error> {
        self.setting(caller, setting).await?;
        self.storage.devices.get(SettingKey::new(caller.tenant, setting), id).await?.ok_or(Error::NO_DEVICE)
    }
}
