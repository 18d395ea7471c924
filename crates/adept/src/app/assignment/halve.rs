//! Calls about many devices that Apple refuses as a whole without saying why: halved until the devices that cause it
//! stand alone. What follows from each refusal is decided by `domain`; here the calls are made.

use adept_apple::error::AppleError;

use super::{
    Run, Stop,
    assign::Walked,
    is_refused_as_a_whole,
    outcome::{AnsweredCall, Assignment, Said, Settled},
};
use crate::{
    app::failpoint,
    domain::{
        AFTER_HALVING, AssignmentResult, Profile, RefusedCall, Target, deadline::later, is_same_serial,
    },
    storage::{DeviceResult, InFlightCall, WorkDevice},
};

/// A device that a call was refused for, before it is known whether the refusal is about devices at all.
pub(super) struct LoneDevice {
    device: DeviceResult,
    /// What it was to be given: the profile, why, and Apple's id of it; none for a release.
    assigns: Option<(Profile, &'static str, String)>,
}

impl Run<'_> {
    /// Whether the device is one that this run makes no call about any more.
    pub(super) fn stands_alone(&self, serial: &str) -> bool {
        self.alone.iter().any(|lone| is_same_serial(&lone.device.serial, serial))
    }

    /// Gives devices a profile after Apple refused a call about all of them.
    pub(super) async fn halve_assignment(
        &mut self,
        targets: &[Target],
        to: &Assignment<'_>,
        devices: Vec<WorkDevice>,
        error: AppleError,
    ) -> Result<Walked, Stop> {
        let mut waiting = Vec::new();
        self.split_assignment(to, devices, error, &mut waiting).await?;
        while let Some(mut devices) = waiting.pop() {
            if !self.halving.may_call() {
                self.leave_the_rest();
                return Ok(Walked::Through);
            }
            let call = loop {
                if devices.is_empty() {
                    break None;
                }
                let call = to.call(self.runner.clock.new_id(), &devices);
                if self.begin(&call).await? {
                    break Some(call);
                }
                if !self.same_plan(targets).await? {
                    return Ok(Walked::PlanChanged);
                }
                let (assignments, now) = (&self.runner.assignments, self.runner.clock.now());
                devices = assignments
                    .still_to_assign(self.lease.key, to.target, to.apple_uuid, &devices, now)
                    .await?;
            };
            let Some(call) = call else { continue };
            failpoint::at("assign-begun");
            let answer = self.bounded_session().assign_profile(to.apple_uuid, &call.serials).await;
            failpoint::at("assign-answered");
            match answer {
                Err(error) if is_refused_as_a_whole(&error) => {
                    self.runner.assignments.take_back_call(&self.lease, call.id).await?;
                    self.split_assignment(to, devices, error, &mut waiting).await?;
                }
                answer => {
                    if answer.is_ok() {
                        self.halving.on_accepted();
                    }
                    let desired_generation = self.desired_generation;
                    let asked = AnsweredCall { call: call.id, desired_generation, devices, answer };
                    if !self.settle(to, asked).await? {
                        return Ok(Walked::Unknown);
                    }
                    self.mark_alone().await?;
                }
            }
        }
        Ok(Walked::Through)
    }

    async fn split_assignment(
        &mut self,
        to: &Assignment<'_>,
        devices: Vec<WorkDevice>,
        error: AppleError,
        waiting: &mut Vec<Vec<WorkDevice>>,
    ) -> Result<(), Stop> {
        let device = |device: WorkDevice| refused(device.serial, device.attempts);
        match self.halving.on_refused(devices) {
            RefusedCall::Halves(first, second) => waiting.extend([second, first]),
            RefusedCall::Alone(alone) => {
                let assigns = (to.profile.clone(), to.target.reason.as_str(), to.apple_uuid.to_owned());
                self.alone.push(LoneDevice { device: device(alone), assigns: Some(assigns) });
                self.mark_if_accepted().await?;
            }
            RefusedCall::NotAboutDevices => return Err(Stop::NotAboutDevices(error)),
        }
        Ok(())
    }

    /// Has Apple release devices after it refused a call about all of them; false when the rest is left for later.
    pub(super) async fn halve_release(
        &mut self,
        devices: Vec<DeviceResult>,
        error: AppleError,
    ) -> Result<bool, Stop> {
        let mut waiting = Vec::new();
        self.split_release(devices, error, &mut waiting).await?;
        while let Some(mut devices) = waiting.pop() {
            if !self.halving.may_call() {
                self.leave_the_rest();
                return Ok(false);
            }
            let serials: Vec<String> = devices.iter().map(|device| device.serial.clone()).collect();
            let call = InFlightCall { id: self.runner.clock.new_id(), assigns: None, serials };
            if !self.begin(&call).await? {
                // What is due by now is looked for again.
                return Ok(true);
            }
            failpoint::at("release-begun");
            let answer = self.bounded_session().disown_devices(&call.serials).await;
            failpoint::at("release-answered");
            match answer {
                Err(error) if is_refused_as_a_whole(&error) => {
                    self.runner.assignments.take_back_call(&self.lease, call.id).await?;
                    self.split_release(devices, error, &mut waiting).await?;
                }
                Ok(statuses) => {
                    self.halving.on_accepted();
                    let said = Said::of(&statuses);
                    devices.iter_mut().for_each(|device| device.result = said.of_device(&device.serial));
                    self.store_release(Some(call.id), &devices).await?;
                    self.mark_alone().await?;
                }
                Err(error) => {
                    self.put_off(call.id, &devices, error).await?;
                    return Ok(true);
                }
            }
        }
        Ok(true)
    }

    async fn split_release(
        &mut self,
        devices: Vec<DeviceResult>,
        error: AppleError,
        waiting: &mut Vec<Vec<DeviceResult>>,
    ) -> Result<(), Stop> {
        match self.halving.on_refused(devices) {
            RefusedCall::Halves(first, second) => waiting.extend([second, first]),
            RefusedCall::Alone(alone) => {
                let device = refused(alone.serial, alone.attempts);
                self.alone.push(LoneDevice { device, assigns: None });
                self.mark_if_accepted().await?;
            }
            RefusedCall::NotAboutDevices => return Err(Stop::NotAboutDevices(error)),
        }
        Ok(())
    }

    /// What was not asked for is left to a run of its own.
    fn leave_the_rest(&mut self) {
        let until = later(self.runner.clock.now(), AFTER_HALVING);
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
                Some((profile, reason, apple_uuid)) => {
                    let desired_generation = Some(self.desired_generation);
                    let settled =
                        Settled { call: None, desired_generation, devices: &devices, retry_after: None };
                    self.store_assignment(profile, reason, apple_uuid, &settled).await?;
                    tracing::warn!(setting = %self.lease.key.id, serial = devices[0].serial, "{}",
                        AssignmentResult::CallRefused.about_assignment());
                }
            }
        }
        Ok(())
    }
}

fn refused(serial: String, attempts: i64) -> DeviceResult {
    DeviceResult { serial, result: AssignmentResult::CallRefused, attempts }
}
