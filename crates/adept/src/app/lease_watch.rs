//! What this process saw of leases: since when, by its own monotonic clock, each was not renewed. Clocks of replicas may
//! differ, so this is what a lease is taken over by.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::SignedDuration;

use crate::{
    domain::{SettingKey, setting_state::Observed},
    storage::DueSetting,
};

/// A lease as it was seen first, and when by the monotonic clock.
type Seen = (DueSetting, SignedDuration);

/// The leases of settings that are due.
#[derive(Default)]
pub(super) struct LeaseWatch(Mutex<HashMap<SettingKey, Seen>>);

impl LeaseWatch {
    /// For how long each lease has been seen as it is; `now` is by the monotonic clock. Those of settings that are not due
    /// any more are forgotten.
    pub(super) fn observe(&self, due: &[DueSetting], now: SignedDuration) -> Vec<(SettingKey, Observed)> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *seen);
        due.iter()
            .map(|due| {
                let since =
                    before.get(&due.key).filter(|(last, _)| last == due).map_or(now, |(_, since)| *since);
                seen.insert(due.key, (*due, since));
                (due.key, Observed { lease: due.lease, unrenewed: now - since })
            })
            .collect()
    }
}
