//! What this process saw of leases: since when, by its own monotonic clock, each was not renewed. Clocks of replicas may
//! differ, so this is what a lease is taken over by.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use jiff::SignedDuration;

use crate::{
    domain::{SettingKey, setting_state::Observed},
    storage::DueSetting,
};

/// A lease as it was seen first, and when.
type Seen = (DueSetting, Instant);

/// The leases of settings that are due.
#[derive(Default)]
pub(super) struct LeaseWatch(Mutex<HashMap<SettingKey, Seen>>);

impl LeaseWatch {
    /// For how long each lease has been seen as it is. Those of settings that are not due any more are forgotten.
    pub(super) fn observe(&self, due: &[DueSetting]) -> Vec<(SettingKey, Observed)> {
        #[expect(clippy::disallowed_methods, reason = "a monotonic clock measures; it tells no time")]
        let now = Instant::now();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *seen);
        due.iter()
            .map(|due| {
                let since =
                    before.get(&due.key).filter(|(last, _)| last == due).map_or(now, |(_, since)| *since);
                seen.insert(due.key, (*due, since));
                let observed =
                    SignedDuration::try_from(now.duration_since(since)).unwrap_or(SignedDuration::MAX);
                (due.key, Observed(observed))
            })
            .collect()
    }
}
