//! How often something may happen: so many at once, then one after another. Times are those of a monotonic clock, which
//! nobody can set.

use std::{collections::HashMap, hash::Hash, time::Duration};

use jiff::SignedDuration;

/// A limit: a bucket that holds `burst`, and into which one comes back every so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// So many at once.
    pub burst: u32,
    /// Then one in this time.
    pub every: SignedDuration,
}

/// What was taken from a bucket: when it will be full again. One that was never touched is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    full_at: SignedDuration,
}

/// A limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitExceeded {
    /// So many at once are admitted.
    pub limit: u32,
    /// Until the next one is.
    pub wait: Duration,
}

impl Taken {
    /// Whether the bucket is full at `now`, so that nothing has to be remembered of it.
    pub fn is_full(self, now: SignedDuration) -> bool {
        self.full_at <= now
    }
}

/// What a limit leaves to whom it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// So many at once are admitted.
    pub limit: u32,
    /// So many are now.
    pub remaining: u32,
    /// Until as many are as at first.
    pub reset: Duration,
}

impl RateLimit {
    /// So many a minute, and as many at once.
    pub fn per_minute(number: u32) -> Self {
        Self {
            burst: number,
            every: SignedDuration::from_mins(1) / i32::try_from(number.max(1)).unwrap_or(i32::MAX),
        }
    }

    /// What is left of it.
    pub fn quota(self, taken: Taken, now: SignedDuration) -> Quota {
        let reset = (taken.full_at - now).max(SignedDuration::ZERO);
        let every = self.every.as_nanos().max(1);
        let taken = u32::try_from((reset.as_nanos() + every - 1) / every).unwrap_or(u32::MAX);
        Quota { limit: self.burst, remaining: self.burst.saturating_sub(taken), reset: reset.unsigned_abs() }
    }

    /// Takes one at `now`. Where none is left nothing is taken.
    pub fn take(self, taken: Taken, now: SignedDuration) -> Result<Taken, LimitExceeded> {
        let capacity = self.every.saturating_mul(i32::try_from(self.burst).unwrap_or(i32::MAX));
        let empty = now.saturating_add(capacity);
        // Nothing is further away than an empty bucket is from a full one.
        let full_at = taken.full_at.clamp(now, empty).saturating_add(self.every);
        if full_at <= empty {
            return Ok(Taken { full_at });
        }
        Err(LimitExceeded { limit: self.burst, wait: (full_at - empty).unsigned_abs() })
    }
}

/// So many buckets are kept before full ones are looked for.
const KEPT: usize = 10_000;

/// The buckets that are not full, by whom they belong to. There are no more of them than are taken from in the time that
/// one takes to fill.
#[derive(Debug)]
pub struct Buckets<K> {
    taken: HashMap<K, Taken>,
    /// When full ones are looked for again: a search pays for itself.
    search_at: usize,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self { taken: HashMap::new(), search_at: KEPT }
    }
}

impl<K: Eq + Hash> Buckets<K> {
    /// What was taken from a bucket.
    pub fn taken(&self, key: &K) -> Taken {
        self.taken.get(key).copied().unwrap_or_default()
    }

    /// Remembers what was taken at `now`.
    pub fn keep(&mut self, taken: impl IntoIterator<Item = (K, Taken)>, now: SignedDuration) {
        self.taken.extend(taken);
        if self.taken.len() > self.search_at {
            self.taken.retain(|_, taken| !taken.is_full(now));
            self.search_at = (2 * self.taken.len()).max(KEPT);
        }
    }
}

/// Failed sign-ins of one account, from wherever they come.
pub const FAILED_SIGN_INS_OF_ACCOUNT: RateLimit =
    RateLimit { burst: 20, every: SignedDuration::from_secs(3) };
/// Failed sign-ins from one address, of whatever account.
pub const FAILED_SIGN_INS_FROM_ADDRESS: RateLimit =
    RateLimit { burst: 100, every: SignedDuration::from_millis(600) };

/// What was taken by failed sign-ins from the two buckets that one more concerns; none where that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailedSignIns {
    /// The account's.
    pub account: Option<Taken>,
    /// The address's.
    pub address: Option<Taken>,
}

