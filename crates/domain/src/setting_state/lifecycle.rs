//! Soft deletion, restoration and the beginning of the purge.

use jiff::{SignedDuration, Timestamp};

use super::{SettingState, TokenSlots};
use crate::{
    TokenState, TokenType,
    deadline::{later, past},
};

/// How long a deleted setting can be restored.
pub const KEPT_AFTER_DELETION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether a setting may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// Yes.
    Allowed,
    /// It is the tenant's setting for Apple Configurator, which is always there.
    PseudoSetting,
    /// Its token lives at Apple and so many devices are listed.
    InUse(i64),
}

impl SettingState {
    /// Whether it may be deleted at `now`. Its token counts as live until it expired or Apple refused it as a credential:
    /// unreachable, terms, throttled, another server and a wrong clock say nothing about that.
    pub fn deletion(&self, now: Timestamp, forced: bool) -> Deletion {
        if self.token_type == TokenType::None {
            return Deletion::PseudoSetting;
        }
        let is_live = self.token.in_use.is_some()
            && self.token.expires_at.is_some_and(|expiry| expiry > now)
            && !self.token.credential_refused;
        match self.sync.device_count {
            devices if is_live && devices > 0 && !forced => Deletion::InUse(devices),
            _ => Deletion::Allowed,
        }
    }

    /// It is deleted: its tokens are erased, and whatever is under way for it is fenced.
    pub fn on_deleted(&mut self, now: Timestamp) {
        self.deleted_at = Some(now);
        self.modified_at = now;
        self.token = TokenSlots { generation: self.token.generation + 1, ..TokenSlots::default() };
        self.sync.due_at = None;
        self.assignment.due_at = None;
        self.assignment.forget_fault();
    }

    /// It is brought back, without a token.
    pub fn on_undeleted(&mut self, now: Timestamp) {
        self.deleted_at = None;
        self.modified_at = now;
        self.token.state = TokenState::None;
    }

    /// Dates the deletion to `now` when a purge at `last` would have removed the setting: it was deleted since, under a
    /// clock that was behind. False, and nothing is changed, otherwise.
    pub fn date_deletion_forward(&mut self, last: Timestamp, now: Timestamp) -> bool {
        let is_behind = !self.purging
            && self.deleted_at.is_some_and(|at| later(at, KEPT_AFTER_DELETION) <= past(last, now));
        if is_behind {
            self.deleted_at = Some(now);
        }
        is_behind
    }

    /// Begins its purge, if it was deleted long enough ago; false otherwise. A deletion that lies ahead was dated by a
    /// wrong clock, and counts as of now.
    pub fn begin_purge(&mut self, now: Timestamp) -> bool {
        let Some(deleted_at) = self.deleted_at else { return false };
        let deleted_at = past(deleted_at, now);
        self.deleted_at = Some(deleted_at);
        self.purging |= later(deleted_at, KEPT_AFTER_DELETION) <= now;
        self.purging
    }
}
