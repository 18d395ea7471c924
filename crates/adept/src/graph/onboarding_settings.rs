//! The operations of `depOnboardingSettings`, one file each, and what they share.

pub(super) mod count;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod generate_encryption_public_key;
pub(super) mod get;
pub(super) mod get_encryption_public_key;
pub(super) mod get_expiring_vpp_token_count;
pub(super) mod list;
pub(super) mod release_apple_devices;
pub(super) mod share_for_school_data_sync_service;
pub(super) mod sync_with_apple_device_enrollment_program;
pub(super) mod update;
pub(super) mod upload_dep_token;

use super::{Graph, error::Error, request_context::RequestContext};
use crate::domain::Setting;

/// The operation that lists them.
pub(super) const LIST: &str = "depOnboardingSetting.list";

/// The collection's path below the version.
pub(super) const SET: &str = "deviceManagement/depOnboardingSettings";

/// The setting that the path names; it must exist in the caller's tenant before the rest of a request is checked.
pub(super) async fn setting_of(graph: &Graph, request: &mut RequestContext) -> Result<Setting, Error> {
    let id = request.setting_id()?;
    Ok(graph.app.settings.get(&request.caller, id).await?)
}
