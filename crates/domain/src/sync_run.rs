//! Words about a sync: what kind of run it is, what it did, how it ended; and when a complete fetch is not believed.

use jiff::Timestamp;

use super::TokenState;

words! {
    /// How a run learns what Apple lists.
    pub enum SyncKind: eq {
        /// Everything, because there is no cursor to go on from.
        FullFetch = "full_fetch",
        /// What changed since the stored cursor.
        Delta = "delta_sync",
        /// Deltas, then everything once more, to find what the deltas had unconfirmed.
        FullResync = "full_resync",
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncOutcome {
    /// Not yet.
    Running,
    /// Its process ended in the midst of it; a later run went on.
    CutShort,
    /// Its process was asked to stop; the next run goes on from what is stored.
    Interrupted,
    /// Its lease, the token or the setting became another one.
    Superseded,
    /// Something of ours failed, such as the database.
    BrokenOff,
    /// Apple gave a cursor for the second time.
    RepeatedCursor,
    /// Apple showed this of the token; `Ok` when everything was read to the end.
    Token(TokenState),
}

impl SyncOutcome {
    const OWN: [Self; 6] = [
        Self::Running,
        Self::CutShort,
        Self::Superseded,
        Self::Interrupted,
        Self::BrokenOff,
        Self::RepeatedCursor,
    ];

    /// The word that is stored and shown; those of a token are [`TokenState`]'s.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::CutShort => "cut_short",
            Self::Interrupted => "interrupted",
            Self::Superseded => "superseded",
            Self::BrokenOff => "broken_off",
            Self::RepeatedCursor => "repeated_cursor",
            Self::Token(state) => state.as_str(),
        }
    }

    /// The outcome of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        let own = Self::OWN.into_iter().find(|outcome| outcome.as_str() == word);
        own.or_else(|| TokenState::from_word(word).map(Self::Token))
    }
}

/// Numbers of devices: listed for the first time or again, changed, gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceChanges {
    /// Listed for the first time, or again after they had gone.
    pub added: i64,
    /// With another record.
    pub changed: i64,
    /// Gone.
    pub removed: i64,
}

impl DeviceChanges {
    /// Both together.
    pub const fn and(self, more: Self) -> Self {
        Self {
            added: self.added + more.added,
            changed: self.changed + more.changed,
            removed: self.removed + more.removed,
        }
    }
}

/// A line of a setting's sync history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncRun {
    /// Grows with every run, with gaps.
    pub run: i64,
    /// When the (first) run began.
    pub started_at: Timestamp,
    /// When the (last) run ended; none while it runs or when it was cut short.
    pub ended_at: Option<Timestamp>,
    /// Runs that this line stands for: of several in a row that stored nothing and ended alike there is one line.
    pub runs: i64,
    /// How it learned what Apple lists.
    pub kind: SyncKind,
    /// Apple's pages that were stored.
    pub pages: i64,
    /// What they changed.
    pub changes: DeviceChanges,
    /// Of these, what a full resync found that no delta had told.
    pub drift: DeviceChanges,
    /// Devices that the fetch did not list and that were left as they are, because they are too many to believe it.
    pub unconfirmed: i64,
    /// Records of Apple's without a serial number.
    pub unreadable: i64,
    /// How it ended.
    pub outcome: SyncOutcome,
    /// Apple's code, where it gave one.
    pub code: Option<String>,
}

/// Whether so many devices missing from a complete fetch are rather Apple's mistake: all of them, or over 50 and over
/// 20 %. `missing` of `listed`.
pub fn too_many_absent(missing: usize, listed: usize) -> bool {
    missing > 0 && (missing == listed || (missing > 50 && missing.saturating_mul(5) > listed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for kind in SyncKind::ALL {
            assert_eq!(SyncKind::from_word(kind.as_str()), Some(kind));
        }
        let states = TokenState::ALL.into_iter().map(SyncOutcome::Token);
        for outcome in SyncOutcome::OWN.into_iter().chain(states) {
            assert_eq!(SyncOutcome::from_word(outcome.as_str()), Some(outcome));
        }
    }

    #[test]
    fn a_fetch_is_not_believed_when_all_or_more_than_a_fifth_and_fifty_are_missing() {
        for (missing, listed, expected) in [
            (0, 0, false),
            (0, 10, false),
            (1, 1, true),
            (3, 10, false),
            (10, 10, true),
            (50, 60, false),
            (51, 60, true),
            (51, 255, false),
            (52, 255, true),
            (200, 1000, false),
            (201, 1000, true),
        ] {
            assert_eq!(too_many_absent(missing, listed), expected, "{missing} of {listed}");
        }
    }

    #[test]
    fn changes_of_two_pages_are_counted_together() {
        let one = DeviceChanges { added: 2, changed: 3, removed: 5 };
        let other = DeviceChanges { added: 7, changed: 11, removed: 13 };
        assert_eq!(one.and(other), DeviceChanges { added: 9, changed: 14, removed: 18 });
    }
}
