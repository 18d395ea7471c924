//! The operations of a setting's `importedAppleDeviceIdentities`, one file each, and what they share.

pub(super) mod count;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod import_apple_device_identity_list;
pub(super) mod list;
pub(super) mod update;

use adept_odata::{Filter, Literal};

use super::onboarding_settings;
use crate::domain::{DeviceField, ProfileId, SettingId};

/// The operation that lists them.
pub(super) const LIST: &str = "importedAppleDeviceIdentity.list";

/// The collection's path below the version.
pub(super) fn set(setting: SettingId) -> String {
    format!("{}('{setting}')/importedAppleDeviceIdentities", onboarding_settings::SET)
}

/// Lets a filter name a desired profile in each of its forms, though only the bare one is stored.
pub(super) fn with_bare_profiles(filter: &mut Filter<DeviceField>, setting: SettingId) {
    let bare = |value: &mut Literal| {
        if let Literal::Text(text) = value
            && let Some(id) = ProfileId::named(text, setting)
        {
            *text = id.to_string();
        }
    };
    match filter {
        Filter::Compare { field: DeviceField::RequestedProfile, value, .. } => bare(value),
        Filter::In { field: DeviceField::RequestedProfile, values } => values.iter_mut().for_each(bare),
        Filter::Not(inner) => with_bare_profiles(inner, setting),
        Filter::And(all) | Filter::Or(all) => {
            all.iter_mut().for_each(|one| with_bare_profiles(one, setting));
        }
        Filter::Constant(_)
        | Filter::Compare { .. }
        | Filter::IsNull(_)
        | Filter::In { .. }
        | Filter::Call { .. }
        | Filter::Any { .. }
        | Filter::All { .. } => {}
    }
}
