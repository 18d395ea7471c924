//! For whom a statement runs: a request, the check of who sent it, the background, or the probe of the database. Each has limits and connections
//! of its own, so that none can take the database from the others.

use std::{future::Future, time::Duration};

/// For whom a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A client waits for it.
    Request,
    /// It finds out who calls, which no request may hold up.
    Caller,
    /// Syncs, assignment, purges and the command line.
    Background,
    /// Whether the database can be used.
    Probe,
}

tokio::task_local! {
    static PURPOSE: Purpose;
}

impl Purpose {
    /// The purpose of this task; what was not said to be a request is the background.
    pub(super) fn current() -> Self {
        PURPOSE.try_with(|purpose| *purpose).unwrap_or(Self::Background)
    }

    /// How long one statement may run.
    pub(super) const fn statement_limit(self) -> Duration {
        match self {
            Self::Request | Self::Caller => Duration::from_secs(5),
            Self::Background => Duration::from_secs(60),
            Self::Probe => Duration::from_secs(1),
        }
    }

    /// Does `work` for this purpose. Tasks that it spawns are background work.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        PURPOSE.scope(self, work).await
    }
}
