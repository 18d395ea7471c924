//! The time, what goes by, and the source of ids. Everything below is handed values, so that tests can move the ones and
//! expect the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::failpoint;
use crate::domain::first_id_at;

/// The system's two clocks, each shifted by as much as a test moved it: the one that tells the time and may be set, and the
/// monotonic one that nobody can set.
#[derive(Clone, Debug)]
pub struct Clock {
    fixed: Option<Timestamp>,
    made: Instant,
    moved_micros: Arc<AtomicI64>,
    passed_micros: Arc<AtomicI64>,
}

impl Clock {
    /// The system's clocks.
    pub fn system() -> Self {
        let clock = Self::made(None);
        clock.set_by(failpoint::clock_ahead());
        clock
    }

    /// A clock that stands still at `at` until it is moved.
    pub fn fixed(at: Timestamp) -> Self {
        Self::made(Some(at))
    }

    fn made(fixed: Option<Timestamp>) -> Self {
        let made = Instant::now();
        Self { fixed, made, moved_micros: Arc::default(), passed_micros: Arc::default() }
    }

    /// The time now, to the microsecond, which is what the databases keep: what was just written reads the same later.
    pub fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that asks the system for the time"
        )]
        let base = self.fixed.unwrap_or_else(Timestamp::now);
        let moved = SignedDuration::from_micros(self.moved_micros.load(Ordering::Relaxed));
        let now = base.checked_add(moved).unwrap_or(base);
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// What went by since the clock was made, by the monotonic clock.
    pub fn elapsed(&self) -> SignedDuration {
        let passed = SignedDuration::from_micros(self.passed_micros.load(Ordering::Relaxed));
        match self.fixed {
            Some(_) => passed,
            None => SignedDuration::try_from(self.made.elapsed()).unwrap_or(SignedDuration::MAX) + passed,
        }
    }

    /// Time goes by, on both clocks; every clone moves with it.
    pub fn advance(&self, by: SignedDuration) {
        self.set_by(by);
        self.passed_micros.fetch_add(micros(by).max(0), Ordering::Relaxed);
    }

    /// The time is set forward or back, while nothing went by; every clone moves with it.
    pub fn set_by(&self, by: SignedDuration) {
        self.moved_micros.fetch_add(micros(by), Ordering::Relaxed);
    }
}

fn micros(time: SignedDuration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl Clock {
    /// An id for a new row: a fresh UUIDv7, so that rows made later sort later and no index grows in the middle.
    pub fn new_id(&self) -> Uuid {
        Self::id_at(self.now())
    }

    /// The same of another time.
    pub fn id_at(time: Timestamp) -> Uuid {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
        let random = Uuid::new_v4().as_u128() & RANDOM_BITS;
        Uuid::from_u128(first_id_at(time).as_u128() | random)
    }
}

/// What is random of an id.
const RANDOM_BITS: u128 = u128::MAX >> 66;
