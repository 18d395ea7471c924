//! What the machine knows of a setting, as one value, and every way in which it changes. Pure: storage locks the row,
//! loads this, and saves what a transition made of it; it decides nothing.
//!
//! Each transition is a method that says what happened. Those that depend on what was seen before (a token generation, a
//! lease, a cursor revision) are called behind [`SettingState::admits`].

mod assignment;
mod lease;
mod lifecycle;
mod sync;
#[cfg(test)]
mod tests;
mod token;

use jiff::Timestamp;

use crate::{ServerIdentity, SettingKey, TokenState, TokenType};

pub use assignment::{AssignmentEnd, AssignmentFinding};
pub use lease::{LeaseState, Observed};
pub use lifecycle::{Deletion, KEPT_AFTER_DELETION};
pub use sync::{
    BETWEEN_SYNCS, Cursor, CursorMove, CursorPosition, FullFetchMove, SyncEnd, SyncState, pause_after,
};
pub use token::{AppleFault, TokenChange, TokenSlots, TokenSwap, TokenVerification};

/// The right to work on one setting, and the token under which everything is learned meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The setting.
    pub key: SettingKey,
    /// Grows with every claim and take-over.
    pub epoch: i64,
    /// The token generation.
    pub generation: i64,
}

/// What must still hold of a setting for a change to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// It was not deleted.
    Exists,
    /// Nor was another token put in place of the one of this generation.
    Generation(i64),
    /// Nor was the lease taken over.
    Lease(Lease),
    /// The lease was not taken over, whatever became of the token or the setting.
    Epoch(i64),
    /// It was deleted and is not being purged.
    Deleted,
}

/// What becomes of desired profiles at Apple.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssignmentState {
    /// When desired and actual state are compared next; none while nothing is to be done.
    pub due_at: Option<Timestamp>,
    /// Grows with whatever makes it due, so that a run's end sees that something happened meanwhile.
    pub requests: i64,
    /// What calls about profiles showed of the token, whatever syncs find meanwhile.
    pub fault: Option<TokenState>,
    /// Runs in a row that such a fault ended.
    pub failures: i64,
    /// Grows with every change of what people want.
    pub desired_generation: i64,
    /// Whether every device has to be looked at, not only those that are due.
    pub scan_all: bool,
    /// Devices with another product's profile when all were looked at last.
    pub foreign_devices: Option<i64>,
}

impl AssignmentState {
    fn forget_fault(&mut self) {
        self.fault = None;
        self.failures = 0;
    }
}

/// Everything about a setting but what people typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingState {
    /// Which setting.
    pub key: SettingKey,
    /// `appleIdentifier`.
    pub apple_identifier: Option<String>,
    /// `tokenType`.
    pub token_type: TokenType,
    /// `lastModifiedDateTime`.
    pub modified_at: Timestamp,
    /// When it was soft-deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether its purge has begun; it cannot be restored from then on.
    pub purging: bool,
    /// Its server tokens and what Apple last showed of the one in use.
    pub token: TokenSlots,
    /// The server it is bound to, as far as known.
    pub server: ServerIdentity,
    /// Devices per page that Apple allows, 1 to 1,000.
    pub page_limit: u32,
    /// How its synchronization stands.
    pub sync: SyncState,
    /// Who works on it.
    pub lease: LeaseState,
    /// How its assignment stands.
    pub assignment: AssignmentState,
}

impl SettingState {
    /// A setting that was just made.
    pub fn new(key: SettingKey, token_type: TokenType, now: Timestamp) -> Self {
        Self {
            key,
            apple_identifier: None,
            token_type,
            modified_at: now,
            deleted_at: None,
            purging: false,
            token: TokenSlots::default(),
            server: ServerIdentity::default(),
            page_limit: 1000,
            sync: SyncState::default(),
            lease: LeaseState::default(),
            assignment: AssignmentState { scan_all: true, ..AssignmentState::default() },
        }
    }

    /// Whether a change may be made that was decided under `fence`.
    pub fn admits(&self, fence: &Fence) -> bool {
        let exists = self.deleted_at.is_none();
        match fence {
            Fence::Exists => exists,
            Fence::Generation(seen) => exists && self.token.generation == *seen,
            Fence::Lease(lease) => {
                exists && self.lease.epoch == lease.epoch && self.token.generation == lease.generation
            }
            Fence::Epoch(epoch) => self.lease.epoch == *epoch,
            Fence::Deleted => !exists && !self.purging,
        }
    }

    /// The lease that was claimed last, under the token in use.
    pub fn current_lease(&self) -> Lease {
        Lease { key: self.key, epoch: self.lease.epoch, generation: self.token.generation }
    }

    /// People changed something that they typed.
    pub fn on_edited(&mut self, now: Timestamp) {
        self.modified_at = now;
    }
}
