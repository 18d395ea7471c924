//! Who works on a setting. Clocks decide only when a lease may be taken over, never who may write: the epoch does that.

use jiff::{SignedDuration, Timestamp};

use super::SettingState;
use crate::deadline::{CLOCKS_APART, Lengths, horizon, later};

/// The lease of a setting as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseState {
    /// Grows with every claim, so that a holder who lost the lease is fenced.
    pub epoch: i64,
    /// When it ends by its holder's clock; none while nobody works on the setting.
    pub until: Option<Timestamp>,
}

/// A lease as this process saw it, and for how long, by its own monotonic clock, nobody renewed it meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// It.
    pub lease: LeaseState,
    /// How long it was seen like this.
    pub unrenewed: SignedDuration,
}

impl LeaseState {
    /// Whether the setting is free to be claimed. A replica's clock may differ from ours, so that the end of a lease that
    /// is near proves nothing by itself: it is over when nobody renewed it for its length before our eyes, nor since we
    /// looked. One that ended longer ago than clocks differ, or that lies further ahead than it may, is over at once.
    pub fn is_free(&self, now: Timestamp, length: SignedDuration, observed: Observed) -> bool {
        let Some(until) = self.until else { return true };
        until <= later(now, -CLOCKS_APART)
            || until > horizon(now, length)
            || (observed.lease == *self && observed.unrenewed >= length)
    }
}

impl SettingState {
    /// A process takes the lease.
    pub(super) fn take_lease(&mut self, now: Timestamp, lengths: &Lengths) {
        self.lease.epoch += 1;
        self.lease.until = Some(later(now, lengths.lease));
    }

    /// Its holder is still at work.
    pub fn on_lease_renewed(&mut self, now: Timestamp, lengths: &Lengths) {
        self.lease.until = Some(later(now, lengths.lease));
    }

    /// Its holder stops, whatever it learned last.
    pub fn on_lease_released(&mut self) {
        self.lease.until = None;
    }
}
