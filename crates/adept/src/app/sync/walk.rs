//! The walk over Apple's pages: which chain is read, from where, and what ends it. It stores nothing; `pages` does,
//! while the next pages are being read.

use std::{collections::HashSet, convert::Infallible};

use adept_apple::{
    device::DevicePage,
    error::{AppleError, AppleErrorKind, Endpoint},
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::{
    super::{SyncRunner, counters::Counted, failpoint},
    Outcome, Run,
    bounds::Bounds,
    record::record,
};
use crate::domain::{
    AppleRecord, SettingState, SyncKind, TokenState,
    deadline::{Lengths, past},
    setting_state::CursorPosition,
};

/// Apple forgets a cursor after seven days; ours is given up a little sooner.
const CURSOR_AGE: SignedDuration = SignedDuration::from_hours(6 * 24 + 20);

/// After so many runs in a row that met a cursor for the second time, the cursor is given up. Observed: Apple has
/// answered one and the same cursor with more to follow, without end.
const REPEATS: i64 = 3;

/// A page that was read, and what it means.
pub(super) struct ReadPage {
    pub(super) records: Vec<AppleRecord>,
    /// A fetch moves the cursor page by page and can go on after an interruption; a full resync leaves the
    /// cursor of the deltas until its end.
    pub(super) kind: SyncKind,
    /// Where the cursor goes; none leaves it.
    pub(super) to: Option<CursorPosition>,
    /// The first page of a fetch that is read from its beginning.
    pub(super) begins: bool,
    /// The last page of a fetch.
    pub(super) ends: bool,
    /// Whether Apple answered with a page, not only that there is none.
    pub(super) whole: bool,
    /// Records without a serial number.
    pub(super) unreadable: i64,
    /// Pages of Apple's that this stands for.
    pub(super) pages: i64,
}

/// What a run reads first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Fetch or deltas.
    kind: SyncKind,
    /// From the stored cursor.
    resumes: bool,
    /// A full resync is due when the deltas are read.
    reconciles: bool,
}

impl Plan {
    /// What is read at `now`, with `limit` devices per page.
    pub(super) fn of(state: &SettingState, limit: u32, now: Timestamp, lengths: &Lengths) -> Self {
        let cursor = &state.sync.cursor;
        let age = cursor.issued_at.map(|issued| now.duration_since(past(issued, now)));
        let other_limit = !cursor.complete && cursor.limit.is_some_and(|stored| stored != limit);
        let fresh = cursor.value.is_none()
            || age.is_none_or(|age| age > CURSOR_AGE)
            || other_limit
            || cursor.repeats >= REPEATS;
        let deltas = cursor.complete && !fresh;
        Self {
            kind: if deltas { SyncKind::Delta } else { SyncKind::FullFetch },
            resumes: !fresh,
            reconciles: deltas && state.is_full_fetch_due(now, lengths),
        }
    }

    /// What the run is called as a whole.
    pub(super) fn kind(self) -> SyncKind {
        if self.reconciles { SyncKind::FullResync } else { self.kind }
    }
}

/// Where the reader stands in a chain of pages.
struct Chain {
    kind: SyncKind,
    cursor: Option<String>,
    issued_at: Timestamp,
    /// Cursors of this chain that had more to follow.
    followed: HashSet<String>,
    /// No page of it was read yet, and it was not begun by an earlier run.
    at_beginning: bool,
}

impl Chain {
    fn new(kind: SyncKind, cursor: Option<String>, issued_at: Timestamp) -> Self {
        let at_beginning = cursor.is_none();
        Self { kind, cursor, issued_at, followed: HashSet::new(), at_beginning }
    }

    fn fetches(&self) -> bool {
        self.kind != SyncKind::Delta
    }

    /// Takes the page's cursor over; true when it leads nowhere new.
    fn advance(&mut self, page: &DevicePage, now: Timestamp) -> bool {
        let same = page.cursor.is_none() || page.cursor == self.cursor;
        if !same {
            self.cursor.clone_from(&page.cursor);
            self.issued_at = now;
        }
        let seen = self.cursor.as_ref().is_none_or(|cursor| !self.followed.insert(cursor.clone()));
        page.more_to_follow && (same || seen)
    }
}

