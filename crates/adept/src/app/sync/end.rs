//! How a run ends: what is noted of the token, and when the next run is due.

use adept_apple::error::AppleError;
use jiff::{SignedDuration, Timestamp};

use super::{
    super::{Error, SyncRunner, apple, failpoint},
    walk::Plan,
};
use crate::{
    domain::{
        Lease, SettingId, SyncKind, SyncOutcome, TokenState,
        deadline::later,
        setting_state::{AppleFault, FullFetchMove, SyncEnd, pause_after},
    },
    storage::{self, Claim, RunPart},
};

/// How a run ended.
pub(in crate::app) enum Outcome {
    /// Everything was read to the end.
    Complete,
    /// The token turned out to be in this state.
    State(TokenState),
    /// Apple asked earlier to wait until then.
    Wait(Timestamp),
    /// An error of Apple's.
    Apple(AppleError),
    /// Apple gave a cursor of such a chain for the second time; nothing was learned of the token.
    RepeatedCursor(SyncKind),
    /// Something of ours failed; nothing was learned of the token.
    Failed(Error),
    /// Lease, token or setting changed: what was learned last is discarded.
    Superseded,
    /// The process stops: what was learned last is discarded.
    Interrupted,
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<storage::Error> for Outcome {
    fn from(error: storage::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl SyncRunner {
    pub(super) async fn end_sync(&self, claim: &Claim, outcome: Outcome) -> Result<(), Error> {
        let (lease, state, now) = (&claim.lease, &claim.state.sync, self.clock.now());
        let (interval, pause) = (self.lengths.sync_interval, pause_after(state.failures, &self.lengths));
        let of_token = |fault: AppleFault, pause| (SyncOutcome::Token(fault.state), Some(fault), pause);
        let (mut error, mut stuck) = (None, None);
        let (outcome, fault, pause) = match outcome {
            Outcome::Complete => (SyncOutcome::Token(TokenState::Ok), None, interval),
            Outcome::State(state) => of_token(AppleFault::of(state), pause),
            // A wait that lasts longer is asked for again then.
            Outcome::Wait(until) => {
                let rest = until.duration_since(now).max(SignedDuration::ZERO);
                of_token(AppleFault::of(TokenState::Throttled), rest.min(interval))
            }
            Outcome::Apple(answer) => {
                // However short a wait is, Apple is not asked without pause.
                let wait = SignedDuration::try_from(answer.server_wait().unwrap_or_default());
                let pause = wait.unwrap_or(interval).max(pause).min(interval);
                of_token(apple::fault_of(error.insert(answer)), pause)
            }
            Outcome::RepeatedCursor(kind) => {
                stuck = Some(kind);
                (SyncOutcome::RepeatedCursor, None, pause)
            }
            Outcome::Failed(failed) => {
                tracing::warn!(setting = %lease.key.id, cause = failed.cause(), "a sync was broken off: {failed}");
                (SyncOutcome::BrokenOff, None, pause)
            }
            Outcome::Superseded => return self.leases.release(lease, SyncOutcome::Superseded).await,
            Outcome::Interrupted => return self.leases.release(lease, SyncOutcome::Interrupted).await,
        };
        let end = SyncEnd {
            outcome,
            fault,
            code: error.as_ref().and_then(|error| error.code.clone()),
            started_at: claim.started_at,
            now,
            next_due: later(now, pause),
            seen_requests: state.requests,
            repeats_cursor: stuck.is_some_and(|kind| kind != SyncKind::FullResync),
            // A full resync leaves the stored cursor alone; the deltas go on from it, and the fetch waits.
            full_fetch: (stuck == Some(SyncKind::FullResync))
                .then(|| FullFetchMove { seen: state.full_fetch_due_at, to: later(now, interval) }),
        };
        let kind = Plan::of(&claim.state, claim.state.page_limit, claim.started_at, &self.lengths).kind();
        let part = RunPart { started_at: claim.started_at, now, kind, pages: 0, unreadable: 0 };
        match self.syncs.end(lease, &part, end).await? {
            None => self.leases.release(lease, SyncOutcome::Superseded).await?,
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
                self.tokens.restore_other_token(&known, believed).await.map(drop)
            }
            _ => Ok(()),
        }
    }
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