impl FailedSignIns {
    /// One more failed. Where either bucket is empty nothing is taken from the other, and the longer wait counts.
    ///
    /// This is asked about sign-ins that failed and about no other: a right secret is let in whatever others did to the account
    /// or at the address.
    pub fn and_one_more(self, now: SignedDuration) -> Result<Self, LimitExceeded> {
        let take =
            |taken: Option<Taken>, limit: RateLimit| taken.map(|taken| limit.take(taken, now)).transpose();
        let account = take(self.account, FAILED_SIGN_INS_OF_ACCOUNT);
        let address = take(self.address, FAILED_SIGN_INS_FROM_ADDRESS);
        match (account, address) {
            (Ok(account), Ok(address)) => Ok(Self { account, address }),
            (Err(one), Err(other)) => Err(if one.wait > other.wait { one } else { other }),
            (Err(exceeded), Ok(_)) | (Ok(_), Err(exceeded)) => Err(exceeded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: RateLimit = RateLimit { burst: 3, every: SignedDuration::from_secs(10) };

    /// What becomes of tries at these seconds: the seconds to wait, or none.
    fn tries(limit: RateLimit, at: &[i64]) -> Vec<Option<u64>> {
        let mut taken = Taken::default();
        let mut tried = |second: &i64| match limit.take(taken, SignedDuration::from_secs(*second)) {
            Ok(after) => {
                taken = after;
                None
            }
            Err(LimitExceeded { wait, .. }) => Some(wait.as_secs()),
        };
        at.iter().map(&mut tried).collect()
    }

    #[test]
    fn so_many_at_once_then_one_after_another() {
        for (at, waits) in [
            (&[0, 0, 0, 0][..], &[None, None, None, Some(10)][..]),
            (&[0, 0, 0, 4, 10, 10], &[None, None, None, Some(6), None, Some(10)]),
            (&[0, 10, 20, 30, 40], &[None; 5]),
            (&[0, 0, 0, 1000, 1000, 1000, 1000], &[None, None, None, None, None, None, Some(10)]),
            (&[0, 0, 0, 9, 9, 9, 10], &[None, None, None, Some(1), Some(1), Some(1), None]),
            (&[1000, 1000, 1000, 1029, 1029], &[None, None, None, None, None]),
        ] {
            assert_eq!(tries(LIMIT, at), waits, "{at:?}");
        }
    }

    #[test]
    fn no_time_is_believed_that_lies_beyond_an_empty_bucket() {
        let taken = Taken { full_at: SignedDuration::MAX };
        let refused = LIMIT.take(taken, SignedDuration::ZERO).unwrap_err();
        assert_eq!(refused, LimitExceeded { limit: 3, wait: Duration::from_secs(10) });
        assert!(LIMIT.take(Taken::default(), SignedDuration::MAX).is_ok());
        assert!(!taken.is_full(SignedDuration::ZERO) && Taken::default().is_full(SignedDuration::ZERO));
    }

    #[test]
    fn what_is_left_is_told() {
        let quota = |limit, remaining, reset| Quota { limit, remaining, reset: Duration::from_secs(reset) };
        let at = SignedDuration::from_secs;
        let mut taken = Taken::default();
        assert_eq!(LIMIT.quota(taken, at(5)), quota(3, 3, 0));
        for (second, remaining, reset) in [(5, 2, 10), (5, 1, 20), (6, 0, 29)] {
            taken = LIMIT.take(taken, at(second)).unwrap();
            assert_eq!(LIMIT.quota(taken, at(second)), quota(3, remaining, reset));
        }
        assert_eq!(LIMIT.quota(taken, at(16)), quota(3, 1, 19));
        assert_eq!(
            RateLimit::per_minute(600),
            RateLimit { burst: 600, every: SignedDuration::from_millis(100) }
        );
        assert_eq!(RateLimit::per_minute(0).every, SignedDuration::from_mins(1));
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let mut buckets = Buckets::default();
        for number in 0..100_000u32 {
            let second = SignedDuration::from_secs(i64::from(number / 1000));
            let taken = LIMIT.take(buckets.taken(&number), second).unwrap();
            buckets.keep([(number, taken)], second);
        }
        assert!(buckets.taken.len() <= 2 * KEPT, "{}", buckets.taken.len());
        assert_eq!(buckets.taken(&99_999), Taken { full_at: SignedDuration::from_secs(109) });
    }

    /// What is left after so many failures at one moment, the first that is refused not counted.
    fn failed(mut failures: FailedSignIns) -> (u32, LimitExceeded) {
        for number in 0.. {
            match failures.and_one_more(SignedDuration::ZERO) {
                Ok(after) => failures = after,
                Err(exceeded) => return (number, exceeded),
            }
        }
        unreachable!()
    }

    #[test]
    fn failed_sign_ins_are_limited_by_account_and_by_address() {
        let full = Some(Taken::default());
        let wait = |limit: RateLimit| LimitExceeded { limit: limit.burst, wait: limit.every.unsigned_abs() };
        let (account, address) = (FAILED_SIGN_INS_OF_ACCOUNT, FAILED_SIGN_INS_FROM_ADDRESS);
        for (failures, number, exceeded) in [
            (FailedSignIns { account: full, address: full }, 20, wait(account)),
            (FailedSignIns { account: full, address: None }, 20, wait(account)),
            (FailedSignIns { account: None, address: full }, 100, wait(address)),
        ] {
            assert_eq!(failed(failures), (number, exceeded), "{failures:?}");
        }
        let empty = Some(Taken { full_at: SignedDuration::MAX });
        for (account, address) in [(empty, empty), (empty, full)] {
            let refused = FailedSignIns { account, address }.and_one_more(SignedDuration::ZERO);
            assert_eq!(refused, Err(wait(FAILED_SIGN_INS_OF_ACCOUNT)), "the longer wait");
        }
    }
}
