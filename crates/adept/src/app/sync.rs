//! One synchronization of one setting: fetch to the end, then deltas; every page with its cursor in one transaction.
//!
//! A run holds a lease that a heartbeat renews, also while Apple is slow. Losing the lease, the token or the setting
//! ends it, and what it learned last is discarded.

mod absent;
mod bounds;
mod end;
mod pages;
mod record;
mod seen;
mod ties;
mod walk;

use std::{sync::Arc, time::Duration};

use adept_apple::error::AppleError;
use tokio_util::sync::CancellationToken;

pub(super) use self::end::pause_after_failures;
use self::{
    end::{Ended, Outcome},
    walk::Walk,
};
use super::{
    Clock, Error, apple,
    apple_access::{Access, AppleAccess, NoAccess},
    counters::Counters,
    failpoint,
    lease_watch::LeaseKeeper,
    token_checks::TokenChecks,
};
use crate::{
    domain::{SettingKey, TokenState, deadline::Lengths, setting_state::AppleFault},
    storage::{self, Claim},
};

/// What a run works with.
struct Run {
    claim: Claim,
    access: Access,
}

impl Run {
    fn key(&self) -> SettingKey {
        self.claim.lease.key
    }

    /// Whether nobody knows yet, or any more, that the token is the setting's.
    fn needs_verification(&self) -> bool {
        let tokens = &self.access.tokens;
        let setting = &tokens.setting;
        !setting.token_verified
            || tokens.has_newer
            || setting.server.server_uuid.is_none()
            || setting.token_state == TokenState::WrongServer
    }
}

/// Runs syncs.
pub struct SyncRunner {
    pub(super) syncs: storage::Syncs,
    pub(super) leases: LeaseKeeper,
    pub(super) apple: AppleAccess,
    pub(super) checks: Arc<TokenChecks>,
    pub(super) clock: Clock,
    pub(super) lengths: Lengths,
    /// Time between two syncs of a setting.
    pub(super) sync_interval: Duration,
    /// Time between two fetches of everything.
    pub(super) full_fetch_interval: Duration,
    pub(super) counters: Counters,
}

impl SyncRunner {
    /// Time between two syncs of a setting.
    pub fn interval(&self) -> Duration {
        self.sync_interval
    }

    /// Runs the sync that was claimed and writes down how it ended.
    pub(super) async fn sync_setting(self: &Arc<Self>, claim: &Claim, shutdown: &CancellationToken) {
        failpoint::at("sync-claimed");
        let ended = tokio::select! {
            ended = self.sync_as_claimed(claim) => ended,
            () = self.leases.keep(&claim.lease) => Ok(Outcome::Superseded.into()),
            () = shutdown.cancelled() => Ok(Outcome::Interrupted.into()),
        };
        let ended = ended.unwrap_or_else(|error| {
            tracing::warn!(setting = %claim.lease.key.id, cause = error.cause(), "a sync was broken off: {error}");
            Outcome::BrokenOff.into()
        });
        if let Err(error) = self.end_sync(claim, ended).await {
            // The lease ends by itself; anyone who comes next goes on from the stored cursor.
            tracing::warn!(setting = %claim.lease.key.id, cause = error.cause(), "a sync's end was not stored: {error}");
        }
    }

    async fn sync_as_claimed(self: &Arc<Self>, claim: &Claim) -> Result<Ended, Error> {
        let lease = &claim.lease;
        let access = match self.apple.access(lease.key, Some(lease.generation)).await? {
            Ok(access) => access,
            Err(NoAccess::Gone | NoAccess::Superseded(_)) => return Ok(Outcome::Superseded.into()),
            Err(NoAccess::Expired(_)) => {
                return Ok(Outcome::State(AppleFault::of(TokenState::Expired)).into());
            }
            Err(NoAccess::Wait(_, until)) => {
                let rest = Duration::try_from(until.duration_since(self.clock.now())).unwrap_or_default();
                return Ok(Outcome::Wait(AppleFault::of(TokenState::Throttled), rest).into());
            }
        };
        let run = Arc::new(Run { claim: claim.clone(), access });
        match self.sync_pages(&run).await? {
            Walk::Done(outcome) => Ok(outcome.into()),
            Walk::Apple(error) => self.apple_failed(&run, error).await,
            Walk::Failed(error) => Err(error),
        }
    }

    async fn apple_failed(&self, run: &Run, error: AppleError) -> Result<Ended, Error> {
        let fault = apple::fault_of(&error);
        let outcome = match self.apple.keep_wait(run.key(), &run.access.consumer, &error).await? {
            // However short the wait is, Apple is not asked without pause.
            Some(wait) => Outcome::Wait(
                fault,
                wait.max(pause_after_failures(&self.lengths, run.claim.state.sync.failures)),
            ),
            None => Outcome::State(fault),
        };
        Ok(Ended { outcome, error: Some(error) })
    }
}
