//! Releasing devices that someone wants Apple to release: for good, and therefore never on a guess.

use adept_apple::error::{AppleErrorKind as Kind, Endpoint};

use uuid::Uuid;

use super::{
    Run, Stop,
    assign::{outcome, verdict},
    may_be_done,
};
use crate::{
    app::failpoint,
    domain::Verdict,
    storage::{AppleCall, DeviceVerdict, Released},
};

impl Run<'_> {
    /// Has Apple release every device whose release is due.
    pub(super) async fn release_devices(&mut self) -> Result<(), Stop> {
        loop {
            self.hold().await?;
            let now = self.app.clock.now();
            let mut devices = self.app.storage.devices_to_release(&self.lease, now).await?;
            if devices.is_empty() {
                return Ok(());
            }
            let serials: Vec<String> = devices.iter().map(|device| device.serial.clone()).collect();
            let call = AppleCall { id: self.app.ids.uuid(&self.app.clock), assigns: None, serials };
            if !self.begin(&call).await? {
                continue;
            }
            failpoint::at("release-begun");
            let answer = self.bounded_session().disown_devices(&call.serials).await;
            failpoint::at("release-answered");
            match answer {
                Ok(statuses) => {
                    for device in &mut devices {
                        device.verdict = verdict(statuses.of.get(&device.serial));
                    }
                }
                Err(error) if may_be_done(&error) => return Err(Stop::Apple(error)),
                Err(error)
                    if error.kind == Kind::AccessDenied && error.endpoint == Endpoint::DisownDevices =>
                {
                    devices.iter_mut().for_each(|device| device.verdict = Verdict::Denied);
                }
                Err(error) => {
                    self.app.storage.take_back_call(&self.lease, call.id).await?;
                    return Err(Stop::Apple(error));
                }
            }
            self.store_release(call.id, &devices).await?;
            failpoint::at("release-stored");
        }
    }

    /// Stores what is known of a release.
    pub(super) async fn store_release(&self, call: Uuid, devices: &[DeviceVerdict]) -> Result<(), Stop> {
        let changes = outcome(devices);
        let event = self.app.event(None, "releaseDevicesAtApple", "Action", &self.setting, changes);
        let released = Released { call, devices, now: self.app.clock.now() };
        if !self.app.storage.end_release(&self.lease, &released, &event).await? {
            return Err(Stop::Overtaken);
        }
        self.app.count_verdicts("release", devices);
        for device in devices.iter().filter(|device| device.verdict != Verdict::Success) {
            tracing::warn!(setting = %self.lease.setting, serial = device.serial, "{}",
                device.verdict.about_release());
        }
        Ok(())
    }
}
