//! What came of an assignment call: Apple's result for each device, and what is stored and told of it.

use std::collections::HashMap;

use adept_apple::{
    error::{AppleError, AppleErrorKind as Kind, Endpoint},
    serial_status::{SerialStatus, SerialStatuses},
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{Run, Stop, may_be_done};
use crate::{
    app::{audit::event_about, failpoint, profiles},
    domain::{AssignmentResult, AuditEvent, Change, Profile, Target, serial_key},
    storage::{Assigned, DeviceResult, InFlightCall, WorkDevice},
};

/// What is assigned.
pub(super) struct Assignment<'a> {
    pub(super) target: &'a Target,
    pub(super) profile: &'a Profile,
    pub(super) apple_uuid: &'a str,
}

impl Assignment<'_> {
    /// The call that gives it to devices.
    pub(super) fn call(&self, id: Uuid, devices: &[WorkDevice]) -> InFlightCall {
        InFlightCall {
            id,
            assigns: Some((self.target.profile, self.target.revision, self.apple_uuid.to_owned())),
            serials: devices.iter().map(|device| device.serial.clone()).collect(),
        }
    }
}

/// A call that Apple answered, or not.
pub(super) struct AnsweredCall {
    pub(super) call: Uuid,
    /// The desired state under which it began.
    pub(super) desired_generation: i64,
    pub(super) devices: Vec<WorkDevice>,
    pub(super) answer: Result<SerialStatuses, AppleError>,
}

/// What is known of a call.
pub(super) struct Settled<'a> {
    /// None when it was refused as a whole and taken back.
    pub(super) call: Option<Uuid>,
    /// The desired state under which it began; of a lost call they are not known any more.
    pub(super) desired_generation: Option<i64>,
    pub(super) devices: &'a [DeviceResult],
    /// The wait that Apple asked for.
    pub(super) retry_after: Option<SignedDuration>,
}

impl Run<'_> {
    /// Stores what Apple answered; false when it does not know the profile any more.
    pub(super) async fn settle(&self, to: &Assignment<'_>, asked: AnsweredCall) -> Result<bool, Stop> {
        let AnsweredCall { call, desired_generation, devices, answer } = asked;
        let statuses = match answer {
            Ok(statuses) => statuses,
            Err(error) if may_be_done(&error) => return Err(Stop::Apple(error)),
            Err(error) if error.kind == Kind::NotFound && error.endpoint == Endpoint::AssignProfile => {
                tracing::warn!(setting = %self.lease.key.id, profile = %to.profile.id, to.apple_uuid,
                    "Apple does not know this profile any more; it is defined again");
                let now = self.runner.clock.now();
                self.runner.assignments.forget_apple_profile(&self.lease, to.apple_uuid, now).await?;
                return Ok(false);
            }
            Err(error) if error.kind == Kind::AccessDenied && error.endpoint == Endpoint::AssignProfile => {
                all(&devices, SerialStatus::Other(AssignmentResult::Denied.as_str().to_owned()))
            }
            Err(error) => {
                self.runner.assignments.take_back_call(&self.lease, call).await?;
                return Err(Stop::Apple(error));
            }
        };
        let said = Said::of(&statuses);
        let results: Vec<DeviceResult> = devices
            .iter()
            .map(|device| DeviceResult {
                serial: device.serial.clone(),
                result: said.of_device(&device.serial),
                attempts: device.attempts,
            })
            .collect();
        let retry_after = statuses.retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
        let settled = Settled {
            call: Some(call),
            desired_generation: Some(desired_generation),
            devices: &results,
            retry_after,
        };
        self.store_assignment(to.profile, to.target.reason.as_str(), to.apple_uuid, &settled).await?;
        failpoint::at("assign-stored");
        Ok(true)
    }

    /// Stores what is known of an assignment.
    pub(super) async fn store_assignment(
        &self,
        profile: &Profile,
        reason: &str,
        apple_uuid: &str,
        settled: &Settled<'_>,
    ) -> Result<(), Stop> {
        let devices = settled.devices;
        let event = self.told_event(profile, "assignProfileAtApple", devices);
        let assigned = Assigned {
            call: settled.call,
            profile: profile.id,
            apple_uuid,
            reason,
            devices,
            retry_after: settled.retry_after,
            seen_desired_generation: settled.desired_generation,
            between_fetches: self.runner.sync_interval,
            now: self.runner.clock.now(),
        };
        if !self.runner.assignments.end_assignment(&self.lease, &assigned, &event).await? {
            return Err(Stop::Superseded);
        }
        self.runner.count_results("assign", devices);
        let counted = counted(devices);
        tracing::info!(setting = %self.lease.key.id, profile = %profile.id, revision = profile.revision, counted,
            "a profile was assigned at Apple");
        Ok(())
    }

    fn told_event(&self, profile: &Profile, activity: &'static str, devices: &[DeviceResult]) -> AuditEvent {
        event_about(
            &self.runner.clock,
            profiles::resource(profile),
            None,
            activity,
            "Action",
            outcome(devices),
        )
    }
}

/// The audit's words for a call about devices.
pub(super) fn outcome(devices: &[DeviceResult]) -> Vec<Change> {
    let serials: Vec<String> = devices.iter().map(|device| device.serial.clone()).collect();
    vec![
        Change { property: "deviceIds", old: None, new: Some(profiles::named(&serials)) },
        Change { property: "outcome", old: None, new: Some(counted(devices)) },
    ]
}

/// Such as `998 SUCCESS, 2 FAILED`.
fn counted(devices: &[DeviceResult]) -> String {
    let of = |result| devices.iter().filter(|device| device.result == result).count();
    let counts =
        AssignmentResult::ALL.into_iter().map(|result| (of(result), result)).filter(|(count, _)| *count > 0);
    counts.map(|(count, result)| format!("{count} {}", result.as_str())).collect::<Vec<_>>().join(", ")
}

/// The same of every device.
fn all(devices: &[WorkDevice], status: SerialStatus) -> SerialStatuses {
    let of = devices.iter().map(|device| (device.serial.clone(), status.clone()));
    SerialStatuses { of: of.collect(), retry_after: None }
}

/// Apple's words in ours, however Apple spells the serial numbers.
pub(super) struct Said(HashMap<String, AssignmentResult>);

impl Said {
    pub(super) fn of(statuses: &SerialStatuses) -> Self {
        let word = |status: &SerialStatus| AssignmentResult::of_apple(status.as_str());
        Self(statuses.of.iter().map(|(serial, status)| (serial_key(serial), word(status))).collect())
    }

    /// What is left out has failed.
    pub(super) fn of_device(&self, serial: &str) -> AssignmentResult {
        self.0.get(&serial_key(serial)).copied().unwrap_or(AssignmentResult::Failed)
    }
}
