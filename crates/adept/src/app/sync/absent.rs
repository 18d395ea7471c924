//! The end of a fetch: which devices it did not list, whether that is believed, and when the next one is owed.
//!
//! Only a fetch that one run read from its first page to its last can tell. Too many missing devices are rather a
//! mistake of Apple's: they are noted, and absent only when a second complete fetch, at least a sync interval later,
//! misses them again, or when Apple says of a random sample of them that it is not accessible.

use std::collections::BinaryHeap;

use jiff::Timestamp;

use super::{
    super::{Error, SyncRunner, failpoint},
    Outcome, Run,
    pages::FetchProgress,
    seen::Seen,
};
use crate::{
    domain::{
        SettingId, SyncKind, deadline::later, is_same_serial, setting_state::FullFetchMove, too_many_absent,
    },
    storage::{AbsentAction, Claim, ListedDevice, RunPart},
};

/// Devices that Apple is asked about before many are marked as absent.
const SAMPLE: usize = 50;

/// Rows that are looked at in one transaction.
const ROWS: i64 = 5000;

/// What Apple's details say of a device that is not this server's.
const NOT_ACCESSIBLE: &str = "NOT_ACCESSIBLE";

/// What a walk over the stored devices found.
#[derive(Default)]
struct Missing {
    /// Devices that the fetch should have listed.
    listed: usize,
    /// Of these, those that it did not list.
    missing: usize,
    /// Devices that had been missed and are listed again.
    back: usize,
    /// A random sample of the missing ones: those with the smallest lots.
    sample: BinaryHeap<(u64, String)>,
}

/// What became of missing devices.
#[derive(Clone, Copy, Default)]
struct Settled {
    /// Marked as absent.
    absent: i64,
    /// Left as they are, since too many are missing.
    left: usize,
}

impl SyncRunner {
    /// Settles what a fetch that came to its end did not list; `seen` is none when it cannot tell. Answers how many are
    /// absent by this.
    pub(super) async fn end_fetch(
        &self,
        run: &Run,
        kind: SyncKind,
        seen: Option<Seen>,
        left: &mut FetchProgress,
    ) -> Result<i64, Outcome> {
        let claim = &run.claim;
        let told = seen.is_some();
        let Settled { absent, left: doubted } = match seen {
            Some(seen) => self.settle_absent(run, kind, seen, &mut left.revision).await?,
            None => Settled::default(),
        };
        let now = self.clock.now();
        let next_full_fetch = match claim.state.sync.full_fetch_due_at {
            _ if doubted > 0 => later(now, self.lengths.sync_interval),
            // It was read in several runs, or not to be read in whole: what left meanwhile is found by another one. A
            // full resync tries again in its time only.
            Some(_) if !told && kind == SyncKind::FullFetch => now,
            _ => self.next_full_fetch(claim.lease.key.id, now),
        };
        let full_fetch = FullFetchMove { seen: left.full_fetch_due, to: next_full_fetch };
        let noted = self.syncs.end_fetch(&claim.lease, left.revision, full_fetch).await?;
        *left = FetchProgress { revision: left.revision + 1, full_fetch_due: Some(next_full_fetch) };
        failpoint::at("fetch-ended");
        if noted { Ok(absent) } else { Err(Outcome::Superseded) }
    }

    async fn settle_absent(
        &self,
        run: &Run,
        kind: SyncKind,
        mut seen: Seen,
        revision: &mut i64,
    ) -> Result<Settled, Outcome> {
        let claim = &run.claim;
        if self.syncs.lists_no_more_than(&claim.lease, seen.complete()).await? {
            return Ok(Settled::default());
        }
        let Missing { listed, missing, back, sample } = self.find_absent(claim, &seen).await?;
        if missing == 0 && back == 0 {
            return Ok(Settled::default());
        }
        let believed = !too_many_absent(missing, listed) || self.nowhere(run, sample).await?;
        // Otherwise only those are that an earlier fetch, before this time, had missed too.
        let before = later(claim.started_at, -self.lengths.sync_interval);
        let is_absent = |since: Option<Timestamp>| believed || since.is_some_and(|since| since <= before);
        let settled = self.settle(claim, kind, &seen, is_absent, revision).await?;
        let Settled { absent, left } = settled;
        if left > 0 {
            tracing::warn!(
                setting = %claim.lease.key.id, missing, listed, absent, left,
                "a complete fetch misses so many devices that they are left as they are until another one misses them too"
            );
        } else if absent > 0 {
            tracing::info!(setting = %claim.lease.key.id, absent, "a full fetch found that Apple no longer lists devices");
        }
        Ok(settled)
    }

