//! Calls about many devices that Apple refuses as a whole without saying why: halved until the devices that cause it
//! stand alone. What follows from each refusal is decided by `domain`; the calls about halves are made where all others are.

use adept_apple::error::AppleError;

use super::{Run, Stop, outcome::Assignment};
use crate::{
    domain::{AFTER_HALVING, AssignmentResult, RefusedCall, deadline::later, is_same_serial},
    storage::DeviceResult,
};

/// A device that a call was refused for, before it is known whether the refusal is about devices at all.
pub(super) struct LoneDevice {
    pub(super) device: DeviceResult,
    /// What it was to be given; none for a release.
    pub(super) assigns: Option<Assignment>,
}

impl Run<'_> {
    /// Whether the device is one that this run makes no call about any more.
    pub(super) fn stands_alone(&self, serial: &str) -> bool {
        self.alone.iter().any(|lone| is_same_serial(&lone.device.serial, serial))
    }

    /// What follows from Apple's refusal of a call about all of these devices: halves, each a call of its own, the first
    /// one last; or none when it was about one device, which stands alone from now on.
    pub(super) async fn halve<T>(
        &mut self,
        devices: Vec<T>,
        error: AppleError,
        lone: impl FnOnce(T) -> LoneDevice,
    ) -> Result<Vec<Vec<T>>, Stop> {
        match self.halving.on_refused(devices) {
            RefusedCall::Halves(first, second) => Ok(vec![second, first]),
            RefusedCall::Alone(device) => {
                self.alone.push(lone(device));
                self.mark_if_accepted().await?;
                Ok(Vec::new())
            }
            RefusedCall::NotAboutDevices => Err(Stop::NotAboutDevices(error)),
        }
    }

    /// What was not asked for is left to a run of its own.
    pub(super) fn leave_the_rest(&mut self) {
        let until = later(self.now(), AFTER_HALVING);
        tracing::warn!(setting = %self.lease.key.id, %until,
            "Apple refuses calls about devices as a whole so often that the rest of the devices is left for later");
        self.put_off = Some(until);
    }

    pub(super) async fn mark_if_accepted(&mut self) -> Result<(), Stop> {
        if self.halving.has_accepted() { self.mark_alone().await } else { Ok(()) }
    }

    /// Stores the refusal of each device that stands alone.
    pub(super) async fn mark_alone(&mut self) -> Result<(), Stop> {
        while let Some(LoneDevice { device, assigns }) = self.alone.pop() {
            let devices = [device];
            match &assigns {
                None => self.store_release(None, &devices).await?,
                Some(to) => {
                    let generation = Some(self.desired_generation);
                    self.store_assignment(to, None, generation, &devices, None).await?;
                    tracing::warn!(setting = %self.lease.key.id, serial = devices[0].serial, "{}",
                        AssignmentResult::CallRefused.about_assignment());
                }
            }
        }
        Ok(())
    }
}

/// A device that Apple refused alone.
pub(super) fn refused(serial: String, attempts: i64) -> DeviceResult {
    DeviceResult { serial, result: AssignmentResult::CallRefused, attempts }
}
