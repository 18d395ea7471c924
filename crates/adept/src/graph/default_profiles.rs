//! The four navigations from a setting to its default profiles, and the references behind them. All four have the same
//! operations; the path says which platform is meant.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod get_ref;
pub(super) mod set_ref;
pub(super) mod update;

use super::{Graph, error::Error, input_value::shortened, request_context::RequestContext};
use crate::{
    app,
    domain::{DevicePlatform, Profile, SettingId},
};

/// The navigations and their platforms.
pub(super) const NAVIGATIONS: [(&str, DevicePlatform); 4] = [
    ("defaultIosEnrollmentProfile", DevicePlatform::Ios),
    ("defaultMacOsEnrollmentProfile", DevicePlatform::MacOs),
    ("defaultTvOSEnrollmentProfile", DevicePlatform::TvOs),
    ("defaultVisionOSEnrollmentProfile", DevicePlatform::VisionOs),
];

/// The platform whose default the path means.
fn platform_of(call: &RequestContext) -> Result<DevicePlatform, Error> {
    let meant = NAVIGATIONS.iter().find(|(name, _)| call.route.template.split('/').any(|part| part == *name));
    let unknown = app::Error::Internal { cause: format!("no platform for {}", call.route.template) };
    meant.map(|(_, platform)| *platform).ok_or(Error::App(unknown))
}

/// Setting and default profile that the path names.
async fn default_of(graph: &Graph, call: &mut RequestContext) -> Result<(SettingId, Profile), Error> {
    let setting = call.setting_id()?;
    Ok((setting, graph.app.default_profile(&call.caller, setting, platform_of(call)?).await?))
}
