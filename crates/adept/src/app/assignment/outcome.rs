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
    app::{audit::event, failpoint, profiles},
    domain::{AssignmentResult, Change, Profile, serial_key},
    storage::{Assigned, DeviceResult, InFlightCall, WorkDevice},
};

/// What is assigned.
#[derive(Clone)]
pub(super) struct Assignment {
    pub(super) profile: Profile,
    /// Why: for the history.
    pub(super) reason: &'static str,
    pub(super) apple_uuid: String,
}

impl Assignment {
    /// The call that gives it to devices.
    pub(super) fn call(&self, id: Uuid, devices: &[WorkDevice]) -> InFlightCall {
        InFlightCall {
            id,
            assigns: Some((self.profile.id, self.profile.revision, self.apple_uuid.clone())),
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

impl Run<'_> {
    /// Stores what Apple answered.
    pub(super) async fn settle(&self, to: &Assignment, asked: AnsweredCall) -> Result<(), Stop> {
        let AnsweredCall { call, desired_generation, devices, answer } = asked;
        let statuses = match answer {
            Ok(statuses) => statuses,
            Err(error) if may_be_done(&error) => return Err(Stop::Apple(error)),
            Err(error) if error.kind == Kind::NotFound && error.endpoint == Endpoint::AssignProfile => {
                tracing::warn!(setting = %self.lease.key.id, profile = %to.profile.id, to.apple_uuid,
                    "Apple does not know this profile any more; it is defined again");
                let now = self.now();
                self.assignments.forget_apple_profile(&self.lease, &to.apple_uuid, now).await?;
                return Err(Stop::StalePlan);
            }
            Err(error) if error.kind == Kind::AccessDenied && error.endpoint == Endpoint::AssignProfile => {
                all(&devices, SerialStatus::Other(AssignmentResult::Denied.as_str().to_owned()))
            }
            Err(error) => {
                self.assignments.take_back_call(&self.lease, call).await?;
                return Err(Stop::Apple(error));
            }
        };
        let said = said(&statuses);
        let results: Vec<DeviceResult> = devices
            .iter()
            .map(|device| DeviceResult {
                serial: device.serial.clone(),
                result: said(&device.serial),
                attempts: device.attempts,
            })
            .collect();
        let retry_after = statuses.retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
        self.store_assignment(to, Some(call), Some(desired_generation), &results, retry_after).await?;
        failpoint::at("assign-stored");
        Ok(())
    }

    /// Stores what is known of an assignment: of a `call`, unless it was refused as a whole and taken back, that began under
    /// a desired state, unless that is not known any more, and the wait that Apple asked for.
    pub(super) async fn store_assignment(
        &self,
        to: &Assignment,
        call: Option<Uuid>,
        seen_desired_generation: Option<i64>,
        devices: &[DeviceResult],
        retry_after: Option<SignedDuration>,
    ) -> Result<(), Stop> {
        let profile = &to.profile;
        let clock = &self.runner.clock;
        let event = event(clock, None, "assignProfileAtApple", profile, outcome(devices));
        let assigned = Assigned {
            call,
            profile: profile.id,
            apple_uuid: &to.apple_uuid,
            reason: to.reason,
            devices,
            retry_after,
            seen_desired_generation,
            between_fetches: self.runner.lengths.sync_interval.unsigned_abs(),
            now: clock.now(),
        };
        if !self.assignments.end_assignment(&self.lease, &assigned, &event).await? {
            return Err(Stop::Superseded);
        }
        self.runner.count_results("assign", devices);
        let counted = counted(devices);
        tracing::info!(setting = %self.lease.key.id, profile = %profile.id, revision = profile.revision, counted,
            "a profile was assigned at Apple");
        Ok(())
    }
}

/// The audit's words for a call about devices.
pub(super) fn outcome(devices: &[DeviceResult]) -> Vec<Change> {
    let serials: Vec<String> = devices.iter().map(|device| device.serial.clone()).collect();
    Change::among([
        ("deviceIds", None, Some(&profiles::named(&serials))),
        ("outcome", None, Some(&counted(devices))),
    ])
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

/// Apple's word about a device in ours, however Apple spells its serial number. What is left out has failed.
pub(super) fn said(statuses: &SerialStatuses) -> impl Fn(&str) -> AssignmentResult + use<> {
    let word = |status: &SerialStatus| AssignmentResult::of_apple(status.as_str());
    let words = statuses.of.iter().map(|(serial, status)| (serial_key(serial), word(status)));
    let words: HashMap<String, AssignmentResult> = words.collect();
    move |serial| words.get(&serial_key(serial)).copied().unwrap_or(AssignmentResult::Failed)
}