impl SyncRunner {
    /// Reads page after page, and answers how that ended.
    pub(super) async fn read_pages(
        &self,
        run: &Run,
        read: mpsc::Sender<ReadPage>,
    ) -> Result<Infallible, Outcome> {
        let (claim, session) = (&run.claim, &run.access.session);
        let mut limit = claim.state.page_limit;
        let mut asked_account = run.needs_verification();
        if asked_account {
            limit = self.tokens.verify_token(claim, &run.access).await?;
        }
        let now = self.clock.now();
        let plan = Plan::of(&claim.state, limit, now, &self.lengths);
        let cursor = claim.state.sync.cursor.value.clone().filter(|_| plan.resumes);
        let mut chain = Chain::new(plan.kind, cursor, claim.state.sync.cursor.issued_at.unwrap_or(now));
        let mut reconciles = plan.reconciles;
        let mut started_over = false;
        let mut asked_limit = false;
        let mut bounds = Bounds::default();
        let (mut pages, mut told_unreadable) = (0_usize, false);
        loop {
            let begins = chain.fetches() && chain.at_beginning;
            // The first fetch follows an upload, which has just asked.
            if begins && !asked_account && claim.state.sync.full_fetch_due_at.is_some() {
                limit = self.tokens.verify_token(claim, &run.access).await?;
                asked_account = true;
            }
            let asked = match (&chain.cursor, chain.fetches()) {
                (Some(cursor), false) => session.sync_devices(cursor, limit).await,
                (cursor, _) => session.fetch_devices(cursor.as_deref(), limit).await,
            };
            failpoint::at("page-read");
            let (page, whole) = match asked {
                Ok(page) => (page, true),
                Err(error) => match error.kind {
                    // A fetch cursor that has returned everything is a cursor for deltas.
                    AppleErrorKind::ExhaustedCursor => (DevicePage::default(), false),
                    AppleErrorKind::InvalidCursor
                    | AppleErrorKind::ExpiredCursor
                    | AppleErrorKind::CursorRequired
                        if !started_over =>
                    {
                        tracing::info!(setting = %claim.lease.key.id, "Apple gave up our cursor ({error}); fetching again");
                        started_over = true;
                        let kind =
                            if chain.kind == SyncKind::FullResync { chain.kind } else { SyncKind::FullFetch };
                        reconciles = false;
                        chain = Chain::new(kind, None, self.clock.now());
                        bounds.start_over();
                        continue;
                    }
                    // Apple may have lowered the number of devices that a page may hold.
                    AppleErrorKind::MalformedRequest if !asked_limit && is_about_page(&error) => {
                        asked_limit = true;
                        let lower = self.tokens.verify_token(claim, &run.access).await?;
                        if lower >= limit {
                            return Err(Outcome::Apple(error));
                        }
                        tracing::info!(setting = %claim.lease.key.id, limit, lower, "Apple refused a page; going on with the account's limit");
                        limit = lower;
                        asked_account = true;
                        // The cursor of a fetch belongs to the limit that it was begun with.
                        if chain.fetches() && chain.cursor.is_some() {
                            chain = Chain::new(chain.kind, None, self.clock.now());
                            bounds.start_over();
                        }
                        continue;
                    }
                    _ => return Err(Outcome::Apple(error)),
                },
            };
            pages += 1;
            if page.unreadable > 0 && !told_unreadable {
                told_unreadable = true;
                tracing::warn!(setting = %claim.lease.key.id, page = pages, records = page.unreadable,
                    "Apple sent device records without a serial number, which were left out; further pages of this run may \
                     hold some too");
            }
            let exceeded =
                bounds.exceeded_by(page.devices.iter().map(|device| device.serial_number.as_str()));
            let unreadable = i64::try_from(page.unreadable).unwrap_or(i64::MAX);
            let stuck = chain.advance(&page, self.clock.now());
            let at_end = !page.more_to_follow;
            let ends = at_end && chain.fetches();
            let place = CursorPosition {
                value: chain.cursor.clone(),
                issued_at: chain.issued_at,
                complete: at_end || !chain.fetches(),
                limit,
            };
            let page = ReadPage {
                records: page.devices.into_iter().map(record).collect(),
                kind: chain.kind,
                to: (chain.kind != SyncKind::FullResync || ends).then_some(place),
                begins,
                ends,
                whole,
                unreadable,
                pages: 1,
            };
            chain.at_beginning = false;
            if read.send(page).await.is_err() {
                return Err(Outcome::Superseded);
            }
            if exceeded && !at_end {
                tracing::warn!(setting = %claim.lease.key.id, kind = chain.kind.as_str(), pages,
                    "Apple sends pages without end; the walk stops until the next sync");
                return Err(Outcome::State(TokenState::NotUnderstood));
            }
            if stuck {
                self.counters.add(Counted::RepeatedCursor, 1);
                // A full resync does not count: the stored cursor is not its own.
                let in_a_row =
                    (chain.kind != SyncKind::FullResync).then_some(claim.state.sync.cursor.repeats + 1);
                tracing::warn!(
                    setting = %claim.lease.key.id, kind = chain.kind.as_str(), in_a_row,
                    "Apple repeats a cursor; the walk stops until the next sync"
                );
                return Err(Outcome::RepeatedCursor(chain.kind));
            }
            chain = match (at_end, ends) {
                (false, _) => chain,
                (true, true) => {
                    bounds.start_over();
                    Chain::new(SyncKind::Delta, chain.cursor, chain.issued_at)
                }
                (true, false) if reconciles => {
                    reconciles = false;
                    tracing::info!(setting = %claim.lease.key.id, "fetching everything again, to find what deltas missed");
                    bounds.start_over();
                    Chain::new(SyncKind::FullResync, None, self.clock.now())
                }
                (true, false) => return Err(Outcome::Complete),
            };
        }
    }
}

/// Whether Apple refused a page for how it was asked for.
fn is_about_page(error: &AppleError) -> bool {
    error.clock_skew.is_none() && matches!(error.endpoint, Endpoint::FetchDevices | Endpoint::SyncDevices)
}
