//! Calls whose answers were lost: what became of their devices is read from Apple before anything else is asked.

use std::collections::HashMap;

use adept_apple::{
    account::normalized_uuid,
    device::{Device, ProfileStatus},
};

use super::{Run, Stop, outcome::Assignment};
use crate::{
    app::failpoint,
    domain::{AssignmentResult, Profile, READ_BACK, serial_key},
    storage::{DeviceResult, InFlightCall},
};

/// Apple's word for a device that its details show whole.
const WHOLE: &str = "SUCCESS";

/// Apple's words for a device that is not this server's, or not any more.
const GONE: [&str; 2] = ["NOT_ACCESSIBLE", "NOT_FOUND"];

impl Run<'_> {
    /// Finds out what lost calls did. Devices that show no trace of them are due as they were before.
    pub(super) async fn settle_unresolved_calls(&mut self) -> Result<(), Stop> {
        for call in self.assignments.unresolved_calls(self.lease.key).await? {
            self.settle_unresolved_call(call).await?;
        }
        Ok(())
    }

    async fn settle_unresolved_call(&mut self, call: InFlightCall) -> Result<(), Stop> {
        self.renew().await?;
        tracing::info!(setting = %self.lease.key.id, devices = call.serials.len(),
            "the answer to a call was lost; reading what became of its devices");
        let details = self.session.device_details(&call.serials).await?;
        let details: HashMap<String, Device> =
            details.into_iter().map(|(serial, device)| (serial_key(&serial), device)).collect();
        failpoint::at("details-read");
        let done = |serial: &String| {
            let Some(device) = details.get(&serial_key(serial)) else { return false };
            let word = device.response_status.as_deref().unwrap_or(WHOLE);
            match &call.assigns {
                None => GONE.iter().any(|gone| word.eq_ignore_ascii_case(gone)),
                Some((_, _, uuid)) => {
                    let has = device.profile_uuid.as_deref().map(normalized_uuid);
                    let none = [Some(ProfileStatus::Empty), Some(ProfileStatus::Removed)];
                    word.eq_ignore_ascii_case(WHOLE)
                        && has.as_ref() == Some(uuid)
                        && !none.contains(&device.profile_status)
                }
            }
        };
        let results: Vec<DeviceResult> = call
            .serials
            .iter()
            .filter(|serial| done(serial))
            .map(|serial| DeviceResult {
                serial: serial.clone(),
                result: AssignmentResult::Success,
                attempts: 0,
            })
            .collect();
        match &call.assigns {
            _ if results.is_empty() => {}
            None => return self.store_release(Some(call.id), &results).await,
            Some((id, revision, uuid)) => {
                if let Some(profile) = self.runner.profiles.get(self.lease.key, *id).await? {
                    let profile = Profile { revision: *revision, ..profile };
                    let to = Assignment { profile, reason: READ_BACK, apple_uuid: uuid.clone() };
                    return self.store_assignment(&to, Some(call.id), None, &results, None).await;
                }
                // It was deleted meanwhile; what Apple has of the devices comes with their records.
            }
        }
        Ok(self.assignments.take_back_call(&self.lease, call.id).await?)
    }
}
