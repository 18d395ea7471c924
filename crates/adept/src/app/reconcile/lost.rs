//! A call whose answer was lost: what became of its devices is read from Apple before anything else is asked.

use adept_apple::{account::normalised_uuid, device::ProfileStatus};

use super::{Run, Stop};
use crate::{
    app::failpoint,
    domain::{READ_BACK, Verdict},
    storage::{AppleCall, DeviceVerdict},
};

/// Apple's word for a device that its details show whole.
const WHOLE: &str = "SUCCESS";

/// Apple's words for a device that is not this server's, or not any more.
const GONE: [&str; 2] = ["NOT_ACCESSIBLE", "NOT_FOUND"];

impl Run<'_> {
    /// Finds out what a lost call did. Devices that show no trace of it are due as they were before.
    pub(super) async fn settle_lost_call(&mut self) -> Result<(), Stop> {
        let (tenant, setting) = (self.lease.tenant, self.lease.setting);
        let Some(call) = self.app.storage.lost_call(tenant, setting).await? else { return Ok(()) };
        self.hold().await?;
        tracing::info!(%setting, devices = call.serials.len(),
            "the answer to a call was lost; reading what became of its devices");
        let details = self.session.device_details(&call.serials).await?;
        failpoint::at("details-read");
        let done = |serial: &String| {
            let Some(device) = details.get(serial) else { return false };
            let word = device.response_status.as_deref().unwrap_or(WHOLE);
            match &call.assigns {
                None => GONE.iter().any(|gone| word.eq_ignore_ascii_case(gone)),
                Some((_, _, uuid)) => {
                    let has = device.profile_uuid.as_deref().map(normalised_uuid);
                    let none = [Some(ProfileStatus::Empty), Some(ProfileStatus::Removed)];
                    word.eq_ignore_ascii_case(WHOLE)
                        && has.as_ref() == Some(uuid)
                        && !none.contains(&device.profile_status)
                }
            }
        };
        let verdicts: Vec<DeviceVerdict> = call
            .serials
            .iter()
            .filter(|serial| done(serial))
            .map(|serial| DeviceVerdict { serial: serial.clone(), verdict: Verdict::Success, attempts: 0 })
            .collect();
        self.store_found(&call, &verdicts).await
    }

    async fn store_found(&mut self, call: &AppleCall, found: &[DeviceVerdict]) -> Result<(), Stop> {
        if found.is_empty() {
            return Ok(self.app.storage.take_back_call(&self.lease).await?);
        }
        let Some((id, revision, uuid)) = &call.assigns else { return self.store_release(found).await };
        let profile = self.app.storage.profile(self.lease.tenant, self.lease.setting, *id).await?;
        match profile {
            Some(mut profile) => {
                profile.revision = *revision;
                self.store_assignment(&profile, READ_BACK, uuid, found, None).await
            }
            // The profile was deleted meanwhile; what Apple has of the devices comes with their records.
            None => Ok(self.app.storage.take_back_call(&self.lease).await?),
        }
    }
}
