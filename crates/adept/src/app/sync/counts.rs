//! What the syncs of this process met, for anyone who watches: repeated cursors, and the drift that full resyncs
//! found.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::super::SyncRunner;
use crate::domain::DeviceChanges;

/// Counters since the start.
#[derive(Default)]
pub(in crate::app) struct SyncCounts {
    repeated_cursors: AtomicU64,
    added: AtomicU64,
    changed: AtomicU64,
    removed: AtomicU64,
}

/// The counters at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncCounted {
    /// Walks that Apple ended by a cursor it had given before.
    pub repeated_cursors: u64,
    /// What full resyncs found that no delta had told.
    pub drift: DeviceChanges,
}

impl SyncCounts {
    pub(super) fn repeated_cursor(&self) {
        self.repeated_cursors.fetch_add(1, Relaxed);
    }

    pub(super) fn drifted(&self, changes: DeviceChanges) {
        for (counter, more) in
            [(&self.added, changes.added), (&self.changed, changes.changed), (&self.removed, changes.removed)]
        {
            counter.fetch_add(more.unsigned_abs(), Relaxed);
        }
    }
}

impl SyncRunner {
    /// Time between two syncs of a setting.
    pub fn interval(&self) -> Duration {
        self.sync_interval
    }

    /// What the syncs of this process met so far.
    pub fn counts(&self) -> SyncCounted {
        let counts = &self.counts;
        let number = |counter: &AtomicU64| i64::try_from(counter.load(Relaxed)).unwrap_or(i64::MAX);
        SyncCounted {
            repeated_cursors: counts.repeated_cursors.load(Relaxed),
            drift: DeviceChanges {
                added: number(&counts.added),
                changed: number(&counts.changed),
                removed: number(&counts.removed),
            },
        }
    }
}
