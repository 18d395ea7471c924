//! When Apple is asked to release a device: after somebody requested it, after Apple's result. Pure; storage loads these
//! four columns and saves what a transition made of them.

use jiff::{SignedDuration, Timestamp};

use super::{AssignmentResult, deadline::later};

/// After the first try that says nothing of the device, and after those that follow.
const PUT_OFF: [SignedDuration; 2] = [SignedDuration::from_hours(1), SignedDuration::from_hours(24)];

/// What decides when Apple is asked to release a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeviceRelease {
    /// When somebody requested it; none while nobody does.
    pub requested_at: Option<Timestamp>,
    /// When Apple is asked.
    pub due_at: Option<Timestamp>,
    /// Tries that failed since it was requested.
    pub attempts: i64,
    /// Apple's result, when it failed.
    pub failure: Option<AssignmentResult>,
}

impl DeviceRelease {
    /// Somebody requests it. One that is requested already stays as it is.
    pub fn on_requested(self, now: Timestamp) -> Self {
        match self.requested_at {
            Some(_) => self,
            None => Self { requested_at: Some(now), due_at: Some(now), attempts: 0, failure: None },
        }
    }

    /// Apple's answer says nothing of the device: others have their turn.
    pub fn on_put_off(self, now: Timestamp) -> Self {
        if self.requested_at.is_none() {
            return self;
        }
        let wait = PUT_OFF[usize::from(self.attempts > 0)];
        Self { due_at: Some(later(now, wait)), attempts: self.attempts + 1, ..self }
    }

    /// Apple answered. After a success nothing is left of it; a failure that is not tried again ends the request.
    pub fn on_result(self, result: AssignmentResult, now: Timestamp) -> Self {
        match (result, result.released_again_after(self.attempts)) {
            (AssignmentResult::Success, _) => Self::default(),
            (failed, Some(wait)) => Self {
                due_at: Some(later(now, wait)),
                attempts: self.attempts + 1,
                failure: Some(failed),
                ..self
            },
            (failed, None) => Self { failure: Some(failed), ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AssignmentResult::{CallRefused, Denied, Failed, NotAccessible, Success, Throttled};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn requested(attempts: i64) -> DeviceRelease {
        DeviceRelease { requested_at: Some(at(0)), due_at: Some(at(0)), attempts, failure: None }
    }

    #[test]
    fn each_result_leads_to_another_try_or_ends_the_request() {
        let ended = |failure| DeviceRelease { failure: Some(failure), ..DeviceRelease::default() };
        let again = |seconds, attempts, failure| DeviceRelease {
            due_at: Some(at(seconds)),
            failure: Some(failure),
            ..requested(attempts)
        };
        for (attempts, result, expected) in [
            (0, Success, DeviceRelease::default()),
            (1, Success, DeviceRelease::default()),
            (0, Failed, again(3600, 1, Failed)),
            (1, Failed, ended(Failed)),
            (0, Throttled, again(3600, 1, Throttled)),
            (0, CallRefused, again(86_400, 1, CallRefused)),
            (1, CallRefused, ended(CallRefused)),
            (0, NotAccessible, ended(NotAccessible)),
            (0, Denied, ended(Denied)),
        ] {
            assert_eq!(requested(attempts).on_result(result, at(0)), expected, "{attempts} {result:?}");
        }
    }

    #[test]
    fn an_answer_that_says_nothing_puts_a_release_off_for_an_hour_and_then_for_days() {
        let once = requested(0).on_put_off(at(0));
        assert_eq!((once.due_at, once.attempts), (Some(at(3600)), 1));
        let twice = once.on_put_off(at(3600));
        assert_eq!((twice.due_at, twice.attempts), (Some(at(3600 + 86_400)), 2));
        assert_eq!(
            DeviceRelease::default().on_put_off(at(0)),
            DeviceRelease::default(),
            "nobody requests it"
        );
    }

    #[test]
    fn a_request_starts_afresh_and_one_that_waits_stays_as_it_is() {
        let failed = DeviceRelease { failure: Some(Denied), ..DeviceRelease::default() };
        assert_eq!(failed.on_requested(at(0)), requested(0));
        let waits = requested(0).on_put_off(at(0));
        assert_eq!(waits.on_requested(at(5)), waits);
    }
}
