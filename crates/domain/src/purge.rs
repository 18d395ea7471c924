//! When a process may remove for good what was kept long enough. A purge believes a clock, and what it removes is gone: so
//! it runs only where another clock agrees with this process's. Pure.

use jiff::SignedDuration;

use crate::deadline::CLOCKS_APART;

/// How long Apple's `Date` speaks for our clock.
const APPLE_SPEAKS: SignedDuration = SignedDuration::from_hours(1);

/// How long a process runs before its own two clocks speak for each other, where no other clock does.
const ALONE: SignedDuration = SignedDuration::from_hours(24);

/// Time between two purges.
const PURGE_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The first purge is due so long after the start at the soonest,
const FIRST_PURGE: SignedDuration = SignedDuration::from_mins(2);
/// and at most so much later, so that replicas that start together do not purge together.
const FIRST_PURGE_SPREAD: SignedDuration = SignedDuration::from_mins(2);

/// Apple's clock as it was seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppleClock {
    /// Apple's clock by now, minus ours: what the answer said, and what went by since on the monotonic clock.
    pub ahead: SignedDuration,
    /// How long ago the answer came, by the monotonic clock.
    pub age: SignedDuration,
}

/// What speaks for the clock of a process, or against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockEvidence {
    /// Apple's clock; none before its first answer.
    pub apple: Option<AppleClock>,
    /// The database server's clock minus ours; none where the database is a file, whose clock is ours.
    pub database: Option<SignedDuration>,
    /// How long the process runs, by the monotonic clock.
    pub running: SignedDuration,
    /// How far its clock went meanwhile.
    pub went: SignedDuration,
}

impl ClockEvidence {
    /// Whether a purge may believe the clock.
    pub fn is_believed(&self) -> bool {
        let is_near = |apart: SignedDuration| apart.unsigned_abs() <= CLOCKS_APART.unsigned_abs();
        match (self.apple.filter(|apple| apple.age <= APPLE_SPEAKS), self.database) {
            (Some(apple), _) => is_near(apple.ahead),
            (None, Some(ahead)) => is_near(ahead),
            (None, None) => self.running >= ALONE && self.went.checked_sub(self.running).is_some_and(is_near),
        }
    }
}

/// How long after its start a process purges first, 2 to 4 minutes, by lot.
pub fn first_purge_after(lot: u8) -> SignedDuration {
    FIRST_PURGE + FIRST_PURGE_SPREAD * i32::from(lot) / i32::from(u8::MAX)
}

/// Whether a purge is due in a process that runs for `running`: first after `first`, then hourly after the last one, whose
/// time since the start is `last`.
pub fn is_purge_due(running: SignedDuration, first: SignedDuration, last: Option<SignedDuration>) -> bool {
    last.map_or(first, |last| last + PURGE_EVERY) <= running
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_clock_is_believed_when_apple_agrees_else_postgresql_else_after_a_day_of_even_running() {
        let apple = |ahead, age| Some(AppleClock { ahead: seconds(ahead), age: seconds(age) });
        const DAY: i64 = 86_400;
        for (apple, database, running, went, believed) in [
            (None, None, 0, 0, false),
            (apple(0, 0), None, 120, 120, true),
            (apple(120, 3600), None, 3600, 3600, true),
            (apple(-120, 3600), None, 3600, 3600, true),
            (apple(121, 1), None, 3600, 3600, false),
            (apple(-121, 1), None, 3600, 3600, false),
            (apple(-400 * DAY, 1), Some(0), 2 * DAY, 2 * DAY, false),
            (apple(0, 3601), None, 3601, 3601, false),
            (apple(900, 3601), Some(0), 3601, 3601, true),
            (None, Some(120), 120, 120, true),
            (None, Some(121), 2 * DAY, 2 * DAY, false),
            (None, Some(-121), 2 * DAY, 2 * DAY, false),
            (None, None, DAY - 1, DAY - 1, false),
            (None, None, DAY, DAY, true),
            (None, None, DAY, DAY + 120, true),
            (None, None, DAY, DAY + 121, false),
            (None, None, DAY, DAY - 121, false),
            (None, None, DAY, 401 * DAY, false),
            (None, None, 60, 2 * DAY, false),
        ] {
            let database = database.map(seconds);
            let evidence = ClockEvidence { apple, database, running: seconds(running), went: seconds(went) };
            assert_eq!(evidence.is_believed(), believed, "{evidence:?}");
        }
    }

    #[test]
    fn the_first_purge_comes_two_to_four_minutes_after_the_start_and_then_one_each_hour() {
        assert_eq!(first_purge_after(0), seconds(120));
        assert_eq!(first_purge_after(u8::MAX), seconds(240));
        for (running, last, due) in [
            (0, None, false),
            (149, None, false),
            (150, None, true),
            (3749, Some(150), false),
            (3750, Some(150), true),
            (3600, Some(3600), false),
        ] {
            assert_eq!(
                is_purge_due(seconds(running), seconds(150), last.map(seconds)),
                due,
                "{running} {last:?}"
            );
        }
    }
}
