//! The Apple session of a stored server token, as the client of crate `apple` shares it with other processes: sealed in
//! the token's row. An upload shows a token that is not stored yet, so its session is shared by the first sync.

use adept_apple::{
    client::{KeepOutcome, SharedSessionStore, StoreError, StoreFuture, StoreLookup},
    secret::Secret,
};
use jiff::SignedDuration;

use super::Clock;
use crate::domain::deadline::later;
use crate::storage::{AppleSession, AppleSessions, Error, SessionKept, TokenRow};

/// The session of one stored token.
pub(super) struct StoredSession {
    pub(super) sessions: AppleSessions,
    pub(super) clock: Clock,
    /// How long one process alone may open a session; a minute at most.
    pub(super) claim: SignedDuration,
    pub(super) row: TokenRow,
    /// The same as text.
    pub(super) text_key: String,
}

impl SharedSessionStore for StoredSession {
    fn key(&self) -> &str {
        &self.text_key
    }

    fn find(&self, refused: i64) -> StoreFuture<'_, StoreLookup> {
        Box::pin(async move {
            let now = self.clock.now();
            let found = self.sessions.find(&self.row, refused, now, later(now, self.claim)).await;
            Ok(match found.map_err(store_error)? {
                AppleSession::Kept { session, revision } => {
                    let session = std::str::from_utf8(&session).map_err(|e| StoreError(e.to_string()))?;
                    StoreLookup::Kept { session: Secret::new(session.to_owned()), revision }
                }
                AppleSession::Claimed { revision } => StoreLookup::Claimed { revision },
                AppleSession::Busy => StoreLookup::Busy,
                AppleSession::NotFound => StoreLookup::TokenReplaced,
            })
        })
    }

    fn keep<'a>(&'a self, session: &'a Secret, revision: i64) -> StoreFuture<'a, KeepOutcome> {
        Box::pin(async move {
            let kept = self.sessions.keep(&self.row, session.expose().as_bytes(), revision).await;
            Ok(match kept.map_err(store_error)? {
                SessionKept::Done => KeepOutcome::Kept,
                SessionKept::Superseded => KeepOutcome::Superseded,
                SessionKept::NotFound => KeepOutcome::TokenReplaced,
            })
        })
    }

    fn give_up(&self, revision: i64) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.sessions.give_up(&self.row, revision).await.map_err(store_error) })
    }
}

fn store_error(error: Error) -> StoreError {
    StoreError(error.to_string())
}
