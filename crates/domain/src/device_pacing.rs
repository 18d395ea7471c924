//! When a device's assignment is looked at again: after Apple's result, after somebody desired something else, after a
//! record of Apple's. Pure; storage loads these five columns and saves what a transition made of them.

use jiff::{SignedDuration, Timestamp};

use super::{
    ASSIGNMENTS_A_DAY, AppleRecord, AssignmentResult, DevicePlatform,
    deadline::{LONGEST_REST, is_over, later, past},
};

/// What decides when a device is looked at again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DevicePacing {
    /// When; none while nothing is to be done.
    pub due_at: Option<Timestamp>,
    /// Apple's result of the last assignment, when that failed.
    pub failure: Option<AssignmentResult>,
    /// Assignments that failed in a row.
    pub attempts: i64,
    /// Assignments, each within a day of the one before.
    pub count: i64,
    /// The last one.
    pub assigned_at: Option<Timestamp>,
}

/// What a record of Apple's says of a device that is listed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordChange {
    /// The profile is the one that Adept assigned last, and neither removed nor empty.
    pub confirms: bool,
    /// The device is of another platform now, so that another default may apply.
    pub moves_platform: bool,
    /// It was absent and is listed again.
    pub returns: bool,
}

impl RecordChange {
    /// What `record` says of a device that is stored with this platform and this profile assigned last, and that is
    /// absent or not.
    pub fn of(
        record: &AppleRecord,
        platform: DevicePlatform,
        assigned_uuid: Option<&str>,
        is_absent: bool,
    ) -> Self {
        let is_carried = !matches!(record.profile_status.as_deref(), Some("empty" | "removed"));
        Self {
            confirms: is_carried
                && assigned_uuid.is_some()
                && record.profile_uuid.as_deref() == assigned_uuid,
            moves_platform: record
                .platform
                .is_some_and(|reported| reported != DevicePlatform::Unknown && reported != platform),
            returns: is_absent,
        }
    }
}

impl DevicePacing {
    /// A device that a record lists for the first time. Those of a fetch are found by looking at all.
    pub fn of_new(record: &AppleRecord, now: Timestamp) -> Self {
        Self { due_at: record.operation.map(|_| now), ..Self::default() }
    }

    /// Apple answered an assignment. `desired_changed`: somebody desires something else since the call began.
    pub fn on_result(
        self,
        result: AssignmentResult,
        retry_after: Option<SignedDuration>,
        desired_changed: bool,
        now: Timestamp,
    ) -> Self {
        let wait = result.assigned_again_after(self.attempts, retry_after).map(|wait| wait.min(LONGEST_REST));
        if result != AssignmentResult::Success {
            return Self {
                due_at: wait.map(|wait| later(now, wait)),
                failure: Some(result),
                attempts: self.attempts + i64::from(result == AssignmentResult::Failed),
                ..self
            };
        }
        let day_ago = later(now, -LONGEST_REST);
        let is_soon = self.assigned_at.is_some_and(|last| past(last, now) > day_ago);
        let count = if is_soon { self.count + 1 } else { 1 };
        let due_at = match count {
            // Apple stops a device that is assigned too often for a day; ours rests before that.
            ASSIGNMENTS_A_DAY.. => Some(later(now, LONGEST_REST)),
            _ => desired_changed.then_some(now),
        };
        Self { due_at, failure: None, attempts: 0, count, assigned_at: Some(now) }
    }

    /// Apple throttles the device, whatever became of the run that learned it.
    pub fn on_throttled(self, retry_after: Option<SignedDuration>, now: Timestamp) -> Self {
        let throttled = self.on_result(AssignmentResult::Throttled, retry_after, false, now);
        let rests = self.due_at.filter(|due| !is_over(*due, now, LONGEST_REST));
        Self { due_at: throttled.due_at.max(rests), ..throttled }
    }

    /// Somebody desires something else: a wait is over, unless Apple throttles the device or it was assigned too often.
    pub fn on_desired(self, now: Timestamp) -> Self {
        let is_throttled = self.failure == Some(AssignmentResult::Throttled);
        let keeps = self.failure.is_none() || is_throttled;
        let rest = self.due_at.filter(|due| keeps && !is_over(*due, now, LONGEST_REST));
        Self {
            due_at: Some(rest.unwrap_or(now)),
            failure: self.failure.filter(|_| is_throttled),
            attempts: 0,
            ..self
        }
    }

