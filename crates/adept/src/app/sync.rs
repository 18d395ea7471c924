//! One synchronization of one setting: fetch to the end, then deltas; every page with its cursor in one transaction.
//!
//! A run holds a lease that a heartbeat renews, also while Apple is slow. Losing the lease, the token or the setting
//! ends it, and what it learned last is discarded.

mod absent;
mod bounds;
mod counts;
mod end;
mod pages;
mod record;
mod seen;
mod ties;
mod walk;

use std::{sync::Arc, time::Duration};

use adept_apple::{client::Session, error::AppleError};
use tokio_util::sync::CancellationToken;

pub use self::counts::SyncCounted;
pub(super) use self::counts::SyncCounts;
use self::{
    end::{Ended, Outcome},
    walk::Walk,
};
use super::{App, Error, apple, failpoint};
use crate::{
    domain::{Lease, SettingKey, TokenState, setting_state::AppleFault},
    storage::{Claim, Onboarding},
};

/// What a run works with.
struct Run {
    claim: Claim,
    known: Onboarding,
    session: Session,
    /// The digest of the token's consumer key.
    consumer: String,
}

impl Run {
    fn key(&self) -> SettingKey {
        self.claim.lease.key
    }

    /// Whether nobody knows yet, or any more, that the token is the setting's.
    fn needs_verification(&self) -> bool {
        let setting = &self.known.setting;
        !setting.token_verified
            || self.known.newer.is_some()
            || setting.server.server_uuid.is_none()
            || setting.token_state == TokenState::WrongServer
    }
}

impl App {
    /// Runs the sync that was claimed and writes down how it ended.
    pub(super) async fn sync_setting(self: &Arc<Self>, claim: &Claim, shutdown: &CancellationToken) {
        failpoint::at("sync-claimed");
        let ended = tokio::select! {
            ended = self.sync_as_claimed(claim) => ended,
            () = self.keep_lease(&claim.lease) => Ok(Outcome::Superseded.into()),
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

    /// Renews the lease every third of its length; returns when it is lost.
    pub(super) async fn keep_lease(&self, lease: &Lease) {
        loop {
            tokio::time::sleep(self.options.lease / 3).await;
            match self.storage.leases.renew(lease, self.clock.now(), &self.lengths()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(setting = %lease.key.id, "the lease could not be renewed: {error}")
                }
            }
        }
    }

    async fn sync_as_claimed(self: &Arc<Self>, claim: &Claim) -> Result<Ended, Error> {
        let lease = &claim.lease;
        let Some(known) = self.storage.tokens.load(lease.key).await? else {
            return Ok(Outcome::Superseded.into());
        };
        let Some((session, consumer)) = self.session_of(&known)? else {
            return Ok(Outcome::Superseded.into());
        };
        if known.setting.token_generation != lease.generation {
            return Ok(Outcome::Superseded.into());
        }
        let now = self.clock.now();
        if known.setting.token_expires_at.is_none_or(|expiry| expiry <= now) {
            return Ok(Outcome::State(AppleFault::of(TokenState::Expired)).into());
        }
        if let Some(until) = self.storage.tokens.apple_wait(lease.key, &consumer, now).await? {
            let rest = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            return Ok(Outcome::Wait(AppleFault::of(TokenState::Throttled), rest).into());
        }
        let run = Arc::new(Run { claim: claim.clone(), known, session, consumer });
        match self.sync_pages(&run).await? {
            Walk::Done(outcome) => Ok(outcome.into()),
            Walk::Apple(error) => self.apple_failed(&run, error).await,
            Walk::Failed(error) => Err(error),
        }
    }

    async fn apple_failed(&self, run: &Run, error: AppleError) -> Result<Ended, Error> {
        let fault = apple::fault_of(&error);
        let outcome = match self.keep_wait(run.key(), &run.consumer, &error).await? {
            // However short the wait is, Apple is not asked without pause.
            Some(wait) => Outcome::Wait(fault, wait.max(self.pause_after(run.claim.state.sync.failures))),
            None => Outcome::State(fault),
        };
        Ok(Ended { outcome, error: Some(error) })
    }
}
