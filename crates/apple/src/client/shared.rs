//! What the owner of a client provides so that several processes share one Apple session per token, and a restart finds
//! the last one. Without it a session lives in its process alone. When the place is asked is in `client/open.rs`.

use std::pin::Pin;

use crate::secret::Secret;

/// The place where the session of one token is kept for all processes. Its content has a revision that is 0 while there
/// is no session, and grows with every session that is kept.
pub trait SharedSession: Send + Sync {
    /// The place's name, equal in all processes.
    fn place(&self) -> &str;

    /// The session that is kept, if its revision is over `refused`; else tries to claim the right to open another.
    fn find(&self, refused: i64) -> Shared<'_, Found>;

    /// Puts a session in the place of the one with that revision, which ends a claim.
    fn keep<'a>(&'a self, session: &'a Secret, revision: i64) -> Shared<'a, Keeping>;

    /// Ends a claim on that revision without a session.
    fn give_up(&self, revision: i64) -> Shared<'_, ()>;
}

/// What becomes of asking the place.
pub type Shared<'a, T> = Pin<Box<dyn Future<Output = Result<T, NotShared>> + Send + 'a>>;

/// The place did not answer. The client goes on alone.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the shared Apple session could not be read or written: {0}")]
pub struct NotShared(pub String);

/// What was found.
pub enum Found {
    /// A session that may be live.
    Kept {
        /// The session.
        session: Secret,
        /// Its revision.
        revision: i64,
    },
    /// None. The caller has claimed the right to open one, and everybody else waits for a while.
    Claimed {
        /// The revision that a new session is to replace.
        revision: i64,
    },
    /// None, and another process is opening one.
    Busy,
    /// There is no such place any more: the token was replaced.
    Gone,
}

/// What became of keeping a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// It is kept; its revision is one more than the one that it replaced.
    Done,
    /// Another one was kept meanwhile; nothing was changed.
    Superseded,
    /// There is no such place any more: the token was replaced.
    Gone,
}
