//! The Apple session of a stored server token, as the client of crate `apple` shares it with other processes: sealed in
//! the token's row. An upload shows a token that is not stored yet, so its session is shared by the first sync.

use std::time::Duration;

use adept_apple::{
    client::{Found, Keeping, NotShared, Shared, SharedSession},
    secret::Secret,
};
use jiff::SignedDuration;

use super::Clock;
use crate::storage::{AppleSession, Error, SessionKept, Storage, TokenRow};

/// The session of one stored token.
pub(super) struct StoredSession {
    pub(super) storage: Storage,
    pub(super) clock: Clock,
    /// How long one process alone may open a session.
    pub(super) claim: Duration,
    pub(super) row: TokenRow,
    /// The same as text.
    pub(super) place: String,
}

impl SharedSession for StoredSession {
    fn place(&self) -> &str {
        &self.place
    }

    fn find(&self, refused: i64) -> Shared<'_, Found> {
        Box::pin(async move {
            let now = self.clock.now();
            let claim = SignedDuration::try_from(self.claim).unwrap_or_default();
            let until = now.checked_add(claim).unwrap_or(now);
            let found = self.storage.find_apple_session(&self.row, refused, now, until).await;
            Ok(match found.map_err(not_shared)? {
                AppleSession::Kept { session, revision } => {
                    let session = std::str::from_utf8(&session).map_err(|e| NotShared(e.to_string()))?;
                    Found::Kept { session: Secret::new(session.to_owned()), revision }
                }
                AppleSession::Claimed { revision } => Found::Claimed { revision },
                AppleSession::Busy => Found::Busy,
                AppleSession::NotFound => Found::Gone,
            })
        })
    }

    fn keep<'a>(&'a self, session: &'a Secret, revision: i64) -> Shared<'a, Keeping> {
        Box::pin(async move {
            let kept =
                self.storage.keep_apple_session(&self.row, session.expose().as_bytes(), revision).await;
            Ok(match kept.map_err(not_shared)? {
                SessionKept::Done => Keeping::Done,
                SessionKept::Superseded => Keeping::Superseded,
                SessionKept::NotFound => Keeping::Gone,
            })
        })
    }

    fn give_up(&self, revision: i64) -> Shared<'_, ()> {
        Box::pin(
            async move { self.storage.give_up_apple_session(&self.row, revision).await.map_err(not_shared) },
        )
    }
}

fn not_shared(error: Error) -> NotShared {
    NotShared(error.to_string())
}
