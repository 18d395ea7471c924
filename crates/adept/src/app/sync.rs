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

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub(super) use self::end::Outcome;
use super::{
    Clock,
    apple_access::{Access, AppleAccess, NoAccess},
    counters::Counters,
    failpoint,
    lease_watch::LeaseKeeper,
    token_uploads::Tokens,
};
use crate::{
    domain::{SettingKey, TokenState, deadline::Lengths},
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
    pub(super) tokens: Arc<Tokens>,
    pub(super) clock: Clock,
    pub(super) lengths: Lengths,
    pub(super) counters: Counters,
}

impl SyncRunner {
    /// Time between two syncs of a setting.
    pub fn interval(&self) -> Duration {
        self.lengths.sync_interval.unsigned_abs()
    }

    /// Runs the sync that was claimed and writes down how it ended.
    pub(super) async fn sync_setting(self: &Arc<Self>, claim: &Claim, shutdown: &CancellationToken) {
        failpoint::at("sync-claimed");
        let outcome = tokio::select! {
            Err(outcome) = self.sync_as_claimed(claim) => outcome,
            () = self.leases.keep(&claim.lease) => Outcome::Superseded,
            () = shutdown.cancelled() => Outcome::Interrupted,
        };
        if let Err(error) = self.end_sync(claim, outcome).await {
            // The lease ends by itself; anyone who comes next goes on from the stored cursor.
            tracing::warn!(setting = %claim.lease.key.id, cause = error.cause(), "a sync's end was not stored: {error}");
        }
    }

    async fn sync_as_claimed(self: &Arc<Self>, claim: &Claim) -> Result<Infallible, Outcome> {
        let lease = &claim.lease;
        let access = match self.apple.access(lease.key, Some(lease.generation)).await? {
            Ok(access) => access,
            Err(NoAccess::Gone | NoAccess::Superseded(_)) => return Err(Outcome::Superseded),
            Err(NoAccess::Expired(_)) => return Err(Outcome::State(TokenState::Expired)),
            Err(NoAccess::Wait(_, until)) => return Err(Outcome::Wait(until)),
        };
        let run = Arc::new(Run { claim: claim.clone(), access });
        let ended = self.sync_pages(&run).await;
        if let Err(Outcome::Apple(error)) = &ended {
            self.apple.keep_wait(run.key(), &run.access.consumer, error).await?;
        }
        ended
    }
}
