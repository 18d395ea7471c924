//! The operations of a setting's `importedAppleDeviceIdentities`, one file each, and what they share.

pub(super) mod count;
pub(super) mod get;
pub(super) mod list;

use super::onboarding_settings;
use crate::domain::SettingId;

/// The collection's path below the version.
fn set(setting: SettingId) -> String {
    format!("{}('{setting}')/importedAppleDeviceIdentities", onboarding_settings::SET)
}