    /// The next stored devices behind the key `after`, which moves on; none at the end.
    async fn listed_behind(&self, claim: &Claim, after: &mut String) -> Result<Vec<ListedDevice>, Error> {
        let until = (claim.started_at, self.clock.now());
        let rows = self.syncs.listed_by_apple(&claim.lease, until, after, ROWS).await?;
        if let Some(last) = rows.last() {
            after.clone_from(&last.key);
        }
        Ok(rows)
    }

    async fn find_absent(&self, claim: &Claim, seen: &Seen) -> Result<Missing, Error> {
        let mut found = Missing::default();
        let mut after = String::new();
        loop {
            let rows = self.listed_behind(claim, &mut after).await?;
            if rows.is_empty() {
                return Ok(found);
            }
            for ListedDevice { key, serial, absent_since } in rows {
                found.listed += 1;
                if seen.holds(&key) {
                    found.back += usize::from(absent_since.is_some());
                    continue;
                }
                found.missing += 1;
                found.sample.push((seen.lot(&key), serial));
                if found.sample.len() > SAMPLE {
                    found.sample.pop();
                }
            }
        }
    }

    /// Marks what is believed to be absent, and notes what is not.
    async fn settle(
        &self,
        claim: &Claim,
        kind: SyncKind,
        seen: &Seen,
        is_absent: impl Fn(Option<Timestamp>) -> bool,
        revision: &mut i64,
    ) -> Result<Settled, Outcome> {
        let mut settled = Settled::default();
        let mut after = String::new();
        loop {
            let rows = self.listed_behind(claim, &mut after).await?;
            if rows.is_empty() {
                return Ok(settled);
            }
            let mut action = AbsentAction::default();
            for ListedDevice { key, absent_since, .. } in rows {
                match (seen.holds(&key), absent_since) {
                    (true, None) => {}
                    (true, Some(_)) => action.listed_again.push(key),
                    (false, since) if is_absent(since) => action.absent.push(key),
                    (false, _) => action.unconfirmed.push(key),
                }
            }
            if action == AbsentAction::default() {
                continue;
            }
            settled.left += action.unconfirmed.len();
            let now = self.clock.now();
            let part = RunPart { started_at: claim.started_at, now, kind, pages: 0, unreadable: 0 };
            let absent = self.syncs.settle_absent(&claim.lease, *revision, &action, &part, now).await?;
            failpoint::at("absent-settled");
            settled.absent += absent.ok_or(Outcome::Superseded)?;
            *revision += 1;
        }
    }

    /// A full resync is due about a week later, a setting's own little while before that, so that not all are at once.
    fn next_full_fetch(&self, setting: SettingId, now: Timestamp) -> Timestamp {
        let interval = self.lengths.full_resync_interval;
        let lot = (setting.0.as_u128() & 0xffff) as i32;
        later(now, interval - (interval / 10) * lot / 0x1_0000)
    }

    /// Whether Apple says of every one of them that it is not accessible. No answer, or any other, is a no.
    async fn nowhere(&self, run: &Run, sample: BinaryHeap<(u64, String)>) -> Result<bool, Error> {
        let serials: Vec<String> = sample.into_iter().map(|(_, serial)| serial).collect();
        let details = match run.access.session.device_details(&serials).await {
            Ok(details) => details,
            Err(error) => {
                self.apple.keep_wait(run.key(), &run.access.consumer, &error).await?;
                return Ok(false);
            }
        };
        let absent = |serial: &String| {
            let device = details.iter().find(|(key, _)| is_same_serial(key, serial));
            let status = device.and_then(|(_, device)| device.response_status.as_deref());
            status.is_some_and(|status| status.eq_ignore_ascii_case(NOT_ACCESSIBLE))
        };
        Ok(serials.iter().all(absent))
    }
}
