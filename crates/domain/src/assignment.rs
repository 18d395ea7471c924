//! Assignment: what Apple's word about a device leads to, when a profile is sent to Apple to be defined, and how both
//! are told to people. Pure; `app/assignment` acts on it.

use jiff::{SignedDuration, Timestamp};

use super::{
    DevicePlatform, ProfileId,
    deadline::{LONGEST_REST, is_over, later},
};

/// Devices that one call to Apple names at most. Source: Apple, "Assign a Profile".
pub const MOST_DEVICES: usize = 1000;

/// So many assignments of one device, each within 24 hours of the one before, are followed by a rest of as long, anyone who
/// undoes them meanwhile: Apple stops at some number of its own, and then for a day.
pub const ASSIGNMENTS_A_DAY: i64 = 5;

/// After a failure, once.
const SOON: SignedDuration = SignedDuration::from_hours(1);
/// After further failures, and where Apple throttles without a number.
const TOMORROW: SignedDuration = SignedDuration::from_hours(24);
/// The shortest wait that Apple may ask for.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// A profile may have been defined although the answer was lost; it is sent again after this time,
const AFTER_LOST_ANSWER: SignedDuration = SignedDuration::from_mins(5);
/// and so often in all.
const MOST_DEFINITIONS: i64 = 3;
/// After Apple refused a definition for a reason that is not the profile's.
pub const AFTER_REFUSED_DEFINITION: SignedDuration = TOMORROW;

words! {
    /// Apple's word about one device of a call.
    #[derive(PartialOrd, Ord)]
    pub enum AssignmentResult: eq {
        /// Done.
        Success = "SUCCESS",
        /// Not, and Apple does not say why; also where the answer leaves the device out.
        Failed = "FAILED",
        /// The device was assigned too often.
        Throttled = "THROTTLED",
        /// Not a device of this server.
        NotAccessible = "NOT_ACCESSIBLE",
        /// The server may not do this.
        Denied = "ACCESS_DENIED",
        /// Apple refuses every call that names the device, and without it the same call is accepted.
        CallRefused = "CALL_REFUSED",
    }
}

impl AssignmentResult {
    /// The result of Apple's word; one that is not known is a failure.
    pub fn of_apple(word: &str) -> Self {
        Self::from_word(word).unwrap_or(Self::Failed)
    }

    /// How long an assignment waits after it, `attempts` having failed before in a row; none after a success.
    pub fn assigned_again_after(
        self,
        attempts: i64,
        retry_after: Option<SignedDuration>,
    ) -> Option<SignedDuration> {
        match self {
            Self::Success => None,
            Self::Failed if attempts == 0 => Some(SOON),
            Self::Throttled => Some(retry_after.map_or(TOMORROW, |wait| wait.max(SHORTEST))),
            Self::Failed | Self::NotAccessible | Self::Denied | Self::CallRefused => Some(TOMORROW),
        }
    }

    /// How long a release waits after it; none when it is not tried again.
    pub fn released_again_after(self, attempts: i64) -> Option<SignedDuration> {
        let wait = match self {
            Self::Failed | Self::Throttled => SOON,
            Self::CallRefused => TOMORROW,
            Self::Success | Self::NotAccessible | Self::Denied => return None,
        };
        (attempts == 0).then_some(wait)
    }

    /// What people are told of a device that is not assigned because of it.
    pub const fn about_assignment(self) -> &'static str {
        match self {
            Self::Success => "Apple took the assignment.",
            Self::Failed => {
                "Apple could not assign the profile and does not say why; it is tried again after an hour, then daily. If \
                 that goes on, ask Apple's support."
            }
            Self::Throttled => {
                "Apple lets this device be assigned no more for now, because it was assigned too often; it is tried again \
                 when Apple's wait is over."
            }
            Self::NotAccessible => {
                "Apple says that the device is not assigned to this server; look for it in Apple Business or School \
                 Manager. It is tried again after a day, or when Apple lists it again."
            }
            Self::Denied => "Apple does not let this server assign profiles; it is tried again after a day.",
            Self::CallRefused => {
                "Apple refuses every call that names this device and does not say why; it is tried again after a day, and \
                 other devices are assigned without it. Compare its serial number with Apple Business or School Manager, or \
                 ask Apple's support."
            }
        }
    }

    /// What people are told of a device that is not released because of it.
    pub const fn about_release(self) -> &'static str {
        match self {
            Self::Success => "Apple released the device from the organization.",
            Self::Failed | Self::Throttled => {
                "Apple could not release the device and does not say why. The device stays; ask for its release again, or \
                 release it in Apple Business or School Manager."
            }
            Self::NotAccessible => {
                "Apple says that the device is not assigned to this server, so it cannot release it. The device stays as \
                 Apple lists it."
            }
            Self::Denied => {
                "Apple does not let this server release devices. The device stays. An administrator has to allow the \
                 server to release devices in Apple Business or School Manager; then ask for its release again."
            }
            Self::CallRefused => {
                "Apple refuses every call that names this device and does not say why. The device stays; compare its serial \
                 number with Apple Business or School Manager, or release it there."
            }
        }
    }
}

