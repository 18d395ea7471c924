//! Stores the pages of a walk while the next ones are being read, and settles what a complete fetch did not list.

use std::{convert::Infallible, sync::Arc};

use jiff::Timestamp;
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    super::{Error, SyncRunner, counters::Counted, failpoint},
    Outcome, Run,
    seen::Seen,
    walk::ReadPage,
};
use crate::{
    domain::{
        DeviceChanges, OperationType, SyncKind,
        setting_state::{CursorMove, FullFetchMove},
    },
    storage::{Claim, RunPart},
};

/// Pages that one transaction stores at most. While Apple is quicker than the database, they gather; each is written
/// less often then, and every commit waits for the disk once.
const PAGES_PER_COMMIT: usize = 10;

/// Pages on their way from the reader, those gathered that belong into one transaction.
struct Pages {
    read: mpsc::Receiver<ReadPage>,
    held: Option<ReadPage>,
}

impl Pages {
    /// The next page, with those behind it that are there already and of its chain.
    async fn next(&mut self) -> Option<ReadPage> {
        let mut page = match self.held.take() {
            Some(held) => held,
            None => self.read.recv().await?,
        };
        for _ in 1..PAGES_PER_COMMIT {
            if page.ends {
                break;
            }
            match self.read.try_recv() {
                Ok(next) if next.kind == page.kind && !next.begins => page = page.followed_by(next),
                Ok(next) => {
                    self.held = Some(next);
                    break;
                }
                Err(_) => break,
            }
        }
        Some(page)
    }
}

impl ReadPage {
    /// Both, in their order: the cursor is the later one's.
    fn followed_by(mut self, next: Self) -> Self {
        self.records.extend(next.records);
        Self {
            records: self.records,
            begins: self.begins,
            whole: self.whole && next.whole,
            unreadable: self.unreadable + next.unreadable,
            pages: self.pages + next.pages,
            ..next
        }
    }
}

/// What this run left last in the setting's row, by which it sees whether someone else changed it since.
pub(super) struct FetchProgress {
    /// The cursor's revision.
    pub(super) revision: i64,
    /// When a complete fetch is owed.
    pub(super) full_fetch_due: Option<Timestamp>,
}

impl SyncRunner {
    /// Reads page after page, and at the same time stores those that were read.
    pub(super) async fn sync_pages(self: &Arc<Self>, run: &Arc<Run>) -> Result<Infallible, Outcome> {
        let (read, pages) = mpsc::channel(PAGES_PER_COMMIT);
        // A task of its own, so that the database never waits while a page is decoded; it ends with this call.
        let mut reader = JoinSet::new();
        let (app, reading) = (Arc::clone(self), Arc::clone(run));
        reader.spawn(async move { app.read_pages(&reading, read).await });
        if let Err(ended) = self.store_pages(run, Pages { read: pages, held: None }).await {
            // What was read is discarded; a wait that Apple asked for behind it is not.
            if let Some(Ok(Err(Outcome::Apple(error)))) = reader.try_join_next() {
                self.apple.keep_wait(run.key(), &run.access.consumer, &error).await?;
            }
            return Err(ended);
        }
        match reader.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => Err(Error::internal("the reader of pages stopped", error).into()),
            None => Err(Outcome::Superseded),
        }
    }

    /// Stores what was read, in order.
    async fn store_pages(&self, run: &Run, mut pages: Pages) -> Result<(), Outcome> {
        let claim = &run.claim;
        let state = &claim.state.sync;
        let mut left =
            FetchProgress { revision: state.cursor.revision, full_fetch_due: state.full_fetch_due_at };
        // What the fetch under way listed; none when it cannot be complete.
        let mut seen = None;
        let mut drift = DeviceChanges::default();
        while let Some(ReadPage { records, kind, to, begins, ends, whole, unreadable, pages }) =
            pages.next().await
        {
            if begins {
                seen = Some(Seen::default());
                drift = DeviceChanges::default();
            }
            if !whole {
                seen = None;
            }
            if let Some(seen) = &mut seen {
                let listed = records.iter().filter(|record| record.operation != Some(OperationType::Deleted));
                listed.for_each(|record| seen.add(&record.serial));
            }
            let now = self.clock.now();
            let part = RunPart { started_at: claim.started_at, now, kind, pages, unreadable };
            let full_fetch = ends.then_some(FullFetchMove { seen: left.full_fetch_due, to: now });
            let cursor = CursorMove { seen_revision: left.revision, to, full_fetch };
            let stored = self
                .syncs
                .commit_page(&claim.lease, records, cursor, &part, &mut self.fresh_ids(now))
                .await?;
            failpoint::at("page-stored");
            let folded = stored.ok_or(Outcome::Superseded)?;
            left.revision += 1;
            let back = self.check_ties(run, kind, &folded.ties, &mut left).await?;
            drift = drift.and(folded.changes).and(back);
            if ends {
                left.full_fetch_due = Some(now);
                drift.removed += self.end_fetch(run, kind, seen.take(), &mut left).await?;
                if kind == SyncKind::FullResync {
                    self.report_drift(claim, drift);
                }
            }
        }
        Ok(())
    }

    fn report_drift(&self, claim: &Claim, drift: DeviceChanges) {
        let DeviceChanges { added, changed, removed } = drift;
        for (change, devices) in [("added", added), ("changed", changed), ("removed", removed)] {
            self.counters.add(Counted::Drift(change), devices.unsigned_abs());
        }
        let setting = claim.lease.key.id;
        if drift == DeviceChanges::default() {
            tracing::info!(%setting, "a full resync found what the deltas had reported");
        } else {
            tracing::warn!(%setting, added, changed, removed, "a full resync found what no delta had reported");
        }
    }
}