    /// Apple's record of the device differs from the stored one.
    pub fn on_record(self, change: RecordChange, now: Timestamp) -> Self {
        if change.moves_platform {
            // Another default may apply, as if somebody desired something else.
            return self.on_desired(now);
        }
        let is_confirmed = change.confirms && !change.returns;
        let rests = self.due_at.is_some_and(|due| !is_over(due, now, LONGEST_REST))
            && self.failure != Some(AssignmentResult::NotAccessible);
        if is_confirmed || rests { self } else { Self { due_at: Some(now), ..self } }
    }

    /// Apple released the device.
    pub fn on_released(self) -> Self {
        Self { due_at: None, ..self }
    }

    /// The device is not to be released any more: what was desired of it is looked at.
    pub fn on_release_ended(self, now: Timestamp) -> Self {
        Self { due_at: self.due_at.or(Some(now)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AssignmentResult::{CallRefused, Denied, Failed, NotAccessible, Success, Throttled};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn due(seconds: i64, failure: Option<AssignmentResult>) -> DevicePacing {
        DevicePacing { due_at: Some(at(seconds)), failure, ..DevicePacing::default() }
    }

    #[test]
    fn a_device_rests_after_the_fifth_assignment_each_within_a_day_of_the_one_before() {
        let mut pacing = DevicePacing::default();
        for (number, seconds) in [(1, 0), (2, 3600), (3, 7200), (4, 93_000), (5, 93_001)] {
            pacing = pacing.on_result(Success, None, false, at(seconds));
            let rests = (number == 5).then(|| at(93_001 + 86_400));
            assert_eq!((pacing.count, pacing.due_at), (number, rests), "assignment {number}");
        }
        let next_day = pacing.on_result(Success, None, false, at(93_001 + 86_400));
        assert_eq!((next_day.count, next_day.due_at), (1, None));
        let dated_ahead = DevicePacing { assigned_at: Some(at(9_000_000)), count: 4, ..pacing };
        assert_eq!(
            dated_ahead.on_result(Success, None, false, at(0)).count,
            5,
            "what lies ahead counts as now"
        );
    }

    #[test]
    fn each_result_has_its_rest() {
        let minutes = SignedDuration::from_mins;
        for (result, attempts, asked, expected) in [
            (Failed, 0, None, 3600),
            (Failed, 1, None, 86_400),
            (Failed, 2, None, 86_400),
            (Throttled, 0, None, 86_400),
            (Throttled, 0, Some(minutes(90)), 5400),
            (Throttled, 0, Some(minutes(60 * 24 * 400)), 86_400),
            (NotAccessible, 0, None, 86_400),
            (Denied, 0, Some(minutes(1)), 86_400),
            (CallRefused, 0, Some(minutes(1)), 86_400),
        ] {
            let pacing = DevicePacing { attempts, ..DevicePacing::default() };
            let after = pacing.on_result(result, asked, true, at(0));
            assert_eq!(
                (after.due_at, after.failure),
                (Some(at(expected)), Some(result)),
                "{result:?} {asked:?}"
            );
            let failed = attempts + i64::from(result == Failed);
            assert_eq!(after.attempts, failed, "only failures are counted: {result:?} after {attempts}");
        }
        let changed = DevicePacing::default().on_result(Success, None, true, at(0));
        assert_eq!(changed.due_at, Some(at(0)), "somebody desires something else by now");
    }

    #[test]
    fn another_desired_profile_ends_every_wait_but_apples_throttle_and_the_rest_of_a_day() {
        for (before, expected) in [
            (DevicePacing::default(), due(0, None)),
            (due(500, Some(Failed)), due(0, None)),
            (due(500, Some(NotAccessible)), due(0, None)),
            (due(500, Some(Throttled)), due(500, Some(Throttled))),
            (due(500, None), due(500, None)),
            (due(-5, Some(Throttled)), due(0, Some(Throttled))),
            (due(400 * 86_400, Some(Throttled)), due(0, Some(Throttled))),
            (DevicePacing { attempts: 3, ..due(500, Some(Failed)) }, due(0, None)),
        ] {
            assert_eq!(before.on_desired(at(0)), expected, "{before:?}");
        }
    }

    #[test]
    fn a_record_makes_a_device_due_unless_it_confirms_what_was_assigned_or_the_device_waits() {
        let nothing = RecordChange { confirms: false, moves_platform: false, returns: false };
        let confirms = RecordChange { confirms: true, ..nothing };
        let moves = RecordChange { moves_platform: true, ..confirms };
        let returns = RecordChange { returns: true, ..confirms };
        let idle = DevicePacing::default();
        for (before, change, expected) in [
            (idle, nothing, due(0, None)),
            (idle, confirms, idle),
            (idle, moves, due(0, None)),
            (idle, returns, due(0, None)),
            (due(500, Some(Throttled)), moves, due(500, Some(Throttled))),
            (due(500, Some(Failed)), moves, due(0, None)),
            (due(500, Some(CallRefused)), moves, due(0, None)),
            (due(500, Some(CallRefused)), nothing, due(500, Some(CallRefused))),
            (due(500, None), moves, due(500, None)),
            (due(500, Some(NotAccessible)), nothing, due(0, Some(NotAccessible))),
            (due(400 * 86_400, None), nothing, due(0, None)),
        ] {
            assert_eq!(before.on_record(change, at(0)), expected, "{before:?} {change:?}");
        }
    }

    #[test]
    fn a_throttle_never_shortens_a_rest() {
        let minute = Some(SignedDuration::from_mins(1));
        assert_eq!(due(500, None).on_throttled(minute, at(0)).due_at, Some(at(500)));
        assert_eq!(due(5, None).on_throttled(minute, at(0)).due_at, Some(at(60)));
        assert_eq!(due(400 * 86_400, None).on_throttled(minute, at(0)).due_at, Some(at(60)));
    }

    #[test]
    fn what_a_record_says_is_compared_with_what_is_stored() {
        use DevicePlatform::{Ios, MacOs, Unknown};
        let said = |uuid: Option<&str>, status: Option<&str>, platform| AppleRecord {
            serial: "C1".to_owned(),
            operation: None,
            operation_at: None,
            platform,
            description: None,
            profile_uuid: uuid.map(str::to_owned),
            profile_status: status.map(str::to_owned),
            record: String::new(),
            digest: 0,
        };
        for (uuid, status, platform, assigned, confirms, moves_platform) in [
            (Some("A"), Some("assigned"), Some(Ios), Some("A"), true, false),
            (Some("A"), None, Some(Ios), Some("A"), true, false),
            (Some("A"), Some("removed"), Some(Ios), Some("A"), false, false),
            (Some("B"), Some("assigned"), Some(Ios), Some("A"), false, false),
            (None, Some("empty"), Some(Ios), None, false, false),
            (None, None, Some(Ios), None, false, false),
            (Some("A"), Some("pushed"), Some(MacOs), Some("A"), true, true),
            (Some("A"), Some("pushed"), Some(Unknown), Some("A"), true, false),
            (Some("A"), Some("pushed"), None, Some("A"), true, false),
        ] {
            for returns in [false, true] {
                let change = RecordChange::of(&said(uuid, status, platform), Ios, assigned, returns);
                let expected = RecordChange { confirms, moves_platform, returns };
                assert_eq!(change, expected, "{uuid:?} {status:?} {platform:?} {assigned:?}");
            }
        }
    }

    #[test]
    fn a_new_device_is_due_when_a_delta_reports_it_and_else_found_by_the_look_at_all() {
        let reported = |operation| AppleRecord {
            serial: "C1".to_owned(),
            operation,
            operation_at: None,
            platform: None,
            description: None,
            profile_uuid: None,
            profile_status: None,
            record: String::new(),
            digest: 0,
        };
        let added = Some(crate::OperationType::Added);
        assert_eq!(DevicePacing::of_new(&reported(added), at(0)), due(0, None));
        assert_eq!(DevicePacing::of_new(&reported(None), at(0)), DevicePacing::default());
    }

    #[test]
    fn a_released_device_is_due_no_more_and_one_that_stays_after_all_is_due() {
        let failed = DevicePacing { attempts: 2, count: 3, ..due(500, Some(Failed)) };
        assert_eq!(failed.on_released(), DevicePacing { due_at: None, ..failed });
        assert_eq!(failed.on_release_ended(at(0)), failed, "a rest stays");
        let idle = failed.on_released();
        assert_eq!(idle.on_release_ended(at(7)), DevicePacing { due_at: Some(at(7)), ..failed });
    }
}
