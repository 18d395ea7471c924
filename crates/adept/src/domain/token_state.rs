//! What is known of a setting's server token: one table from state to error code and to the sentence for people.

/// The state of a setting's server token, as Apple last showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenState {
    /// No token was uploaded yet.
    None,
    /// Apple accepts it.
    Ok,
    /// The organisation has to accept new terms.
    Terms,
    /// Its year is over.
    Expired,
    /// Apple refuses it: it was replaced by a newer download, or revoked.
    Revoked,
    /// Apple denies access; the Apple account behind it is gone or lacks the right.
    Forbidden,
    /// Apple could not be reached or failed.
    Unreachable,
    /// Apple asked us to wait.
    Throttled,
    /// Apple answered something that Adept does not understand, or refuses Adept itself.
    NotUnderstood,
    /// This machine's clock and Apple's are over two minutes apart.
    OurClock,
    /// The token belongs to another server than the setting.
    WrongServer,
}

impl TokenState {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::None,
        Self::Ok,
        Self::Terms,
        Self::Expired,
        Self::Revoked,
        Self::Forbidden,
        Self::Unreachable,
        Self::Throttled,
        Self::NotUnderstood,
        Self::OurClock,
        Self::WrongServer,
    ];

    /// The word that is stored, logged and used as a metric's label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ok => "ok",
            Self::Terms => "terms",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Forbidden => "forbidden",
            Self::Unreachable => "unreachable",
            Self::Throttled => "throttled",
            Self::NotUnderstood => "not_understood",
            Self::OurClock => "our_clock",
            Self::WrongServer => "wrong_server",
        }
    }

    /// The state of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// `lastSyncErrorCode`: 0 is fine.
    pub const fn sync_error_code(self) -> i32 {
        match self {
            Self::None | Self::Ok => 0,
            Self::Terms => 1,
            Self::Expired => 2,
            Self::Revoked => 3,
            Self::Forbidden => 4,
            Self::Unreachable => 5,
            Self::Throttled => 6,
            Self::NotUnderstood => 7,
            Self::OurClock => 8,
            Self::WrongServer => 9,
        }
    }

    /// Whether Apple refused the token as a credential, so that only a new upload can help.
    pub const fn refused_as_credential(self) -> bool {
        matches!(self, Self::Expired | Self::Revoked | Self::Forbidden)
    }

    /// One plain sentence: what is the matter and who must do what.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::None => {
                "No server token was uploaded yet: download one for this setting's public key in Apple Business or \
                 School Manager and upload it."
            }
            Self::Ok => "Apple accepts the server token.",
            Self::Terms => {
                "Apple waits for new terms: an administrator has to sign in to Apple Business or School Manager and \
                 accept them."
            }
            Self::Expired => {
                "The server token has expired: download a new one in Apple Business or School Manager and upload it."
            }
            Self::Revoked => {
                "Apple no longer accepts the server token; a newer one was downloaded or it was revoked: download a \
                 new one and upload it here."
            }
            Self::Forbidden => {
                "Apple denies access to the Apple account behind the server token: download a new token with an \
                 account that is active and upload it."
            }
            Self::Unreachable => {
                "Apple could not be reached; Adept tries again by itself. If it lasts, the operator has to check the \
                 network to Apple."
            }
            Self::Throttled => "Apple asked to wait; Adept goes on by itself when the time is over.",
            Self::NotUnderstood => {
                "Apple answered something unexpected; the operator has to look at the log and compare Adept's version."
            }
            Self::OurClock => {
                "This machine's clock and Apple's are more than two minutes apart: the operator has to set the clock."
            }
            Self::WrongServer => {
                "The server token belongs to another server than this setting: download one for this setting's server \
                 and upload it."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_found_by_its_word_and_has_its_own_code() {
        for state in TokenState::ALL {
            assert_eq!(TokenState::from_word(state.as_str()), Some(state));
        }
        let mut codes: Vec<_> = TokenState::ALL.iter().map(|s| s.sync_error_code()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
}
