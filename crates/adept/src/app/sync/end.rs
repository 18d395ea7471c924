//! How a run ends: what is noted of the token, and when the next run is due.

use std::time::Duration;

use adept_apple::error::AppleError;
use jiff::SignedDuration;

use super::{
    super::{Error, SyncRunner, failpoint},
    walk::Plan,
};
use crate::{
    domain::{
        Lease, SettingId, SyncKind, SyncOutcome, TokenState,
        deadline::{Lengths, later},
        setting_state::{AppleFault, FullFetchMove, SyncEnd, pause_after},
    },
    storage::{Claim, RunPart},
};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything was read to the end.
    Complete,
    /// Apple showed this of the token.
    State(AppleFault),
    /// Apple asked to wait.
    Wait(AppleFault, Duration),
    /// Apple gave a cursor of such a chain for the second time; nothing was learned of the token.
    RepeatedCursor(SyncKind),
    /// Something of ours failed; nothing was learned of the token.
    BrokenOff,
    /// Lease, token or setting changed: what was learned last is discarded.
    Superseded,
    /// The process stops: what was learned last is discarded.
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

impl SyncRunner {
    pub(super) async fn end_sync(&self, claim: &Claim, Ended { outcome, error }: Ended) -> Result<(), Error> {
        let now = self.clock.now();
        let lease = &claim.lease;
        let failures = claim.state.sync.failures;
        // A full resync leaves the stored cursor alone; the deltas go on from it, and the fetch waits.
        let stuck = match outcome {
            Outcome::RepeatedCursor(kind) => Some(kind),
            _ => None,
        };
        let release = |outcome| self.leases.release(lease, outcome);
        let (outcome, fault, pause) = match outcome {
            Outcome::Complete => (SyncOutcome::Token(TokenState::Ok), None, self.sync_interval),
            Outcome::State(fault) => {
                (SyncOutcome::Token(fault.state), Some(fault), pause_after_failures(&self.lengths, failures))
            }
            // A wait that lasts longer is asked for again then.
            Outcome::Wait(fault, rest) => {
                (SyncOutcome::Token(fault.state), Some(fault), rest.min(self.sync_interval))
            }
            Outcome::RepeatedCursor(_) => {
                (SyncOutcome::RepeatedCursor, None, pause_after_failures(&self.lengths, failures))
            }
            Outcome::BrokenOff => {
                (SyncOutcome::BrokenOff, None, pause_after_failures(&self.lengths, failures))
            }
            Outcome::Superseded => return release(SyncOutcome::Superseded).await,
            Outcome::Interrupted => return release(SyncOutcome::Interrupted).await,
        };
        let after =
            |pause| later(now, SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_hours(1)));
        let end = SyncEnd {
            outcome,
            fault,
            code: error.as_ref().and_then(|error| error.code.clone()),
            started_at: claim.started_at,
            now,
            next_due: after(pause),
            seen_requests: claim.state.sync.requests,
            repeats_cursor: stuck.is_some_and(|kind| kind != SyncKind::FullResync),
            full_fetch: (stuck == Some(SyncKind::FullResync)).then(|| FullFetchMove {
                seen: claim.state.sync.full_fetch_due_at,
                to: after(self.sync_interval),
            }),
        };
        let kind = Plan::of(&claim.state, claim.state.page_limit, claim.started_at, &self.lengths).kind();
        let part = RunPart { started_at: claim.started_at, now, kind, pages: 0, unreadable: 0 };
        match self.syncs.end(lease, &part, end).await? {
            None => release(SyncOutcome::Superseded).await?,
            Some(None | Some(TokenState::Ok)) => {}
            Some(Some(state)) => {
                log_end(lease.key.id, state, error.as_ref());
                self.use_other_token(lease, fault, state).await?;
            }
        }
        failpoint::at("sync-ended");
        Ok(())
    }

    /// Of two tokens that are kept until one is verified the other one is used, if Apple refused this one as a credential.
    async fn use_other_token(
        &self,
        lease: &Lease,
        fault: Option<AppleFault>,
        believed: TokenState,
    ) -> Result<(), Error> {
        let is_refused = fault.is_some_and(|fault| fault.is_about_credential && fault.state == believed);
        if !is_refused && believed != TokenState::Expired {
            return Ok(());
        }
        match self.apple.tokens_of(lease.key).await? {
            Some(known) if known.setting.token_generation == lease.generation => {
                self.checks.restore_other_token(&known, believed).await.map(drop)
            }
            _ => Ok(()),
        }
    }
}

/// How long a setting waits after so many failures in a row.
pub(in crate::app) fn pause_after_failures(lengths: &Lengths, failures: i64) -> Duration {
    let pause = Duration::try_from(pause_after(failures, lengths));
    pause.unwrap_or(Duration::from_secs(3600))
}

/// One line for the operator: the problem, who must do what, and what Apple said.
fn log_end(setting: SettingId, state: TokenState, error: Option<&AppleError>) {
    let detail = error.and_then(|error| error.detail.as_deref());
    let (state, means) = (state.as_str(), state.sentence());
    match error {
        Some(error) => tracing::warn!(%setting, state, detail, means, "Apple ended a sync: {error}"),
        None => tracing::warn!(%setting, state, means, "a sync ended early"),
    }
}
