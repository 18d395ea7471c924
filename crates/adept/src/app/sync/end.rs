//! How a run ends: what is noted of the token, and when the next run is due.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{App, Error, failpoint},
    walk::Plan,
};
use crate::{
    domain::{SyncOutcome, TokenState},
    storage::{BETWEEN_SYNCS, Claim, RunPart, SyncEnd},
};

/// After failures in a row, in seconds: soon at first, then at the usual interval.
const AFTER_FAILURES: [u64; 3] = [60, 5 * 60, 15 * 60];

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything was read to the end.
    Complete,
    /// Apple showed this of the token.
    State(TokenState),
    /// Apple asked to wait.
    Wait(TokenState, Duration),
    /// Apple gave a cursor for the second time; nothing was learned of the token.
    RepeatedCursor,
    /// Something of ours failed; nothing was learned of the token.
    BrokenOff,
    /// Lease, token or setting changed, or the process stops: what was learned last is discarded.
    Overtaken,
}

/// An outcome, and what Apple called it.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// Apple's code.
    pub(super) code: Option<String>,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, code: None }
    }
}

impl App {
    pub(super) async fn end_sync(&self, claim: &Claim, Ended { outcome, code }: Ended) -> Result<(), Error> {
        let now = self.clock.now();
        let (outcome, pause) = match outcome {
            Outcome::Complete => (SyncOutcome::Token(TokenState::Ok), self.options.sync_interval),
            Outcome::State(state) => (SyncOutcome::Token(state), self.pause_after(claim.failures)),
            Outcome::Wait(state, rest) => (SyncOutcome::Token(state), rest),
            Outcome::RepeatedCursor => (SyncOutcome::RepeatedCursor, self.pause_after(claim.failures)),
            Outcome::BrokenOff => (SyncOutcome::BrokenOff, self.pause_after(claim.failures)),
            Outcome::Overtaken => return Ok(self.storage.release_lease(&claim.lease, now).await?),
        };
        let end = SyncEnd {
            outcome,
            code,
            now,
            next_due: later(now, SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_hours(1))),
            soonest: later(claim.started_at, BETWEEN_SYNCS),
        };
        let kind = Plan::of(claim, claim.started_at).kind();
        let part = RunPart { started_at: claim.started_at, now, kind, pages: 0 };
        if !self.storage.end_sync(claim, &part, &end).await? {
            self.storage.release_lease(&claim.lease, now).await?;
        }
        failpoint::at("sync-ended");
        Ok(())
    }

    pub(in crate::app) fn pause_after(&self, failures: i64) -> Duration {
        let pause = usize::try_from(failures).ok().and_then(|failures| AFTER_FAILURES.get(failures));
        pause.map_or(self.options.sync_interval, |seconds| {
            Duration::from_secs(*seconds).min(self.options.sync_interval)
        })
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}
