//! What the owner of a client provides so that several processes share one Apple session per token, and a restart finds
//! the last one. Without it a session lives in its process alone. When the store is asked is in `client/open.rs`.

use std::pin::Pin;

use crate::secret::Secret;

/// A store, shared by all processes, that keeps the session of one token. Its content has a revision that is 0 while
/// there is no session, and grows with every session that is kept.
pub trait SharedSessionStore: Send + Sync {
    /// Names the token's row, equal in all processes.
    fn key(&self) -> &str;

    /// The session that is kept, if its revision is over `refused`; else tries to claim the right to open another.
    fn find(&self, refused: i64) -> StoreFuture<'_, StoreLookup>;

    /// Replaces the session with that revision, which ends a claim.
    fn keep<'a>(&'a self, session: &'a Secret, revision: i64) -> StoreFuture<'a, KeepOutcome>;

    /// Ends a claim on that revision without a session.
    fn give_up(&self, revision: i64) -> StoreFuture<'_, ()>;
}

/// The pending result of a store operation.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The store did not respond. The client goes on with a session of its own.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the shared Apple session could not be read or written: {0}")]
pub struct StoreError(pub String);

/// What the store holds for a token.
#[non_exhaustive]
pub enum StoreLookup {
    /// A session that may be live.
    Kept {
        /// The session.
        session: Secret,
        /// Its revision.
        revision: i64,
    },
    /// None. The caller has claimed the right to open one, and all others wait for a while.
    Claimed {
        /// The revision that a new session is to replace.
        revision: i64,
    },
    /// None, and another process is opening one.
    Busy,
    /// There is no row for this token any more: it was replaced.
    TokenReplaced,
}

/// The outcome of keeping a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepOutcome {
    /// It is kept; its revision is one more than the one that it replaced.
    Kept,
    /// Another one was kept meanwhile; nothing was changed.
    Superseded,
    /// There is no row for this token any more: it was replaced.
    TokenReplaced,
}
