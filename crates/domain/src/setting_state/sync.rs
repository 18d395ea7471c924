//! How far the synchronization of a setting came, when it is due, and how a run changes that.

use jiff::{SignedDuration, Timestamp};

use super::{AppleFault, SettingState, lease::Observed};
use crate::{
    SyncOutcome, TokenState,
    deadline::{Lengths, is_over, later},
};

/// Two syncs of one setting start at least so far apart, however often they are asked for: one run serves all that is
/// asked for meanwhile.
pub const BETWEEN_SYNCS: SignedDuration = SignedDuration::from_secs(1);

/// After failures in a row: soon at first, then at the usual interval.
const AFTER_FAILURES: [SignedDuration; 3] =
    [SignedDuration::from_mins(1), SignedDuration::from_mins(5), SignedDuration::from_mins(15)];

/// Where a walk over Apple's pages stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Apple's cursor; none starts over.
    pub value: Option<String>,
    /// When Apple issued it.
    pub issued_at: Option<Timestamp>,
    /// Whether a fetch came to its end, so that deltas may follow.
    pub complete: bool,
    /// Grows with every stored page.
    pub revision: i64,
    /// Devices per page of the fetch that it belongs to.
    pub limit: Option<u32>,
    /// Runs in a row that ended because Apple gave a cursor for the second time.
    pub repeats: i64,
}

/// The synchronization of a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncState {
    /// How far it came.
    pub cursor: Cursor,
    /// When it is due; none without a token.
    pub due_at: Option<Timestamp>,
    /// Grows with every request, so that a run's end sees that something was asked for meanwhile.
    pub requests: i64,
    /// The last time it was asked for, by a person or by the schedule.
    pub triggered_at: Option<Timestamp>,
    /// When the last run began.
    pub started_at: Option<Timestamp>,
    /// When the last run came to its end.
    pub succeeded_at: Option<Timestamp>,
    /// Runs that failed in a row.
    pub failures: i64,
    /// When a complete fetch is owed; none until the first one came to its end.
    pub full_fetch_due_at: Option<Timestamp>,
    /// Devices that are listed and not absent.
    pub device_count: i64,
}

/// A place to go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorPosition {
    /// Apple's cursor; none starts over.
    pub value: Option<String>,
    /// When Apple issued it.
    pub issued_at: Timestamp,
    /// Whether a fetch has come to its end.
    pub complete: bool,
    /// Devices per page that were asked for.
    pub limit: u32,
}

/// When a complete fetch is owed next; what somebody asked for meanwhile stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullFetchMove {
    /// The time that this run saw or wrote there.
    pub seen: Option<Timestamp>,
    /// The time from now on.
    pub to: Timestamp,
}

/// How a page, or the end of a fetch, moves the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorMove {
    /// The revision that was seen; it grows in any case.
    pub seen_revision: i64,
    /// Where to; none leaves it.
    pub to: Option<CursorPosition>,
    /// When a complete fetch is owed from then on; none leaves it.
    pub full_fetch: Option<FullFetchMove>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncEnd {
    /// What came of it; of the token only when Apple was asked.
    pub outcome: SyncOutcome,
    /// What Apple's answer shows, when it was no success.
    pub fault: Option<AppleFault>,
    /// Apple's code, where it gave one.
    pub code: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub now: Timestamp,
    /// When the next run is due, unless somebody asked for one meanwhile.
    pub next_due: Timestamp,
    /// The requests that it answers.
    pub seen_requests: i64,
    /// Whether it was the stored cursor that Apple gave for the second time.
    pub repeats_cursor: bool,
    /// Puts a complete fetch off that leads nowhere now.
    pub full_fetch: Option<FullFetchMove>,
}

impl SettingState {
    /// Whether a run of the sync is due at `now`.
    pub fn is_sync_due(&self, now: Timestamp, lengths: &Lengths) -> bool {
        self.sync.due_at.is_some_and(|due| is_over(due, now, lengths.sync_interval))
    }

    /// Whether a complete fetch is owed at `now`.
    pub fn is_full_fetch_due(&self, now: Timestamp, lengths: &Lengths) -> bool {
        self.sync.full_fetch_due_at.is_some_and(|due| is_over(due, now, lengths.full_resync_interval))
    }

