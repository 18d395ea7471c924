//! A setting's server tokens: the one in use, the last verified one, and what Apple shows of them.
//!
//! While a renewal waits for Apple's terms, two tokens are kept until one of them has a good `/account`: nobody can tell
//! before which of them Apple will accept.

use jiff::{SignedDuration, Timestamp};

use super::{SettingState, pause_after};
use crate::{
    ServerIdentity, TokenId, TokenState, TokenType,
    deadline::{Lengths, later},
};

/// Bare refusals in a row, without a code of Apple's, before they are believed,
const BARE_REFUSALS: i64 = 3;
/// and the time that they must span.
const BARE_REFUSALS_SPAN: SignedDuration = SignedDuration::from_mins(15);

/// The server tokens of a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenSlots {
    /// Grows whenever another token is used: what was learned under one is not written under the next.
    pub generation: i64,
    /// The one that Apple is shown.
    pub in_use: Option<TokenId>,
    /// The last one with a good `/account`.
    pub verified: Option<TokenId>,
    /// A newer one that Apple refused while the verified one is used again.
    pub newer: Option<TokenId>,
    /// The end of the one in use.
    pub expires_at: Option<Timestamp>,
    /// What Apple last showed of the one in use.
    pub state: TokenState,
    /// When Apple last showed something of it.
    pub checked_at: Option<Timestamp>,
    /// Whether Apple refused it as a credential, so that only another token can help.
    pub credential_refused: bool,
    /// Refusals in a row that carried no code.
    pub bare_refusals: i64,
    /// When the first of them came.
    pub bare_refused_since: Option<Timestamp>,
}

impl TokenSlots {
    /// Whether the one in use had a good `/account`.
    pub fn is_verified(&self) -> bool {
        self.in_use.is_some() && self.in_use == self.verified
    }

    /// The other one of two that are kept until one is verified.
    pub fn other(&self) -> Option<TokenId> {
        match self.verified {
            verified if verified == self.in_use => self.newer,
            verified => verified,
        }
    }

    fn forget_bare_refusals(&mut self) {
        self.bare_refusals = 0;
        self.bare_refused_since = None;
    }
}

/// What an answer of Apple's that is no success shows of the token in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppleFault {
    /// What it means once it is believed.
    pub state: TokenState,
    /// Whether Apple refused the token as a credential.
    pub is_about_credential: bool,
    /// A 401 or 403 that carried no code: a gateway's as likely as Apple's.
    pub is_bare: bool,
}

impl AppleFault {
    /// A fault that says nothing about the credential.
    pub const fn of(state: TokenState) -> Self {
        Self { state, is_about_credential: false, is_bare: false }
    }
}

/// What an upload changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenChange {
    /// The token that was uploaded and its end; none when it is the one in use, once more.
    pub token: Option<(TokenId, Timestamp)>,
    /// `appleIdentifier` from now on.
    pub apple_identifier: Option<String>,
    /// `tokenType` from now on.
    pub token_type: TokenType,
    /// What Apple said.
    pub state: TokenState,
    /// The server, as far as known from now on.
    pub server: ServerIdentity,
    /// Whether Apple's `/account` was good.
    pub verified: bool,
    /// Devices per page that Apple allows; none leaves what is known.
    pub page_limit: Option<u32>,
}

/// What a good `/account` says of the token in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenVerification {
    /// `tokenType`.
    pub token_type: TokenType,
    /// The server, as far as known.
    pub server: ServerIdentity,
    /// Devices per page that Apple allows.
    pub page_limit: u32,
}

/// The other one of two tokens, about to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSwap {
    /// It.
    pub to: TokenId,
    /// Its end.
    pub expires_at: Timestamp,
}

impl SettingState {
    /// An upload takes effect: the token is used, and a sync is due by it.
    pub fn on_upload(&mut self, change: TokenChange, now: Timestamp) {
        self.apple_identifier = change.apple_identifier;
        self.token_type = change.token_type;
        self.server = change.server;
        self.page_limit = change.page_limit.unwrap_or(self.page_limit);
        self.modified_at = now;
        let token = &mut self.token;
        if let Some((id, expires_at)) = change.token {
            token.generation += 1;
            token.in_use = Some(id);
            token.expires_at = Some(expires_at);
            token.newer = None;
        }
        if change.verified {
            token.verified = token.in_use;
            token.newer = None;
        }
        token.state = change.state;
        token.checked_at = Some(now);
        token.credential_refused = false;
        token.forget_bare_refusals();
        self.sync.failures = 0;
        self.retry_assignment(now);
        self.assignment.forget_fault();
        self.request_sync(now);
    }

    /// Apple's `/account` is good: the token in use is verified, and the other one of two is needed no more.
    pub fn on_verified(&mut self, verification: TokenVerification, now: Timestamp) {
        self.token_type = verification.token_type;
        self.server = verification.server;
        self.page_limit = verification.page_limit;
        self.modified_at = now;
        let token = &mut self.token;
        token.verified = token.in_use;
        token.newer = None;
        token.state = self.assignment.fault.unwrap_or(TokenState::Ok);
        token.checked_at = Some(now);
        token.credential_refused = false;
        token.forget_bare_refusals();
    }

    /// What is believed of a fault now: a bare refusal says nothing until it was repeated for a while.
    pub(super) fn on_fault(&mut self, fault: AppleFault, now: Timestamp) -> TokenState {
        let token = &mut self.token;
        let believed = if fault.is_bare {
            let since = token.bare_refused_since.filter(|since| *since <= now).unwrap_or(now);
            token.bare_refused_since = Some(since);
            token.bare_refusals += 1;
            token.bare_refusals >= BARE_REFUSALS && now.duration_since(since) >= BARE_REFUSALS_SPAN
        } else {
            token.forget_bare_refusals();
            true
        };
        token.checked_at = Some(now);
        token.credential_refused = believed && fault.is_about_credential;
        if believed { fault.state } else { TokenState::NotUnderstood }
    }

    /// The other one of two tokens is used from now on, since Apple refuses the one in use or says that it is for another
    /// server. The verified one at once; the newer one, which was refused before, as seldom as syncs that fail.
    pub fn on_restored(&mut self, swap: TokenSwap, refused: TokenState, now: Timestamp, lengths: &Lengths) {
        let to_verified = self.token.verified == Some(swap.to);
        let token = &mut self.token;
        token.generation += 1;
        token.newer = if to_verified { token.in_use } else { None };
        token.in_use = Some(swap.to);
        token.expires_at = Some(swap.expires_at);
        token.state = if to_verified { TokenState::Ok } else { refused };
        token.credential_refused &= !to_verified;
        token.forget_bare_refusals();
        self.modified_at = now;
        self.retry_assignment(now);
        self.assignment.forget_fault();
        self.request_sync(now);
        if !to_verified {
            let pause = pause_after(self.sync.failures.saturating_sub(1).max(0), lengths);
            self.sync.due_at = Some(later(now, pause));
        }
    }
}
