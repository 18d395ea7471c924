//! How a run ends: what is noted of the token, and when the next run is due.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::{App, Error};
use crate::{
    domain::TokenState,
    storage::{BETWEEN_SYNCS, Claim, SyncEnd},
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
    /// Something of ours failed; nothing was learned of the token.
    BrokenOff,
    /// Lease, token or setting changed, or the process stops: what was learned last is discarded.
    Overtaken,
}

impl App {
    pub(super) async fn end_sync(&self, claim: &Claim, outcome: Outcome) -> Result<(), Error> {
        let now = self.clock.now();
        let (state, succeeded, pause) = match outcome {
            Outcome::Complete => (Some(TokenState::Ok), true, self.options.sync_interval),
            Outcome::State(state) => (Some(state), false, self.pause_after(claim.failures)),
            Outcome::Wait(state, rest) => (Some(state), false, rest),
            Outcome::BrokenOff => (None, false, self.pause_after(claim.failures)),
            Outcome::Overtaken => return Ok(self.storage.release_lease(&claim.lease).await?),
        };
        let end = SyncEnd {
            state,
            succeeded,
            now,
            next_due: later(now, SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_hours(1))),
            soonest: later(claim.started_at, BETWEEN_SYNCS),
        };
        if !self.storage.end_sync(claim, &end).await? {
            self.storage.release_lease(&claim.lease).await?;
        }
        Ok(())
    }

    fn pause_after(&self, failures: i64) -> Duration {
        let pause = usize::try_from(failures).ok().and_then(|failures| AFTER_FAILURES.get(failures));
        pause.map_or(self.options.sync_interval, |seconds| {
            Duration::from_secs(*seconds).min(self.options.sync_interval)
        })
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}