    /// A process begins a run, if one is due and nobody works on the setting; false otherwise.
    pub fn on_sync_started(&mut self, now: Timestamp, lengths: &Lengths, observed: Observed) -> bool {
        let may = self.deleted_at.is_none()
            && self.token.in_use.is_some()
            && self.is_sync_due(now, lengths)
            && self.lease.is_free(now, lengths.lease, observed);
        if may {
            self.take_lease(now, lengths);
            self.sync.started_at = Some(now);
            self.sync.triggered_at = Some(now);
        }
        may
    }

    /// Moves the cursor; false, and nothing is changed, when it is another one than was seen.
    pub fn on_page(&mut self, cursor: CursorMove) -> bool {
        let stored = &mut self.sync.cursor;
        if stored.revision != cursor.seen_revision {
            return false;
        }
        stored.revision += 1;
        if let Some(to) = cursor.to {
            stored.value = to.value;
            stored.issued_at = Some(to.issued_at);
            stored.complete = to.complete;
            stored.limit = Some(to.limit);
        }
        self.move_full_fetch(cursor.full_fetch);
        true
    }

    /// Devices were added to the list, or (negative) taken from it.
    pub fn on_devices_counted(&mut self, more: i64) {
        self.sync.device_count = self.sync.device_count.saturating_add(more).max(0);
    }

    /// A run ended. Answers what is believed of the token by now, where Apple was asked.
    pub fn on_sync_ended(&mut self, end: &SyncEnd) -> Option<TokenState> {
        let now = end.now;
        self.lease.until = None;
        let is_complete = end.outcome == SyncOutcome::Token(TokenState::Ok);
        let shown = match end.outcome {
            // Also a success: as every answer that is not bare, it ends what was refused before.
            SyncOutcome::Token(state) => Some(self.on_fault(end.fault.unwrap_or(AppleFault::of(state)), now)),
            _ => None,
        };
        if is_complete {
            self.token.state = self.assignment.fault.unwrap_or(TokenState::Ok);
            self.sync.succeeded_at = Some(now);
            self.sync.failures = 0;
            self.sync.cursor.repeats = 0;
        } else {
            self.token.state = shown.unwrap_or(self.token.state);
            self.sync.failures += 1;
            self.sync.cursor.repeats += i64::from(end.repeats_cursor);
        }
        self.sync.due_at = Some(match self.sync.requests == end.seen_requests {
            true => end.next_due,
            false => later(end.started_at, BETWEEN_SYNCS)
                .max(self.sync.due_at.unwrap_or(now))
                .min(later(now, BETWEEN_SYNCS)),
        });
        self.move_full_fetch(end.full_fetch);
        shown
    }

    /// Somebody asked for a sync; with `full`, for one that ends with a fetch of everything. False without a token.
    pub fn on_requested(&mut self, now: Timestamp, full: bool) -> bool {
        if self.token.in_use.is_none() {
            return false;
        }
        self.request_sync(now);
        if full {
            self.sync.full_fetch_due_at = Some(now);
        }
        self.retry_assignment(now);
        true
    }

    /// Apple does not have devices any more that it listed: a complete fetch is due, at `soonest`.
    pub fn on_fetch_wanted(&mut self, soonest: Timestamp) {
        let sooner = |due: Option<Timestamp>| due.map(|due| due.min(soonest));
        self.sync.full_fetch_due_at = sooner(self.sync.full_fetch_due_at);
        self.sync.due_at = sooner(self.sync.due_at);
    }

    pub(super) fn request_sync(&mut self, now: Timestamp) {
        self.sync.requests += 1;
        self.sync.triggered_at = Some(now);
        let soonest = self
            .sync
            .started_at
            .filter(|started| *started <= now)
            .map(|started| later(started, BETWEEN_SYNCS));
        self.sync.due_at = Some(soonest.map_or(now, |soonest| soonest.max(now)));
    }

    fn move_full_fetch(&mut self, to: Option<FullFetchMove>) {
        if let Some(to) = to
            && to.seen == self.sync.full_fetch_due_at
        {
            self.sync.full_fetch_due_at = Some(to.to);
        }
    }
}

/// How long something rests after `failures` in a row before this one.
pub fn pause_after(failures: i64, lengths: &Lengths) -> SignedDuration {
    let pause = usize::try_from(failures).ok().and_then(|failures| AFTER_FAILURES.get(failures));
    pause.map_or(lengths.sync_interval, |pause| (*pause).min(lengths.sync_interval))
}
