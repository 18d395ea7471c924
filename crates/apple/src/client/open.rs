//! How a session is obtained: one that other processes share, else one `/session` request for all waiting callers.
//! Sharing only saves requests: if it fails, the call goes on with a session of its own.

use std::time::Duration;

use super::{
    Session, decode,
    exchange::{Exchange, Request},
    session_cache::{Role, SessionUse, Since},
    shared::{KeepOutcome, SharedSessionStore, StoreError, StoreLookup},
};
use crate::error::{AppleError, Endpoint};

/// Between two looks at a session that another process is opening.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A session that is there now.
pub(super) struct Opened {
    pub(super) session_use: SessionUse,
    /// Whether it came from a `/session` request that was made meanwhile, and not from another process.
    pub(super) is_new: bool,
}

impl Session {
    /// A session from one `/session` request, which all who wait at the same time share, a failure included.
    pub(super) async fn open(&self, since: Since) -> Result<Opened, AppleError> {
        let flight = match self.entry.join(since).await {
            Role::Follower(outcome) => {
                return outcome.map(|session_use| Opened { session_use, is_new: true });
            }
            Role::Cached(session_use) => return Ok(Opened { session_use, is_new: false }),
            Role::Leader(flight) => flight,
        };
        let mut claimed = None;
        if let Some(shared) = self.shared.as_deref().filter(|_| !since.is_verification()) {
            match self.find(shared).await {
                Ok(StoreLookup::Kept { session, revision }) => {
                    return Ok(Opened { session_use: flight.found(session, revision), is_new: false });
                }
                Ok(StoreLookup::Claimed { revision }) => {
                    flight.claimed(revision);
                    claimed = Some((shared, revision));
                }
                Ok(StoreLookup::Busy | StoreLookup::TokenReplaced) => {}
                Err(error) => tracing::warn!("an Apple session is opened for this process alone: {error}"),
            }
        }
        let request = Request::bare(Endpoint::Session, decode::session);
        let Exchange { result, rotated } = self.client.exchange(&request, &self.token, None).await;
        if let (Some((shared, revision)), Err(_)) = (claimed, &result)
            && let Err(error) = shared.give_up(revision).await
        {
            tracing::warn!("other processes wait until the claim ends: {error}");
        }
        let session_use = flight.end(result.map(|session| rotated.unwrap_or(session)))?;
        self.share().await;
        Ok(Opened { session_use, is_new: true })
    }

    /// Asks the store until no other process is opening a session. Claims end by themselves, so this ends too.
    async fn find(&self, shared: &dyn SharedSessionStore) -> Result<StoreLookup, StoreError> {
        loop {
            match shared.find(self.entry.refused_at(shared.key())).await? {
                StoreLookup::Busy => tokio::time::sleep(BETWEEN_LOOKS).await,
                found => return Ok(found),
            }
        }
    }

    /// Shows the other processes a session that they do not know: a new one, or one that an answer brought.
    pub(super) async fn share(&self) {
        let Some(shared) = &self.shared else { return };
        while let Some((session, revision)) = self.entry.unshared(shared.key()) {
            match shared.keep(&session, revision).await {
                Ok(KeepOutcome::Kept) => self.entry.shared(&session, revision + 1),
                Ok(KeepOutcome::TokenReplaced) => self.entry.shared(&session, revision),
                Ok(KeepOutcome::Superseded) => self.entry.superseded(&session),
                Err(error) => {
                    tracing::warn!("other processes will open an Apple session of their own: {error}");
                    return;
                }
            }
        }
    }
}
