//! The four navigations from a setting to its default profiles, and the references behind them. All four have the same
//! operations; the platform is a constant of the route.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod get_ref;
pub(super) mod set_ref;
pub(super) mod update;

use super::{Graph, error::Error, request_context::RequestContext};
use crate::domain::{DevicePlatform, Profile, SettingId};

/// The setting that the path names, and its default profile for a platform.
async fn default_of(
    graph: &Graph,
    request: &mut RequestContext,
    platform: DevicePlatform,
) -> Result<(SettingId, Profile), Error> {
    let setting = request.setting_id()?;
    Ok((setting, graph.app.profiles.default_of(&request.caller, setting, platform).await?))
}
