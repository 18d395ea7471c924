//! Releasing devices that someone wants Apple to release: for good, and therefore never on a guess.

use adept_apple::error::{AppleError, AppleErrorKind as Kind, Endpoint};
use uuid::Uuid;

use super::{
    Run, Stop,
    halve::{LoneDevice, refused},
    is_refused_as_a_whole, may_be_done,
    outcome::{outcome, said},
};
use crate::{
    app::{apple, audit::event, failpoint},
    domain::{AssignmentResult, TokenState},
    storage::{DeviceResult, InFlightCall, Released},
};

impl Run<'_> {
    /// Has Apple release every device whose release is due. Answers the error for which releases were put off: it is no
    /// reason to assign nothing.
    pub(super) async fn release_devices(&mut self) -> Result<Option<AppleError>, Stop> {
        // Of calls that Apple refused as a whole; each is a call of its own.
        let mut halves = Vec::new();
        loop {
            let mut devices = match halves.pop() {
                Some(_) if !self.halving.may_call() => {
                    self.leave_the_rest();
                    return Ok(None);
                }
                Some(half) => half,
                None => self.find_releases().await?,
            };
            if devices.is_empty() {
                return Ok(None);
            }
            let serials: Vec<String> = devices.iter().map(|device| device.serial.clone()).collect();
            let call = InFlightCall { id: self.runner.clock.new_id(), assigns: None, serials };
            if !self.begin(&call).await? {
                // What is due by now is looked for again.
                halves.clear();
                continue;
            }
            failpoint::at("release-begun");
            let answer = self.bounded_session().disown_devices(&call.serials).await;
            failpoint::at("release-answered");
            match answer {
                Ok(statuses) => {
                    self.halving.on_accepted();
                    let said = said(&statuses);
                    devices.iter_mut().for_each(|device| device.result = said(&device.serial));
                }
                Err(error) if is_refused_as_a_whole(&error) => {
                    self.assignments.take_back_call(&self.lease, call.id).await?;
                    let lone = |device: DeviceResult| LoneDevice {
                        device: refused(device.serial, device.attempts),
                        assigns: None,
                    };
                    halves.extend(self.halve(devices, error, lone).await?);
                    continue;
                }
                Err(error) => match said_of_each(&error) {
                    Some(result) => devices.iter_mut().for_each(|device| device.result = result),
                    None => return self.put_off(call.id, &devices, error).await.map(Some),
                },
            }
            self.store_release(Some(call.id), &devices).await?;
            self.mark_if_accepted().await?;
            failpoint::at("release-stored");
        }
    }

    async fn find_releases(&mut self) -> Result<Vec<DeviceResult>, Stop> {
        self.renew().await?;
        let now = self.now();
        let mut devices = self.assignments.devices_to_release(&self.lease, now).await?;
        devices.retain(|device| !self.stands_alone(&device.serial));
        Ok(devices)
    }

    /// Puts releases off after an answer that says nothing of the devices; answers it, unless it ends the run.
    async fn put_off(
        &self,
        call: Uuid,
        devices: &[DeviceResult],
        error: AppleError,
    ) -> Result<AppleError, Stop> {
        if !may_be_done(&error) {
            self.assignments.take_back_call(&self.lease, call).await?;
        }
        let state = apple::state_of(&error);
        let is_its_own = error.endpoint == Endpoint::DisownDevices
            && !error.is_unsent
            && matches!(state, TokenState::Unreachable | TokenState::NotUnderstood);
        if is_its_own {
            self.assignments.put_off_releases(&self.lease, devices, self.now()).await?;
            tracing::warn!(setting = %self.lease.key.id, devices = devices.len(),
                "a release is tried again after an hour, later after a day: {error}");
        }
        if is_its_own && error.server_wait().is_none() { Ok(error) } else { Err(Stop::Apple(error)) }
    }

    /// Stores what is known of a release.
    pub(super) async fn store_release(
        &self,
        call: Option<Uuid>,
        devices: &[DeviceResult],
    ) -> Result<(), Stop> {
        let changes = outcome(devices);
        let event = event(&self.runner.clock, None, "releaseDevicesAtApple", &self.setting, changes);
        let released = Released { call, devices, now: self.now() };
        if !self.assignments.end_release(&self.lease, &released, &event).await? {
            return Err(Stop::Superseded);
        }
        self.runner.count_results("release", devices);
        for device in devices.iter().filter(|device| device.result != AssignmentResult::Success) {
            tracing::warn!(setting = %self.lease.key.id, serial = device.serial, "{}",
                device.result.about_release());
        }
        Ok(())
    }
}

/// What Apple's refusal of the call itself says of each of its devices; none where it is about something else.
fn said_of_each(error: &AppleError) -> Option<AssignmentResult> {
    if error.endpoint != Endpoint::DisownDevices || error.clock_skew.is_some() {
        return None;
    }
    match error.kind {
        Kind::AccessDenied | Kind::Forbidden | Kind::OrgNotSupported => Some(AssignmentResult::Denied),
        Kind::Unauthorized
        | Kind::NotFound
        | Kind::MalformedRequest
        | Kind::DeviceIdRequired
        | Kind::Refused => Some(AssignmentResult::Failed),
        _ => None,
    }
}
