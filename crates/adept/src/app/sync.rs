//! One synchronisation of one setting: fetch to the end, then deltas; every page with its cursor in one transaction.
//!
//! A run holds a lease that a heartbeat renews, also while Apple is slow. Losing the lease, the token or the setting
//! ends it, and what it learned last is discarded.

mod counts;
mod end;
mod gone;
mod pages;
mod record;
mod seen;
mod walk;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub use self::counts::SyncCounted;
pub(super) use self::counts::SyncCounts;
use self::{
    end::{Ended, Outcome},
    walk::Walk,
};
use super::{App, Error, apple, failpoint, prove::Proven};
use crate::{
    domain::TokenState,
    storage::{Claim, Lease, Onboarding},
};

impl App {
    /// Runs the sync that was claimed and writes down how it ended.
    pub(super) async fn sync_setting(self: &Arc<Self>, claim: &Claim, shutdown: &CancellationToken) {
        failpoint::at("sync-claimed");
        let ended = tokio::select! {
            ended = self.sync_as_claimed(claim) => ended,
            () = self.keep_lease(&claim.lease) => Ok(Outcome::Overtaken.into()),
            () = shutdown.cancelled() => Ok(Outcome::Overtaken.into()),
        };
        let ended = ended.unwrap_or_else(|error| {
            tracing::warn!(setting = %claim.lease.setting, cause = error.cause(), "a sync was broken off: {error}");
            Outcome::BrokenOff.into()
        });
        if let Err(error) = self.end_sync(claim, ended).await {
            // The lease ends by itself; whoever comes next goes on from the stored cursor.
            tracing::warn!(setting = %claim.lease.setting, cause = error.cause(), "a sync's end was not stored: {error}");
        }
        if !shutdown.is_cancelled()
            && let Err(error) = self.storage.settle_devices().await
        {
            tracing::warn!("the database did not look at its devices anew, so lists may be slow: {error}");
        }
    }

    /// Renews the lease every third of its length; returns when it is lost.
    pub(super) async fn keep_lease(&self, lease: &Lease) {
        loop {
            tokio::time::sleep(self.options.lease / 3).await;
            match self.storage.renew_lease(lease, self.lease_end()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(setting = %lease.setting, "the lease could not be renewed: {error}")
                }
            }
        }
    }

    async fn sync_as_claimed(self: &Arc<Self>, claim: &Claim) -> Result<Ended, Error> {
        let lease = &claim.lease;
        let Some(known) = self.storage.onboarding(lease.tenant, lease.setting).await? else {
            return Ok(Outcome::Overtaken.into());
        };
        let Some((session, consumer)) = self.session_of(&known)? else {
            return Ok(Outcome::Overtaken.into());
        };
        if known.setting.token_generation != lease.generation {
            return Ok(Outcome::Overtaken.into());
        }
        let now = self.clock.now();
        if known.setting.token_expires_at.is_none_or(|expiry| expiry <= now) {
            return Ok(Outcome::State(TokenState::Expired).into());
        }
        if let Some(until) = self.storage.apple_wait(lease.tenant, lease.setting, &consumer, now).await? {
            let rest = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            return Ok(Outcome::Wait(TokenState::Throttled, rest).into());
        }
        if self.needs_proof(&known) {
            match self.prove_token(&known, &session).await? {
                Proven::Yes => {}
                Proven::WrongServer => return Ok(Outcome::State(TokenState::WrongServer).into()),
                Proven::Overtaken => return Ok(Outcome::Overtaken.into()),
                Proven::Failed(error) => return self.apple_failed(claim, &known, &consumer, &error).await,
            }
        }
        match self.sync_pages(claim, session).await? {
            Walk::Done(outcome) => Ok(outcome.into()),
            Walk::Apple(error) => self.apple_failed(claim, &known, &consumer, &error).await,
        }
    }

    fn needs_proof(&self, known: &Onboarding) -> bool {
        let setting = &known.setting;
        !setting.token_proven
            || setting.server.server_uuid.is_none()
            || matches!(setting.token_state, TokenState::WrongServer)
    }

    async fn apple_failed(
        &self,
        claim: &Claim,
        known: &Onboarding,
        consumer: &str,
        error: &adept_apple::error::AppleError,
    ) -> Result<Ended, Error> {
        let state = apple::state_of(error);
        let lease = &claim.lease;
        tracing::warn!(
            setting = %lease.setting, state = state.as_str(), detail = error.detail.as_deref(),
            means = state.sentence(), "Apple ended a sync: {error}"
        );
        if let Some(wait) = apple::wait_of(error) {
            let now = self.clock.now();
            let until =
                now.checked_add(jiff::SignedDuration::try_from(wait).unwrap_or_default()).unwrap_or(now);
            self.storage.keep_apple_wait(lease.tenant, lease.setting, consumer, until, now).await?;
            // However short the wait is, Apple is not asked without pause.
            let pause = wait.max(self.pause_after(claim.failures));
            return Ok(Ended { outcome: Outcome::Wait(state, pause), code: error.code.clone() });
        }
        if state.refused_as_credential()
            && !known.setting.token_proven
            && self.bring_back_proven(known, state).await?
        {
            return Ok(Outcome::Overtaken.into());
        }
        Ok(Ended { outcome: Outcome::State(state), code: error.code.clone() })
    }
}
