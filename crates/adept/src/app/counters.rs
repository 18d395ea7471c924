//! What this process counted since its start, for anyone who watches.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Answers of Apple's: endpoint, HTTP status or kind of error.
    AppleAnswer(&'static str, String),
    /// Devices that Apple was asked to `assign` or `release`, and its word.
    DeviceResult(&'static str, &'static str),
    /// Syncs that Apple ended by a cursor it had given before.
    RepeatedCursor,
    /// Requests for a token whose credentials were looked at: `granted`, `refused`, `limited`, `unavailable`.
    SignIn(&'static str),
    /// Uploads of server tokens that were sealed to a key pair of ours and not opened: `unreadable`, `over_budget`.
    FailedOpen(&'static str),
    /// Requests over a limit that the operator set: of a `client`, of a `tenant` or from an `address`.
    LimitedRequest(&'static str),
    /// Devices whose change only a full resync found: `added`, `changed`, `removed`.
    Drift(&'static str),
}

/// The counts. Cheap to clone.
#[derive(Clone, Default)]
pub struct Counters(Arc<Mutex<BTreeMap<Counted, u64>>>);

impl Counters {
    /// Counts so many more; none leave no trace.
    pub fn add(&self, counted: Counted, more: u64) {
        if more > 0 {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(counted).or_default() += more;
        }
    }

    /// Everything that was counted, in order.
    pub fn all(&self) -> Vec<(Counted, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(counted, count)| (counted.clone(), *count)).collect()
    }

    /// One count; zero when nothing was counted.
    pub fn of(&self, counted: &Counted) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(counted).copied().unwrap_or_default()
    }
}
