//! When this process purges: 2 to 4 minutes after its start and hourly then, but only while another clock agrees with its
//! own. What decides is in `domain::purge`.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{App, Clock, Error, settings::Purged};
use crate::domain::purge::{AppleClock, ClockEvidence, first_purge_after, is_purge_due};

/// A purge that failed begins again so much later, since it may have worked for long.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(5);

/// What a process remembers of clocks and of its purges.
pub(super) struct PurgeTimes {
    /// Its own clocks at its start: the time, and the monotonic one.
    started: (Timestamp, SignedDuration),
    first_after: SignedDuration,
    /// Apple's clock as it was seen last, and when that was by the monotonic one.
    apple: Mutex<Option<(Timestamp, SignedDuration)>>,
    /// When the last purge was, since the start.
    last: Mutex<Option<SignedDuration>>,
    /// When one failed last, since the start.
    failed: Mutex<Option<SignedDuration>>,
}

impl PurgeTimes {
    /// Those of a process that starts; `lot` spreads first purges.
    pub(super) fn new(clock: &Clock, lot: u8) -> Self {
        let started = (clock.now(), clock.elapsed());
        Self {
            started,
            first_after: first_purge_after(lot),
            apple: Mutex::default(),
            last: Mutex::default(),
            failed: Mutex::default(),
        }
    }

    /// Apple answered, and said what time it is there.
    pub(super) fn apple_says(&self, date: Timestamp, clock: &Clock) {
        *self.apple.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, clock.elapsed()));
    }

    fn running(&self, clock: &Clock) -> SignedDuration {
        clock.elapsed() - self.started.1
    }

    fn is_due(&self, clock: &Clock) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let running = self.running(clock);
        is_purge_due(running, self.first_after, last)
            && failed.is_none_or(|failed| running >= failed + AFTER_FAILURE)
    }

    fn evidence(&self, clock: &Clock, now: Timestamp, database: Option<Timestamp>) -> ClockEvidence {
        let apple = *self.apple.lock().unwrap_or_else(PoisonError::into_inner);
        ClockEvidence {
            apple: apple.map(|(date, seen)| {
                let age = clock.elapsed() - seen;
                AppleClock { ahead: date.duration_since(now) + age, age }
            }),
            database: database.map(|database| database.duration_since(now)),
            running: self.running(clock),
            went: now.duration_since(self.started.0),
        }
    }
}

impl App {
    /// Purges if that is due and the clock is believed; none otherwise. What `run_background` does, at a moment of the
    /// caller's choice.
    pub async fn purge_if_due(&self) -> Result<Option<Purged>, Error> {
        let times = &self.purge_times;
        if !times.is_due(&self.clock) {
            return Ok(None);
        }
        let database = self.storage.database_clock().await?;
        let now = self.clock.now();
        if !times.evidence(&self.clock, now, database).is_believed() {
            tracing::debug!("nothing is purged while no other clock agrees with this machine's");
            return Ok(None);
        }
        let purged = self.purge_at(now).await;
        let noted = if purged.is_ok() { &times.last } else { &times.failed };
        *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(times.running(&self.clock));
        purged.map(Some)
    }
}
