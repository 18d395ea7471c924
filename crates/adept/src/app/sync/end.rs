//! How a run ends: what is noted of the token, and when the next run is due.

use std::time::Duration;

use adept_apple::error::AppleError;
use jiff::{SignedDuration, Timestamp};

use super::{
    super::{App, Error, failpoint},
    walk::Plan,
};
use crate::{
    domain::{SettingId, SyncKind, SyncOutcome, TokenState},
    storage::{BETWEEN_SYNCS, Claim, FullFetchMove, RunPart, SyncEnd},
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
    /// Apple gave a cursor of such a chain for the second time; nothing was learned of the token.
    RepeatedCursor(SyncKind),
    /// Something of ours failed; nothing was learned of the token.
    BrokenOff,
    /// Lease, token or setting changed: what was learned last is discarded.
    Superseded,
    /// The process stops.
    Interrupted,
}

/// An outcome, and the answer of Apple's that led to it.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) error: Option<AppleError>,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, error: None }
    }
}

impl App {
    pub(super) async fn end_sync(&self, claim: &Claim, Ended { outcome, error }: Ended) -> Result<(), Error> {
        let now = self.clock.now();
        // A full resync leaves the stored cursor alone; the deltas go on from it, and the fetch waits.
        let stuck = match outcome {
            Outcome::RepeatedCursor(kind) => Some(kind),
            _ => None,
        };
        let (outcome, pause) = match outcome {
            Outcome::Complete => (SyncOutcome::Token(TokenState::Ok), self.options.sync_interval),
            Outcome::State(state) => (SyncOutcome::Token(state), self.pause_after(claim.failures)),
            Outcome::Wait(state, rest) => (SyncOutcome::Token(state), rest),
            Outcome::RepeatedCursor(_) => (SyncOutcome::RepeatedCursor, self.pause_after(claim.failures)),
            Outcome::BrokenOff => (SyncOutcome::BrokenOff, self.pause_after(claim.failures)),
            Outcome::Superseded => return self.give_back(claim, SyncOutcome::Superseded).await,
            Outcome::Interrupted => return self.give_back(claim, SyncOutcome::Interrupted).await,
        };
        if let SyncOutcome::Token(state) = outcome
            && state != TokenState::Ok
        {
            tell(claim.lease.setting, state, error.as_ref());
        }
        let after =
            |pause| later(now, SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_hours(1)));
        let end = SyncEnd {
            outcome,
            code: error.and_then(|error| error.code),
            now,
            next_due: after(pause),
            soonest: later(claim.started_at, BETWEEN_SYNCS),
            repeats_cursor: stuck.is_some_and(|kind| kind != SyncKind::FullResync),
            full_fetch: (stuck == Some(SyncKind::FullResync))
                .then(|| FullFetchMove { seen: claim.full_fetch_due, to: after(self.options.sync_interval) }),
        };
        let kind = Plan::of(claim, claim.page_limit, claim.started_at).kind();
        let part = RunPart { started_at: claim.started_at, now, kind, pages: 0 };
        if !self.storage.end_sync(claim, &part, &end).await? {
            self.give_back(claim, SyncOutcome::Superseded).await?;
        }
        failpoint::at("sync-ended");
        Ok(())
    }

    async fn give_back(&self, claim: &Claim, outcome: SyncOutcome) -> Result<(), Error> {
        Ok(self.storage.release_lease(&claim.lease, outcome, self.clock.now()).await?)
    }

    pub(in crate::app) fn pause_after(&self, failures: i64) -> Duration {
        let pause = usize::try_from(failures).ok().and_then(|failures| AFTER_FAILURES.get(failures));
        pause.map_or(self.options.sync_interval, |seconds| {
            Duration::from_secs(*seconds).min(self.options.sync_interval)
        })
    }
}

/// One line for the operator: what is the matter, who must do what, and what Apple said.
pub(super) fn tell(setting: SettingId, state: TokenState, error: Option<&AppleError>) {
    let detail = error.and_then(|error| error.detail.as_deref());
    let (state, means) = (state.as_str(), state.sentence());
    match error {
        Some(error) => tracing::warn!(%setting, state, detail, means, "Apple ended a sync: {error}"),
        None => tracing::warn!(%setting, state, means, "a sync ended early"),
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}
