//! Deadlines and the clock's reach: no stored time is believed beyond the longest that it may lie ahead, so that a clock
//! that was wrong for a moment leaves nothing behind. Pure.

use jiff::{SignedDuration, Timestamp};

/// Clocks of replicas, and ours and Apple's, may differ by as much before either counts as wrong.
pub const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(2);

/// The longest wait of any kind that Apple is granted, and the longest that a device, release or definition rests.
pub const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24);

/// The longest right of one process to open a session at Apple.
pub const SESSION_CLAIM: SignedDuration = SignedDuration::from_secs(60);

/// How far ahead the deadlines of a deployment may lie; from its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// How long a lease lives that nobody renews.
    pub lease: SignedDuration,
    /// Time between two syncs of a setting.
    pub sync_interval: SignedDuration,
    /// Time between two full resyncs; jitter lies inside.
    pub full_resync_interval: SignedDuration,
}

/// What a stored deadline is for, which says how far ahead it may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadlineKind {
    /// The end of a lease that nobody renews.
    Lease,
    /// The next sync.
    Sync,
    /// The next full resync.
    FullResync,
    /// The next look at a setting's assignments, a device, a release or a definition.
    Rest,
    /// A wait that Apple asked for; each row says how long one of its kind may be, and none may be longer than this.
    Wait,
    /// The right to open a session at Apple.
    SessionClaim,
}

impl DeadlineKind {
    /// How far ahead it may lie.
    pub const fn length(self, lengths: &Lengths) -> SignedDuration {
        match self {
            Self::Lease => lengths.lease,
            Self::Sync => lengths.sync_interval,
            Self::FullResync => lengths.full_resync_interval,
            Self::Rest | Self::Wait => LONGEST_REST,
            Self::SessionClaim => SESSION_CLAIM,
        }
    }
}

/// Every stored deadline, by table and column.
pub const DEADLINES: [(&str, DeadlineKind); 8] = [
    ("setting_states.lease_until", DeadlineKind::Lease),
    ("setting_states.sync_due_at", DeadlineKind::Sync),
    ("setting_states.full_fetch_due_at", DeadlineKind::FullResync),
    ("setting_states.assignment_due_at", DeadlineKind::Rest),
    ("devices.assign_due_at", DeadlineKind::Rest),
    ("devices.release_due_at", DeadlineKind::Rest),
    ("profile_definitions.again_at", DeadlineKind::Rest),
    ("server_tokens.session_claimed_until", DeadlineKind::SessionClaim),
];

/// Deadlines whose row says how far ahead they may lie: the column, its kind and the column of its length.
pub const OWN_LENGTHS: [(&str, DeadlineKind, &str); 1] =
    [("apple_waits.until", DeadlineKind::Wait, "apple_waits.longest")];

/// Every stored time at which something was: where something depends on it, one that lies ahead counts as now.
pub const PAST_TIMES: [&str; 32] = [
    "apple_profiles.received_at",
    "apple_profiles.unknown_at",
    "audit_events.at",
    "clients.created_at",
    "created_requests.created_at",
    "default_profiles.set_at",
    "foreign_profiles.checked_at",
    "device_events.at",
    "devices.absent_since",
    "devices.assigned_at",
    "devices.created_at",
    "devices.desired_at",
    "devices.operation_at",
    "devices.release_requested_at",
    "devices.tombstone_at",
    "enrollment_profiles.created_at",
    "enrollment_profiles.modified_at",
    "in_flight_calls.started_at",
    "key_pairs.created_at",
    "profile_definitions.attempted_at",
    "setting_states.bare_refused_since",
    "setting_states.cursor_issued_at",
    "setting_states.deleted_at",
    "setting_states.modified_at",
    "setting_states.sync_started_at",
    "setting_states.sync_succeeded_at",
    "setting_states.sync_triggered_at",
    "setting_states.token_checked_at",
    "settings.created_at",
    "sync_runs.ended_at",
    "sync_runs.started_at",
    "tenants.created_at",
];

/// Times that Apple states and that no clock of ours made: the end of a server token.
pub const STATED_TIMES: [&str; 2] = ["server_tokens.expires_at", "setting_states.token_expires_at"];

/// Whether a deadline that may lie `length` ahead at most is over at `now`: its time has come, or a wrong clock set it.
pub fn is_over(deadline: Timestamp, now: Timestamp, length: SignedDuration) -> bool {
    deadline <= now || deadline > horizon(now, length)
}

/// The latest time that is believed of a deadline of that length; what lies behind it counts as over.
pub fn horizon(now: Timestamp, length: SignedDuration) -> Timestamp {
    later(later(now, length), CLOCKS_APART)
}

/// A time at which something was: one that lies ahead counts as now.
pub fn past(time: Timestamp, now: Timestamp) -> Timestamp {
    time.min(now)
}

/// `time` and `by`, or `time` where the calendar ends.
pub fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_over_when_its_time_has_come_or_when_it_lies_beyond_its_length_and_two_minutes() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let length = SignedDuration::from_secs(30);
        for (ahead, over) in
            [(-1, true), (0, true), (1, false), (30, false), (150, false), (151, true), (34_560_000, true)]
        {
            let deadline = later(now, SignedDuration::from_secs(ahead));
            assert_eq!(is_over(deadline, now, length), over, "{ahead} s ahead");
        }
    }

    #[test]
    fn what_was_lies_never_ahead() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert_eq!(past(later(now, SignedDuration::from_hours(9)), now), now);
        assert_eq!(past(Timestamp::UNIX_EPOCH, now), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn each_kind_of_deadline_has_its_length_and_none_lies_behind_the_calendar() {
        let seconds = SignedDuration::from_secs;
        let lengths = Lengths {
            lease: seconds(30),
            sync_interval: seconds(1800),
            full_resync_interval: seconds(7 * 86_400),
        };
        for (kind, expected) in [
            (DeadlineKind::Lease, 30),
            (DeadlineKind::Sync, 1800),
            (DeadlineKind::FullResync, 7 * 86_400),
            (DeadlineKind::Rest, 86_400),
            (DeadlineKind::Wait, 86_400),
            (DeadlineKind::SessionClaim, 60),
        ] {
            assert_eq!(kind.length(&lengths), seconds(expected), "{kind:?}");
        }
        assert_eq!(later(Timestamp::MAX, seconds(1)), Timestamp::MAX);
    }
}
