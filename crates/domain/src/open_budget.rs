//! How many uploads that cannot be opened a caller, and all callers together, are granted with one key pair. Pure.
//!
//! What is stored of a budget is the time at which it is whole again: each failure moves that one interval ahead.

use jiff::{SignedDuration, Timestamp};

use super::deadline::{is_over, later};

/// The failures that a caller is granted at once where nothing else is configured.
pub const OPEN_FAILURES: u32 = 20;

/// How many times as many failures a key pair is granted as one caller with it.
const PAIR: u32 = 10;

/// So many failures at once, then one an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Budget {
    failures: u32,
    interval: SignedDuration,
}

impl Budget {
    /// When it is whole again; now where nothing is stored, or what no clock that is right can have stored.
    fn whole_at(self, stored: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let length = self.interval.saturating_mul(i32::try_from(self.failures).unwrap_or(i32::MAX));
        stored.filter(|at| !is_over(*at, now, length)).unwrap_or(now)
    }

    fn wait(self, stored: Option<Timestamp>, now: Timestamp) -> SignedDuration {
        let others = i32::try_from(self.failures).unwrap_or(i32::MAX) - 1;
        self.whole_at(stored, now).duration_since(now) - self.interval.saturating_mul(others)
    }
}

/// The two budgets of failed opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenBudget {
    caller: Budget,
    pair: Budget,
}

/// When the two budgets are whole again, as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenFailures {
    /// The caller's with the key pair.
    pub by_caller: Option<Timestamp>,
    /// The key pair's.
    pub by_pair: Option<Timestamp>,
}

impl OpenBudget {
    /// A caller may fail `failures` times with a key pair, then once a minute; ten times as much the key pair. None for 0.
    #[must_use]
    pub fn of(failures: u32) -> Option<Self> {
        let caller = Budget { failures, interval: SignedDuration::from_mins(1) };
        let pair = Budget {
            failures: failures.saturating_mul(PAIR),
            interval: caller.interval / PAIR.cast_signed(),
        };
        (failures > 0).then_some(Self { caller, pair })
    }

    /// How many failures a caller is granted at once.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.caller.failures
    }

    /// How long the caller has to wait; none while nothing is used up.
    #[must_use]
    pub fn wait(&self, stored: &OpenFailures, now: Timestamp) -> Option<SignedDuration> {
        let wait = self.caller.wait(stored.by_caller, now).max(self.pair.wait(stored.by_pair, now));
        wait.is_positive().then_some(wait)
    }

    /// What is stored after one more failure.
    #[must_use]
    pub fn after_failure(&self, stored: &OpenFailures, now: Timestamp) -> OpenFailures {
        let one_more = |budget: Budget, stored| Some(later(budget.whole_at(stored, now), budget.interval));
        OpenFailures {
            by_caller: one_more(self.caller, stored.by_caller),
            by_pair: one_more(self.pair, stored.by_pair),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn secs(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    fn budget() -> OpenBudget {
        OpenBudget::of(20).unwrap()
    }

    fn ahead(by_caller: i64, by_pair: i64) -> OpenFailures {
        let at = |seconds| Some(later(NOW, secs(seconds)));
        OpenFailures { by_caller: at(by_caller), by_pair: at(by_pair) }
    }

    #[test]
    fn nobody_waits_before_both_budgets_are_looked_at_and_the_longer_wait_counts() {
        for (stored, wait) in [
            (OpenFailures::default(), None),
            (ahead(-5, -5), None),
            (ahead(19 * 60, 0), None),
            (ahead(19 * 60 + 1, 0), Some(1)),
            (ahead(20 * 60, 0), Some(60)),
            (ahead(0, 199 * 6), None),
            (ahead(0, 200 * 6), Some(6)),
            (ahead(19 * 60 + 2, 200 * 6), Some(6)),
            (ahead(20 * 60, 200 * 6), Some(60)),
        ] {
            assert_eq!(budget().wait(&stored, NOW), wait.map(secs), "{stored:?}");
        }
    }

    #[test]
    fn a_caller_fails_twenty_times_then_once_a_minute() {
        let (mut stored, mut now) = (OpenFailures::default(), NOW);
        for _ in 0..20 {
            assert_eq!(budget().wait(&stored, now), None);
            stored = budget().after_failure(&stored, now);
        }
        for _ in 0..5 {
            assert_eq!(budget().wait(&stored, now), Some(secs(60)));
            now = later(now, secs(59));
            assert_eq!(budget().wait(&stored, now), Some(secs(1)));
            now = later(now, secs(1));
            assert_eq!(budget().wait(&stored, now), None);
            stored = budget().after_failure(&stored, now);
        }
        now = later(now, secs(20 * 60));
        assert_eq!(
            budget().after_failure(&stored, now),
            budget().after_failure(&OpenFailures::default(), now)
        );
    }

    #[test]
    fn many_callers_fail_two_hundred_times_with_a_key_pair_then_ten_times_a_minute() {
        let (mut pair, mut failed) = (None, 0);
        for second in 0..60 {
            let now = later(NOW, secs(second));
            // Another caller each time.
            while budget().wait(&OpenFailures { by_caller: None, by_pair: pair }, now).is_none() {
                pair = budget().after_failure(&OpenFailures { by_caller: None, by_pair: pair }, now).by_pair;
                failed += 1;
            }
        }
        assert_eq!(failed, 209);
    }

    #[test]
    fn what_a_clock_stored_that_was_ahead_is_not_believed() {
        for (stored, waits) in [(20 * 60 + 120, true), (20 * 60 + 121, false), (86_400 * 400, false)] {
            assert_eq!(budget().wait(&ahead(stored, 0), NOW).is_some(), waits, "{stored} s ahead");
            assert_eq!(budget().wait(&ahead(0, stored), NOW).is_some(), waits, "{stored} s ahead");
        }
        let after = budget().after_failure(&ahead(86_400, 86_400), NOW);
        assert_eq!(after, ahead(60, 6));
    }

    #[test]
    fn none_is_no_budget_and_one_is_one() {
        assert_eq!(OpenBudget::of(0), None);
        let one = OpenBudget::of(1).unwrap();
        assert_eq!(one.wait(&OpenFailures::default(), NOW), None);
        let failed = one.after_failure(&OpenFailures::default(), NOW);
        assert_eq!(one.wait(&failed, NOW), Some(secs(60)));
        assert!(OpenBudget::of(u32::MAX).unwrap().wait(&failed, NOW).is_none());
    }
}
