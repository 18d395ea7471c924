//! The time and the source of ids. Everything below is handed values, so that tests can move the one and expect the
//! other.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::failpoint;

/// The system's clock, shifted by as much as a test moved it.
#[derive(Clone, Debug)]
pub struct Clock {
    fixed: Option<Timestamp>,
    moved_micros: Arc<AtomicI64>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        let clock = Self { fixed: None, moved_micros: Arc::default() };
        clock.advance(failpoint::clock_ahead());
        clock
    }

    /// A clock that stands still at `at` until it is moved.
    pub fn fixed(at: Timestamp) -> Self {
        Self { fixed: Some(at), moved_micros: Arc::default() }
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

    /// Moves the clock; every clone moves with it.
    pub fn advance(&self, by: SignedDuration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.moved_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// The source of ids.
#[derive(Clone, Copy, Debug)]
pub struct Ids;

impl Ids {
    /// A fresh UUIDv7 of that time: rows made later sort later, and no index grows in the middle.
    pub fn at(&self, now: Timestamp) -> Uuid {
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
        Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
    }
}
