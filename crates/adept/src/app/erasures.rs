//! Secrets that were erased leave the files of a SQLite database within a minute. Which ones is known to the storage alone.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::Error;
use crate::storage;

/// Without success for this long the operator is warned.
const LONG: Duration = Duration::from_secs(60);

/// What came of looking after erased secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scrubbed {
    /// None was erased since the last time.
    Nothing,
    /// None is in the files any more.
    Done,
    /// Somebody reads an older state of the database, which the log has to keep.
    Busy,
}

#[derive(Default)]
struct State {
    /// The count of erasures that were scrubbed.
    scrubbed: Option<String>,
    /// Since when others wait.
    since: Option<Instant>,
    warned: bool,
}

/// Scrubs the files of what was erased.
pub struct Erasures {
    pub(super) deployment: storage::Deployment,
    state: Mutex<State>,
}

impl Erasures {
    pub(super) fn new(deployment: storage::Deployment) -> Self {
        Self { deployment, state: Mutex::default() }
    }

    /// Empties SQLite's log if something was erased since that was done last, by whichever process; after a start it is done in
    /// any case. What [`super::Scheduler::run`] does, at a moment of the caller's choice.
    pub async fn scrub(&self) -> Result<Scrubbed, Error> {
        let noted = self.deployment.erasures().await?;
        if noted.is_none() || noted == self.state().scrubbed {
            return Ok(Scrubbed::Nothing);
        }
        self.state().since.get_or_insert_with(Instant::now);
        if !self.deployment.empty_log().await? {
            return Ok(Scrubbed::Busy);
        }
        *self.state() = State { scrubbed: noted, ..State::default() };
        Ok(Scrubbed::Done)
    }

    /// For how long an erased secret has been waiting.
    pub fn pending(&self) -> Duration {
        self.state().since.map(|since| since.elapsed()).unwrap_or_default()
    }

    pub(super) async fn scrub_and_report(&self) {
        let cause = match self.scrub().await {
            Ok(Scrubbed::Nothing | Scrubbed::Done) => return,
            Ok(Scrubbed::Busy) => {
                "a program has been reading an older state of the database since then".to_owned()
            }
            Err(error) => error.cause().map_or_else(|| error.to_string(), str::to_owned),
        };
        if self.pending() > LONG && !std::mem::replace(&mut self.state().warned, true) {
            tracing::warn!(
                cause,
                "an erased secret is in SQLite's log for over a minute now; it is tried again until it is removed"
            );
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