/// Why a device is to have a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Someone wants it for this device.
    Wanted,
    /// It is the default of the device's platform.
    Default(DevicePlatform),
}

impl Reason {
    /// For the device's history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Default(_) => "default",
        }
    }
}

/// Devices that are to have a profile, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The profile,
    pub profile: ProfileId,
    /// as it is now.
    pub revision: i64,
    /// Why.
    pub reason: Reason,
}

/// How often a revision was sent to Apple, and how that went so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionTries {
    /// How often an answer may have been lost since one came, the last call included.
    pub attempts: i64,
    /// When it was sent last.
    pub attempted_at: Timestamp,
    /// Why it is not sent: Apple's code or one of [`NO_MDM_URL`] and [`ANSWER_LOST`].
    pub failure: Option<String>,
    /// When it is sent again although it failed.
    pub again_at: Option<Timestamp>,
}

/// Nobody has configured where devices enroll.
pub const NO_MDM_URL: &str = "NO_MDM_URL";
/// Apple's answer was lost each time.
pub const ANSWER_LOST: &str = "ANSWER_LOST";

/// What to do about a revision that has no profile at Apple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// Send it.
    Now,
    /// Send it later.
    At(Timestamp),
    /// Not any more.
    Never(String),
}

/// What to do about a revision that has no profile at Apple, `can_define` saying whether it is known where devices
/// enroll.
pub fn definition(tries: Option<&DefinitionTries>, can_define: bool, now: Timestamp) -> Definition {
    if !can_define {
        return Definition::Never(NO_MDM_URL.to_owned());
    }
    let Some(tries) = tries else { return Definition::Now };
    match (tries.failure.as_deref(), tries.again_at) {
        (None | Some(NO_MDM_URL), _) => {}
        (Some(_), Some(again)) if !is_over(again, now, LONGEST_REST) => return Definition::At(again),
        (Some(_), Some(_)) => {}
        (Some(failure), None) => return Definition::Never(failure.to_owned()),
    }
    let again = later(tries.attempted_at, AFTER_LOST_ANSWER);
    match tries.attempts {
        // Also after a success: Apple may forget a profile as often as it defines one.
        _ if !is_over(again, now, AFTER_LOST_ANSWER) => Definition::At(again),
        MOST_DEFINITIONS.. => Definition::Never(ANSWER_LOST.to_owned()),
        _ => Definition::Now,
    }
}

