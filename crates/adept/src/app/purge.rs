//! When this process purges: 2 to 4 minutes after its start and hourly then, but only while another clock agrees with its
//! own. What decides is in `domain::purge`.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Clock, Error};
use crate::{
    domain::{
        deadline::{LONGEST_REST, past},
        purge::{AppleClock, ClockEvidence, first_purge_after, is_purge_due},
    },
    storage::{self, CREATES_REMEMBERED},
};

/// How long a device that Apple no longer lists stays listed as deleted.
const TOMBSTONES_KEPT: SignedDuration = SignedDuration::from_hours(45 * 24);
/// How long the history of a device is kept: a year and a month, for anyone who compares with a year ago.
const DEVICE_EVENTS_KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);
/// How long a line of the sync history is kept at least.
const SYNC_RUNS_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How many of a setting's lines are kept, however old.
const SYNC_RUNS_KEPT_ALWAYS: i64 = 100;

/// A purge that failed begins again so much later, since it may have worked for long.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(5);

/// What a process remembers of clocks and of its purges.
pub(super) struct PurgeTimes {
    /// Its own clocks at its start: the time, and the monotonic one.
    started: (Timestamp, SignedDuration),
    first_after: SignedDuration,
    /// Apple's clock as it was seen last, and when that was by the monotonic one.
    apple: Mutex<Option<(Timestamp, SignedDuration)>>,
    /// When the last purge was, since the start, and whether it failed.
    last: Mutex<Option<(SignedDuration, bool)>>,
}

impl PurgeTimes {
    /// Those of a process that starts; `lot` spreads first purges.
    pub(super) fn new(clock: &Clock, lot: u8) -> Self {
        let started = (clock.now(), clock.elapsed());
        Self { started, first_after: first_purge_after(lot), apple: Mutex::default(), last: Mutex::default() }
    }

    /// Apple answered, and said what time it is there.
    pub(super) fn apple_says(&self, date: Timestamp, clock: &Clock) {
        *self.apple.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, clock.elapsed()));
    }

    fn running(&self, clock: &Clock) -> SignedDuration {
        clock.elapsed() - self.started.1
    }

    fn is_due(&self, clock: &Clock) -> bool {
        let running = self.running(clock);
        match *self.last.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((failed, true)) => running >= failed + AFTER_FAILURE,
            last => is_purge_due(running, self.first_after, last.map(|(last, _)| last)),
        }
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

/// Removes what was kept long enough.
pub struct Purge {
    pub(super) settings: storage::Settings,
    pub(super) devices: storage::Devices,
    pub(super) syncs: storage::Syncs,
    pub(super) created_requests: storage::CreatedRequests,
    pub(super) failed_opens: storage::FailedOpens,
    pub(super) deployment: storage::Deployment,
    pub(super) clock: Clock,
    pub(super) times: Arc<PurgeTimes>,
}

impl Purge {
    /// Purges if that is due and the clock is believed; none otherwise. What [`super::Scheduler::run`] does, at a
    /// moment of the caller's choice.
    pub async fn if_due(&self) -> Result<Option<Purged>, Error> {
        let times = &self.times;
        if !times.is_due(&self.clock) {
            return Ok(None);
        }
        let database = self.deployment.database_clock().await?;
        let now = self.clock.now();
        if !times.evidence(&self.clock, now, database).is_believed() {
            tracing::debug!("nothing is purged while no other clock agrees with this machine's");
            return Ok(None);
        }
        let purged = self.now().await;
        let last = (times.running(&self.clock), purged.is_err());
        *times.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        purged.map(Some)
    }

    /// Removes for good what was kept long enough: settings deleted over 30 days ago, devices that are gone for 45
    /// days, lines of devices' histories that are over 400 days old, and lines of the sync history that are over 90 days old and
    /// not among a setting's latest 100. It believes the clock; [`Purge::if_due`] asks others first.
    pub async fn now(&self) -> Result<Purged, Error> {
        let now = self.clock.now();
        let before = |kept| now.checked_sub(kept).unwrap_or(now);
        if let Some(last) = self.settings.purged_at().await? {
            // What the last purge should have found was dated since then, by a clock that was behind.
            let last = past(last, now);
            let settings = self.settings.date_deletions_forward(last, now).await?;
            let tombstones = last.checked_sub(TOMBSTONES_KEPT).unwrap_or(last);
            let devices = self.devices.date_tombstones_forward(tombstones, now).await?;
            if settings + devices > 0 {
                tracing::warn!(
                    settings,
                    devices,
                    "a clock that was behind dated deletions; they are kept as if they were made now"
                );
            }
        }
        let purged = Purged {
            settings: self.settings.purge(now).await?,
            devices: self.devices.purge_tombstones(before(TOMBSTONES_KEPT), now).await?,
            device_events: self.devices.purge_events(before(DEVICE_EVENTS_KEPT)).await?,
            created_requests: self.created_requests.purge(before(CREATES_REMEMBERED), now).await?,
            failed_opens: self.failed_opens.purge(before(LONGEST_REST), now).await?,
            sync_runs: self.syncs.purge_runs(before(SYNC_RUNS_KEPT), SYNC_RUNS_KEPT_ALWAYS).await?,
        };
        self.settings.note_purged(now).await?;
        Ok(purged)
    }
}

/// How many of what the purge removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Settings.
    pub settings: u64,
    /// Devices that were gone.
    pub devices: u64,
    /// Lines of devices' histories.
    pub device_events: u64,
    /// Lines of the sync history.
    pub sync_runs: u64,
    /// Creates that are no longer remembered.
    pub created_requests: u64,
    /// Counts of failed opens.
    pub failed_opens: u64,
}
