//! The end of a fetch: which devices it did not list, whether that is believed, and when the next one is owed.
//!
//! Only a fetch that one run read from its first page to its last can tell. Too many missing devices are rather a
//! mistake of Apple's: they are noted, and absent only when a second complete fetch, at least a sync interval later,
//! misses them again, or when Apple says of a random sample of them that it is not accessible.

use std::collections::BinaryHeap;

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{Error, SyncRunner, failpoint},
    Run,
    pages::FetchProgress,
    seen::{CompleteSeen, Seen},
};
use crate::{
    domain::{SettingId, SyncKind, is_same_serial, setting_state::FullFetchMove, too_many_absent},
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

/// What is done with missing devices.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Belief {
    /// They are absent.
    All,
    /// Only those that an earlier fetch, before this time, had missed too.
    AbsentSince(Timestamp),
}

impl SyncRunner {
    /// Settles what a fetch that came to its end did not list; `seen` is none when it cannot tell. Answers how many are
    /// absent by this; none: the lease, the token or the cursor is another one by now.
    pub(super) async fn end_fetch(
        &self,
        run: &Run,
        kind: SyncKind,
        seen: Option<Seen>,
        left: &mut FetchProgress,
    ) -> Result<Option<i64>, Error> {
        let claim = &run.claim;
        let told = seen.is_some();
        let settled = match seen {
            Some(seen) => self.settle_absent(run, kind, &seen.complete(), &mut left.revision).await?,
            None => Some(Settled::default()),
        };
        let Some(Settled { absent, left: doubted }) = settled else { return Ok(None) };
        let now = self.clock.now();
        let next_full_fetch = match claim.state.sync.full_fetch_due_at {
            _ if doubted > 0 => later(now, self.sync_interval),
            // It was read in several runs, or not to be read in whole: what left meanwhile is found by another one. A
            // full resync tries again in its time only.
            Some(_) if !told && kind == SyncKind::FullFetch => now,
            _ => self.next_full_fetch(claim.lease.key.id, now),
        };
        let full_fetch = FullFetchMove { seen: left.full_fetch_due, to: next_full_fetch };
        let noted = self.syncs.end_fetch(&claim.lease, left.revision, full_fetch).await?;
        *left = FetchProgress { revision: left.revision + 1, full_fetch_due: Some(next_full_fetch) };
        failpoint::at("fetch-ended");
        Ok(noted.then_some(absent))
    }

    /// None: superseded.
    async fn settle_absent(
        &self,
        run: &Run,
        kind: SyncKind,
        seen: &CompleteSeen,
        revision: &mut i64,
    ) -> Result<Option<Settled>, Error> {
        let claim = &run.claim;
        if self.syncs.lists_no_more_than(&claim.lease, seen.len()).await? {
            return Ok(Some(Settled::default()));
        }
        let found = self.find_absent(claim, seen).await?;
        if found.missing == 0 && found.back == 0 {
            return Ok(Some(Settled::default()));
        }
        let (missing, listed) = (found.missing, found.listed);
        let believed = !too_many_absent(missing, listed) || self.nowhere(run, found.sample).await?;
        let belief = match believed {
            true => Belief::All,
            false => Belief::AbsentSince(earlier(claim.started_at, self.sync_interval)),
        };
        let settled = self.settle(claim, kind, seen, belief, revision).await?;
        let Some(Settled { absent, left }) = settled else { return Ok(None) };
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

    async fn find_absent(&self, claim: &Claim, seen: &CompleteSeen) -> Result<Missing, Error> {
        let mut found = Missing::default();
        let mut after = String::new();
        loop {
            let rows = self
                .syncs
                .listed_by_apple(&claim.lease, (claim.started_at, self.clock.now()), &after, ROWS)
                .await?;
            let Some(last) = rows.last() else { return Ok(found) };
            after.clone_from(&last.key);
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

    /// Marks what is believed to be absent, and notes what is not. None: superseded.
    async fn settle(
        &self,
        claim: &Claim,
        kind: SyncKind,
        seen: &CompleteSeen,
        belief: Belief,
        revision: &mut i64,
    ) -> Result<Option<Settled>, Error> {
        let mut settled = Settled::default();
        let mut after = String::new();
        loop {
            let rows = self
                .syncs
                .listed_by_apple(&claim.lease, (claim.started_at, self.clock.now()), &after, ROWS)
                .await?;
            let Some(last) = rows.last() else { return Ok(Some(settled)) };
            after.clone_from(&last.key);
            let mut action = AbsentAction::default();
            for ListedDevice { key, absent_since, .. } in rows {
                match (seen.holds(&key), absent_since, belief) {
                    (true, None, _) => {}
                    (true, Some(_), _) => action.listed_again.push(key),
                    (false, _, Belief::All) => action.absent.push(key),
                    (false, Some(since), Belief::AbsentSince(before)) if since <= before => {
                        action.absent.push(key);
                    }
                    (false, _, Belief::AbsentSince(_)) => action.unconfirmed.push(key),
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
            let Some(absent) = absent else { return Ok(None) };
            *revision += 1;
            settled.absent += absent;
        }
    }

    /// A full resync is due about a week later, a setting's own little while before that, so that not all are at once.
    fn next_full_fetch(&self, setting: SettingId, now: Timestamp) -> Timestamp {
        let interval = self.full_fetch_interval;
        let lot = (setting.0.as_u128() & 0xffff) as u32;
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

fn later(time: Timestamp, by: std::time::Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(time)
}

fn earlier(time: Timestamp, by: std::time::Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_sub(by).ok()).unwrap_or(time)
}
