//! What is known of a setting's server token: one table from state to error code and to the sentence for people. Which
//! of Apple's answers leads to which state is in `app/apple.rs`: `state_of`.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

words! {
    /// The state of a setting's server token, as Apple last showed it.
    #[derive(Default)]
    pub enum TokenState: eq {
        /// No token was uploaded yet.
        #[default]
        None = "none",
        /// Apple accepts it.
        Ok = "ok",
        /// The organization has to accept new terms.
        Terms = "terms",
        /// Its year is over.
        Expired = "expired",
        /// Apple refuses it: it was replaced by a newer download, or revoked.
        Revoked = "revoked",
        /// Apple denies access; the Apple account behind it is gone or lacks the right.
        Forbidden = "forbidden",
        /// Apple could not be reached or failed.
        Unreachable = "unreachable",
        /// Apple asked us to wait.
        Throttled = "throttled",
        /// Apple answered something that Adept does not understand, or refuses Adept itself.
        NotUnderstood = "not_understood",
        /// This machine's clock and Apple's are over two minutes apart.
        OurClock = "our_clock",
        /// The token belongs to another server than the setting.
        WrongServer = "wrong_server",
    }
}

impl TokenState {
    /// `lastSyncErrorCode`: 0 is no error. Observed: monitors of Graph act on 3, which means new terms.
    pub const fn sync_error_code(self) -> i32 {
        match self {
            Self::None | Self::Ok => 0,
            Self::Expired | Self::Revoked => 1,
            Self::Forbidden => 2,
            Self::Terms => 3,
            Self::Unreachable => 4,
            Self::Throttled => 10,
            Self::NotUnderstood => 11,
            Self::OurClock => 12,
            Self::WrongServer => 13,
        }
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

/// How a server token stands now: what Apple last said of it, and what follows from its end and its verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStanding {
    /// As Apple last showed it; or it has expired since.
    State(TokenState),
    /// Apple accepts it, and it ends soon.
    Expiring {
        /// Whole days that are left.
        days: i64,
    },
    /// Apple did not say yet whether it accepts it, or which server it is for.
    Unverified,
    /// Apple accepted it when it was last asked, but the syncs since then were not read to their end.
    Failing,
}

impl TokenStanding {
    /// From when on a token ends soon. Apple reminds by mail at 30 days; renewing takes a person some time.
    pub const SOON: SignedDuration = SignedDuration::from_hours(60 * 24);

    /// The standing of a token at `now`.
    pub fn at(now: Timestamp, state: TokenState, verified: bool, expires_at: Option<Timestamp>) -> Self {
        let left = expires_at.map(|end| end.duration_since(now));
        match (state, left) {
            (TokenState::None, _) | (_, None) => Self::State(state),
            (_, Some(left)) if !left.is_positive() => Self::State(TokenState::Expired),
            (TokenState::Ok, _) if !verified => Self::Unverified,
            (TokenState::Ok, Some(left)) if left <= Self::SOON => {
                Self::Expiring { days: left.as_secs() / (24 * 60 * 60) }
            }
            _ => Self::State(state),
        }
    }

    /// The word that is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State(state) => state.as_str(),
            Self::Expiring { .. } => "expiring",
            Self::Unverified => "unverified",
            Self::Failing => "failing",
        }
    }

    /// Whether somebody should do something: not yet for one that ends soon, and not while there is no token.
    pub const fn in_trouble(self) -> bool {
        matches!(self, Self::State(state) if !matches!(state, TokenState::Ok | TokenState::None))
    }

    /// One plain sentence: what is the matter and who must do what.
    pub fn sentence(self) -> Cow<'static, str> {
        match self {
            Self::State(state) => state.sentence().into(),
            Self::Expiring { days } => format!(
                "The server token ends in {days} days: download a new one in Apple Business or School Manager and upload \
                 it. Downloading ends the old one at once."
            )
            .into(),
            Self::Unverified => {
                "Apple has not said yet whether it accepts the server token; Adept asks again with the next sync.".into()
            }
            Self::Failing => {
                "Apple accepted the server token when it was last asked, but the last sync was not read to its end; Adept \
                 tries again by itself. If it lasts, the operator has to look at `adept setting history` and the log."
                    .into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_and_the_verification_tell_what_apple_did_not() {
        let now = Timestamp::UNIX_EPOCH;
        let days = |days: i64| Some(now + SignedDuration::from_hours(24 * days));
        for (state, verified, end, word) in [
            (TokenState::None, false, None, "none"),
            (TokenState::None, false, days(-1), "none"),
            (TokenState::Ok, true, days(61), "ok"),
            (TokenState::Ok, true, days(60), "expiring"),
            (TokenState::Ok, true, days(0), "expired"),
            (TokenState::Ok, false, days(300), "unverified"),
            (TokenState::Terms, false, days(300), "terms"),
            (TokenState::Revoked, true, days(10), "revoked"),
            (TokenState::Unreachable, true, days(-1), "expired"),
        ] {
            let standing = TokenStanding::at(now, state, verified, end);
            assert_eq!(standing.as_str(), word, "{state:?} {verified} {end:?}");
            assert!(standing.sentence().ends_with('.'));
        }
        assert_eq!(
            TokenStanding::at(now, TokenState::Ok, true, days(12)),
            TokenStanding::Expiring { days: 12 }
        );
    }

    #[test]
    fn every_state_is_found_by_its_word_and_has_its_code() {
        for state in TokenState::ALL {
            assert_eq!(TokenState::from_word(state.as_str()), Some(state));
        }
        let codes = TokenState::ALL.map(|state| (state.as_str(), state.sync_error_code()));
        assert_eq!(
            codes,
            [
                ("none", 0),
                ("ok", 0),
                ("terms", 3),
                ("expired", 1),
                ("revoked", 1),
                ("forbidden", 2),
                ("unreachable", 4),
                ("throttled", 10),
                ("not_understood", 11),
                ("our_clock", 12),
                ("wrong_server", 13),
            ]
        );
    }

    #[test]
    fn nothing_is_wrong_without_a_token() {
        use TokenState::{None, Ok};
        for state in TokenState::ALL {
            let is_in_trouble = !matches!(state, None | Ok);
            assert_eq!(TokenStanding::State(state).in_trouble(), is_in_trouble, "{state:?}");
        }
        for standing in
            [TokenStanding::Expiring { days: 1 }, TokenStanding::Unverified, TokenStanding::Failing]
        {
            assert!(!standing.in_trouble(), "{standing:?}");
        }
    }

    #[test]
    fn each_standing_has_a_sentence_of_its_own() {
        let states = TokenState::ALL.map(TokenStanding::State);
        let others =
            [TokenStanding::Expiring { days: 12 }, TokenStanding::Unverified, TokenStanding::Failing];
        let mut known = std::collections::HashSet::new();
        for standing in states.into_iter().chain(others) {
            let sentence = standing.sentence();
            assert!(sentence.len() > 20 && sentence.ends_with('.'), "{standing:?}: {sentence}");
            assert!(known.insert(sentence), "{standing:?}");
        }
        assert!(known.iter().any(|sentence| sentence.contains("in 12 days")));
    }
}