/// What people are told of a profile that is not defined at Apple, or not before `again_at`.
pub fn about_definition(failure: &str, again_at: Option<Timestamp>, now: Timestamp) -> String {
    if let Some(time) = again_at {
        let when = if time > now { format!("at {time:.0}") } else { "at the next run".to_owned() };
        return format!(
            "Apple did not define this profile ({failure}), and does not say that anything is wrong with the profile. It is \
             sent again {when}, or as soon as the profile or the shared profile options change or a server token is uploaded."
        );
    }
    match failure {
        NO_MDM_URL => "Adept does not know where devices enroll, so no profile can be defined at Apple. The operator has to \
                       start `adept serve` with --mdm-url."
            .to_owned(),
        ANSWER_LOST => format!(
            "Apple's answer to defining this profile was lost {MOST_DEFINITIONS} times, so it is not sent again by itself. \
             It is sent again as soon as something changes that Apple is told of it, such as its name, or the operator \
             changes the shared profile options."
        ),
        code => format!(
            "Apple refuses to define this profile ({code}), so it is not sent again by itself. It is sent again as soon as \
             the profile changes, or the operator changes the shared profile options."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_waits_an_hour_once_and_then_a_day() {
        assert_eq!(AssignmentResult::Failed.assigned_again_after(0, None), Some(SOON));
        for attempts in [1, 2, 100] {
            assert_eq!(AssignmentResult::Failed.assigned_again_after(attempts, None), Some(TOMORROW));
        }
        assert_eq!(AssignmentResult::Success.assigned_again_after(3, None), None);
    }

    #[test]
    fn a_throttled_device_waits_as_long_as_apple_says_and_else_a_day() {
        let after = |wait: Option<i64>| {
            AssignmentResult::Throttled.assigned_again_after(0, wait.map(SignedDuration::from_secs))
        };
        assert_eq!(after(None), Some(TOMORROW));
        assert_eq!(after(Some(3)), Some(SHORTEST));
        assert_eq!(after(Some(90_000)), Some(SignedDuration::from_secs(90_000)));
    }

    #[test]
    fn a_release_is_tried_twice_and_never_where_apple_denies_it() {
        assert_eq!(AssignmentResult::Failed.released_again_after(0), Some(SOON));
        assert_eq!(AssignmentResult::Failed.released_again_after(1), None);
        assert_eq!(AssignmentResult::Denied.released_again_after(0), None);
    }

    #[test]
    fn a_lost_answer_is_asked_for_again_after_five_minutes_and_three_times_in_all() {
        let start = Timestamp::UNIX_EPOCH;
        let again = start + AFTER_LOST_ANSWER;
        let tries =
            |attempts| DefinitionTries { attempts, attempted_at: start, failure: None, again_at: None };
        assert_eq!(definition(None, true, start), Definition::Now);
        assert_eq!(definition(Some(&tries(0)), true, start), Definition::At(again), "one that was answered");
        assert_eq!(definition(Some(&tries(0)), true, again), Definition::Now);
        assert_eq!(definition(Some(&tries(1)), true, start), Definition::At(again));
        assert_eq!(definition(Some(&tries(1)), true, again), Definition::Now);
        assert_eq!(definition(Some(&tries(3)), true, start), Definition::At(again));
        assert_eq!(definition(Some(&tries(3)), true, again), Definition::Never(ANSWER_LOST.to_owned()));
    }

    #[test]
    fn a_refused_revision_is_not_sent_again_but_a_missing_address_may_come() {
        let tries = |failure: &str| DefinitionTries {
            attempts: 0,
            attempted_at: Timestamp::UNIX_EPOCH,
            failure: Some(failure.to_owned()),
            again_at: None,
        };
        let now = Timestamp::UNIX_EPOCH + AFTER_LOST_ANSWER;
        let refused = definition(Some(&tries("FLAGS_INVALID")), true, now);
        assert_eq!(refused, Definition::Never("FLAGS_INVALID".to_owned()));
        assert_eq!(definition(Some(&tries(NO_MDM_URL)), true, now), Definition::Now);
        assert_eq!(definition(None, false, now), Definition::Never(NO_MDM_URL.to_owned()));
        let again_at = now + AFTER_REFUSED_DEFINITION;
        let denied = DefinitionTries { again_at: Some(again_at), ..tries("ACCESS_DENIED") };
        assert_eq!(definition(Some(&denied), true, now), Definition::At(again_at));
        assert_eq!(definition(Some(&denied), true, again_at), Definition::Now);
    }

    #[test]
    fn an_attempt_that_a_wrong_clock_dated_ahead_delays_no_definition() {
        let now = Timestamp::UNIX_EPOCH;
        let ahead = later(now, SignedDuration::from_hours(48));
        let tries = DefinitionTries { attempts: 1, attempted_at: ahead, failure: None, again_at: None };
        assert_eq!(definition(Some(&tries), true, now), Definition::Now);
        let refused = DefinitionTries {
            failure: Some("ACCESS_DENIED".to_owned()),
            again_at: Some(ahead),
            ..tries.clone()
        };
        assert_eq!(definition(Some(&refused), true, now), Definition::Now);
        let near = DefinitionTries { attempted_at: later(now, SignedDuration::from_secs(60)), ..tries };
        assert!(matches!(definition(Some(&near), true, now), Definition::At(_)), "clocks may differ");
    }

    #[test]
    fn every_result_is_read_back_from_its_word() {
        for result in AssignmentResult::ALL {
            assert_eq!(AssignmentResult::of_apple(result.as_str()), result);
        }
        assert_eq!(AssignmentResult::of_apple("NEWER_THAN_US"), AssignmentResult::Failed);
    }

    #[test]
    fn people_read_sentences_of_each_result_and_that_an_unreleased_device_stays() {
        let about = AssignmentResult::ALL.map(AssignmentResult::about_assignment);
        for (index, result) in AssignmentResult::ALL.into_iter().enumerate() {
            assert!(!about[..index].contains(&about[index]), "{result:?} has words of its own");
            for sentences in [result.about_assignment(), result.about_release()] {
                assert!(sentences.starts_with("Apple ") && sentences.ends_with('.'), "{sentences}");
            }
            let stays = result.about_release().contains("The device stays");
            assert_eq!(stays, result != AssignmentResult::Success, "{result:?}");
        }
    }

    #[test]
    fn people_read_why_a_profile_is_not_defined_and_when_it_is_sent_again() {
        let now = Timestamp::UNIX_EPOCH;
        let soon = Some(later(now, SignedDuration::from_hours(1)));
        for (failure, again_at, expected) in [
            ("ACCESS_DENIED", soon, "(ACCESS_DENIED)"),
            ("ACCESS_DENIED", soon, "again at 1970-01-01T01:00:00Z"),
            ("ACCESS_DENIED", Some(now), "again at the next run"),
            ("ACCESS_DENIED", Some(later(now, SignedDuration::from_hours(-1))), "again at the next run"),
            ("FLAGS_INVALID", None, "(FLAGS_INVALID), so it is not sent again by itself"),
            (NO_MDM_URL, None, "--mdm-url"),
            (ANSWER_LOST, None, "lost 3 times"),
        ] {
            let sentences = about_definition(failure, again_at, now);
            assert!(
                sentences.contains(expected) && sentences.ends_with('.'),
                "{failure} {again_at:?}: {sentences}"
            );
        }
    }
}
