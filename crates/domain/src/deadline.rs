//! Deadlines and the clock's reach: no stored time is believed beyond the longest that it may lie ahead, so that a clock
//! that was wrong for a moment leaves nothing behind. Pure.

use jiff::{SignedDuration, Timestamp};

/// Clocks of replicas, and ours and Apple's, may differ by as much before either counts as wrong.
pub const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(2);

/// The longest wait of any kind that Apple is granted, and the longest that a device, release or definition rests.
pub const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24);

/// The longest right of one process to open a session at Apple.
pub const SESSION_CLAIM: SignedDuration = SignedDuration::from_secs(60);

/// How far ahead the deadlines of a deployment may lie; from its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// How long a lease lives that nobody renews.
    pub lease: SignedDuration,
    /// Time between two syncs of a setting.
    pub sync_interval: SignedDuration,
    /// Time between two full resyncs; jitter lies inside.
    pub full_resync_interval: SignedDuration,
}

/// Whether a deadline that may lie `length` ahead at most is over at `now`: its time has come, or a wrong clock set it.
pub fn is_over(deadline: Timestamp, now: Timestamp, length: SignedDuration) -> bool {
    deadline <= now || deadline > horizon(now, length)
}

/// The latest time that is believed of a deadline of that length; what lies behind it counts as over.
pub fn horizon(now: Timestamp, length: SignedDuration) -> Timestamp {
    later(later(now, length), CLOCKS_APART)
}

/// A time at which something was: one that lies ahead counts as now.
pub fn past(time: Timestamp, now: Timestamp) -> Timestamp {
    time.min(now)
}

/// `time` and `by`, or `time` where the calendar ends.
pub fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_over_when_its_time_has_come_or_when_it_lies_beyond_its_length_and_two_minutes() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let length = SignedDuration::from_secs(30);
        for (ahead, over) in
            [(-1, true), (0, true), (1, false), (30, false), (150, false), (151, true), (34_560_000, true)]
        {
            let deadline = later(now, SignedDuration::from_secs(ahead));
            assert_eq!(is_over(deadline, now, length), over, "{ahead} s ahead");
        }
    }

    #[test]
    fn what_was_lies_never_ahead() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert_eq!(past(later(now, SignedDuration::from_hours(9)), now), now);
        assert_eq!(past(Timestamp::UNIX_EPOCH, now), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn no_deadline_lies_behind_the_calendar() {
        assert_eq!(later(Timestamp::MAX, SignedDuration::from_secs(1)), Timestamp::MAX);
    }
}
