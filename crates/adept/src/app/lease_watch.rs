//! What this process saw of leases: since when, by its own monotonic clock, each was not renewed. Clocks of replicas may
//! differ, so this is what a lease is taken over by.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::SignedDuration;

use super::{Clock, Error};
use crate::{
    domain::{Lease, SettingKey, SyncOutcome, deadline::Lengths, setting_state::Observed},
    storage::{DueSetting, Leases},
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

/// What keeps a lease while its work is done. Cheap to clone.
#[derive(Clone)]
pub(super) struct LeaseKeeper {
    pub(super) leases: Leases,
    pub(super) clock: Clock,
    pub(super) lengths: Lengths,
}

impl LeaseKeeper {
    /// Renews the lease every third of its length; returns when it is lost.
    pub(super) async fn keep(&self, lease: &Lease) {
        loop {
            tokio::time::sleep(self.lengths.lease.unsigned_abs() / 3).await;
            match self.leases.renew(lease, self.clock.now(), &self.lengths).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(setting = %lease.key.id, "the lease could not be renewed: {error}")
                }
            }
        }
    }

    /// Gives it back without having come to an end of the work.
    pub(super) async fn release(&self, lease: &Lease, outcome: SyncOutcome) -> Result<(), Error> {
        Ok(self.leases.release(lease, outcome, self.clock.now()).await?)
    }
}
