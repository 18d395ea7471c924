//! Every transition, as tables: what was, what happened, what is.

mod transitions;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::*;
use crate::{
    SettingId, SyncOutcome, TenantId, TokenId,
    deadline::{Lengths, later},
};

const LENGTHS: Lengths = Lengths {
    lease: SignedDuration::from_secs(30),
    sync_interval: SignedDuration::from_mins(30),
    full_resync_interval: SignedDuration::from_hours(7 * 24),
};
const UNSEEN: Observed =
    Observed { lease: LeaseState { epoch: 0, until: None }, unrenewed: SignedDuration::ZERO };
const VERIFIED: TokenId = TokenId(Uuid::from_u128(1));
const NEWER: TokenId = TokenId(Uuid::from_u128(2));
const REFUSED: AppleFault =
    AppleFault { state: TokenState::Revoked, is_about_credential: true, is_bare: false };
const BARE: AppleFault =
    AppleFault { state: TokenState::Forbidden, is_about_credential: true, is_bare: true };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn upload(token: Option<TokenId>, verified: bool) -> TokenChange {
    TokenChange {
        token: token.map(|id| (id, at(31_536_000))),
        apple_identifier: None,
        token_type: TokenType::Dep,
        state: if verified { TokenState::Ok } else { TokenState::Terms },
        server: ServerIdentity::default(),
        verified,
        page_limit: None,
    }
}

fn onboarded() -> SettingState {
    let key = SettingKey { tenant: TenantId(Uuid::from_u128(8)), id: SettingId(Uuid::from_u128(9)) };
    let mut state = SettingState::new(key, TokenType::Dep, at(0));
    state.on_upload(upload(Some(VERIFIED), true), at(0));
    state
}

/// Terms wait, and a renewal was uploaded meanwhile.
fn renewing() -> SettingState {
    let mut state = onboarded();
    state.on_upload(upload(Some(NEWER), false), at(10));
    state
}

fn ended(state: &SettingState, outcome: SyncOutcome, fault: Option<AppleFault>, now: Timestamp) -> SyncEnd {
    SyncEnd {
        outcome,
        fault,
        code: None,
        started_at: now,
        now,
        next_due: later(now, LENGTHS.sync_interval),
        seen_requests: state.sync.requests,
        repeats_cursor: false,
        full_fetch: None,
    }
}

fn run(state: &mut SettingState, fault: Option<AppleFault>, now: Timestamp) -> Option<TokenState> {
    let outcome = SyncOutcome::Token(fault.map_or(TokenState::Ok, |fault| fault.state));
    let end = ended(state, outcome, fault, now);
    state.on_sync_ended(&end)
}

#[test]
fn a_change_is_admitted_only_under_what_it_was_decided_under() {
    let state = onboarded();
    let lease = state.current_lease();
    let other_epoch = Lease { epoch: lease.epoch + 1, ..lease };
    let other_token = Lease { generation: lease.generation + 1, ..lease };
    let mut deleted = state.clone();
    deleted.on_deleted(at(5));
    let mut purging = deleted.clone();
    purging.purging = true;
    for (fence, on_live, on_deleted, on_purging) in [
        (Fence::Exists, true, false, false),
        (Fence::Generation(1), true, false, false),
        (Fence::Generation(0), false, false, false),
        (Fence::Lease(lease), true, false, false),
        (Fence::Lease(other_epoch), false, false, false),
        (Fence::Lease(other_token), false, false, false),
        (Fence::Epoch(lease.epoch), true, true, true),
        (Fence::Deleted, false, true, false),
    ] {
        assert_eq!(state.admits(&fence), on_live, "{fence:?} of a live setting");
        assert_eq!(deleted.admits(&fence), on_deleted, "{fence:?} of a deleted one");
        assert_eq!(purging.admits(&fence), on_purging, "{fence:?} of one being purged");
    }
}

#[test]
fn a_lease_is_free_when_released_long_over_absurd_or_seen_unrenewed_for_its_length() {
    let seen = |seconds| SignedDuration::from_secs(seconds);
    for (until, unrenewed, is_free) in [
        (None, seen(0), true),
        (Some(at(10)), seen(0), false),
        // A living lease of a replica whose clock is 100 s behind ours, and of one that is 100 s ahead.
        (Some(at(-70)), seen(9), false),
        (Some(at(130)), seen(9), false),
        (Some(at(10)), seen(29), false),
        (Some(at(10)), seen(30), true),
        (Some(at(-119)), seen(0), false),
        (Some(at(-120)), seen(0), true),
        (Some(at(150)), seen(0), false),
        (Some(at(151)), seen(0), true),
        (Some(at(34_560_000)), seen(0), true),
    ] {
        let lease = LeaseState { epoch: 3, until };
        let observed = Observed { lease, unrenewed };
        assert_eq!(lease.is_free(at(0), LENGTHS.lease, observed), is_free, "{observed:?}");
    }
}

#[test]
fn a_lease_that_was_renewed_or_claimed_after_it_was_last_seen_is_not_free() {
    let seen = LeaseState { epoch: 3, until: Some(at(-70)) };
    let observed = Observed { lease: seen, unrenewed: SignedDuration::from_mins(5) };
    assert!(seen.is_free(at(0), LENGTHS.lease, observed));
    for living in [LeaseState { until: Some(at(-69)), ..seen }, LeaseState { epoch: 4, ..seen }] {
        assert!(!living.is_free(at(0), LENGTHS.lease, observed), "{living:?}");
    }
}

#[test]
fn a_sync_starts_when_due_free_and_with_a_token() {
    let mut state = onboarded();
    assert!(!state.clone().on_sync_started(at(-60), &LENGTHS, UNSEEN), "not before it is due");
    let mut deleted = state.clone();
    deleted.on_deleted(at(1));
    assert!(!deleted.on_sync_started(at(2), &LENGTHS, UNSEEN));
    assert!(state.on_sync_started(at(2), &LENGTHS, UNSEEN));
    assert_eq!((state.lease.epoch, state.lease.until), (1, Some(at(32))));
    assert!(!state.clone().on_sync_started(at(3), &LENGTHS, UNSEEN), "somebody works on it");
    let unrenewed = Observed { lease: state.lease, unrenewed: LENGTHS.lease };
    assert!(
        state.clone().on_sync_started(at(40), &LENGTHS, unrenewed),
        "a dead process's work is taken over"
    );
    run(&mut state, None, at(5));
    assert!(!state.on_sync_started(at(1804), &LENGTHS, UNSEEN));
    assert!(state.on_sync_started(at(1805), &LENGTHS, UNSEEN));
}

#[test]
fn no_due_time_of_a_wrong_clock_is_believed() {
    let mut state = onboarded();
    for ahead in [0, 8, 86_400, 400 * 86_400] {
        run(&mut state, None, at(ahead));
        let longest = LENGTHS.sync_interval.as_secs() + 120;
        assert_eq!(state.is_sync_due(at(0), &LENGTHS), ahead + 1800 > longest, "{ahead} s ahead");
        assert!(state.is_sync_due(at(ahead + 1800), &LENGTHS), "{ahead} s ahead, at its time");
    }
    state.sync.full_fetch_due_at = Some(at(400 * 86_400));
    assert!(state.is_full_fetch_due(at(0), &LENGTHS));
    state.sync.due_at = Some(at(1000));
    state.assignment.due_at = Some(at(400 * 86_400));
    assert!(state.is_assignment_due(at(0), &LENGTHS));
    state.assignment.due_at = Some(at(86_400));
    assert!(!state.is_assignment_due(at(0), &LENGTHS));
}

#[test]
fn requests_coalesce_and_one_made_during_a_run_is_answered_by_the_next() {
    let mut state = onboarded();
    assert!(state.on_sync_started(at(1), &LENGTHS, UNSEEN));
    let seen = state.sync.requests;
    for second in [2, 3, 4] {
        assert!(state.on_requested(at(second), false));
    }
    let end =
        SyncEnd { seen_requests: seen, ..ended(&state, SyncOutcome::Token(TokenState::Ok), None, at(5)) };
    state.on_sync_ended(&end);
    assert!(state.on_sync_started(at(6), &LENGTHS, UNSEEN));
    run(&mut state, None, at(7));
    assert_eq!(state.sync.due_at, Some(at(7 + 1800)));
    let mut no_token = SettingState::new(state.key, TokenType::Dep, at(0));
    assert!(!no_token.on_requested(at(1), true));
    assert_eq!(no_token.sync, SyncState::default());
}

#[test]
fn two_syncs_start_a_second_apart_however_often_they_are_asked_for() {
    let mut state = onboarded();
    assert!(state.on_sync_started(at(10), &LENGTHS, UNSEEN));
    run(&mut state, None, at(10));
    state.on_requested(at(10), false);
    assert_eq!(state.sync.due_at, Some(at(11)));
    state.sync.started_at = Some(at(86_400));
    state.on_requested(at(12), false);
    assert_eq!(state.sync.due_at, Some(at(12)), "a start that lies ahead holds nothing up");
}

#[test]
fn a_page_moves_the_cursor_of_its_revision_only() {
    let mut state = onboarded();
    let to = CursorPosition { value: Some("a".into()), issued_at: at(1), complete: true, limit: 500 };
    let page = CursorMove {
        seen_revision: 0,
        to: Some(to),
        full_fetch: Some(FullFetchMove { seen: None, to: at(2) }),
    };
    assert!(state.on_page(page.clone()));
    assert_eq!(state.sync.cursor.value.as_deref(), Some("a"));
    assert_eq!(state.sync.full_fetch_due_at, Some(at(2)));
    let before = state.clone();
    assert!(!state.on_page(page));
    assert_eq!(state, before);
    let asked_for =
        CursorMove { seen_revision: 1, to: None, full_fetch: Some(FullFetchMove { seen: None, to: at(9) }) };
    assert!(state.on_page(asked_for));
    assert_eq!(state.sync.full_fetch_due_at, Some(at(2)), "what somebody asked for meanwhile stays");
}

#[test]
fn failures_rest_one_five_and_fifteen_minutes_and_then_the_interval() {
    for (failures, minutes) in [(0, 1), (1, 5), (2, 15), (3, 30), (900, 30)] {
        assert_eq!(pause_after(failures, &LENGTHS), SignedDuration::from_mins(minutes), "{failures}");
    }
    let often = Lengths { sync_interval: SignedDuration::from_secs(40), ..LENGTHS };
    assert_eq!(pause_after(2, &often), SignedDuration::from_secs(40));
}

#[test]
fn what_ends_a_sync_shows_in_the_token_and_the_failures() {
    let fault = |state| Some(AppleFault::of(state));
    for (outcome, fault, state, failures) in [
        (SyncOutcome::Token(TokenState::Ok), None, TokenState::Ok, 0),
        (SyncOutcome::Token(TokenState::Terms), fault(TokenState::Terms), TokenState::Terms, 3),
        (SyncOutcome::Token(TokenState::Expired), None, TokenState::Expired, 3),
        (SyncOutcome::Token(TokenState::Revoked), Some(REFUSED), TokenState::Revoked, 3),
        (SyncOutcome::Token(TokenState::Forbidden), Some(BARE), TokenState::NotUnderstood, 3),
        (SyncOutcome::BrokenOff, None, TokenState::Throttled, 3),
        (SyncOutcome::RepeatedCursor, None, TokenState::Throttled, 3),
    ] {
        let mut before = onboarded();
        before.sync.failures = 2;
        before.token.state = TokenState::Throttled;
        let end = ended(&before, outcome, fault, at(9));
        before.on_sync_ended(&end);
        assert_eq!((before.token.state, before.sync.failures), (state, failures), "{outcome:?}");
        assert_eq!(before.token.credential_refused, fault == Some(REFUSED), "{outcome:?}");
        assert_eq!(before.lease.until, None);
    }
}

#[test]
fn a_bare_refusal_is_believed_after_three_times_in_a_quarter_of_an_hour() {
    for (times, believed) in [
        (vec![0, 60, 360], false),
        (vec![0, 899], false),
        (vec![0, 450, 899], false),
        (vec![0, 450, 900], true),
        (vec![0, 900], false),
        (vec![0, 60, 360, 1260], true),
    ] {
        let mut state = onboarded();
        let last = times.iter().map(|second| run(&mut state, Some(BARE), at(*second)).unwrap()).last();
        let expected = if believed { TokenState::Forbidden } else { TokenState::NotUnderstood };
        assert_eq!(last, Some(expected), "{times:?}");
        assert_eq!(state.token.credential_refused, believed, "{times:?}");
    }
    let mut state = onboarded();
    for (second, fault) in
        [(0, BARE), (450, AppleFault::of(TokenState::Unreachable)), (900, BARE), (901, BARE)]
    {
        run(&mut state, Some(fault), at(second));
    }
    assert_eq!(state.token.bare_refusals, 2, "another answer in between begins the count again");
}

#[test]
fn both_tokens_of_a_renewal_are_kept_until_one_is_verified() {
    let mut state = renewing();
    assert_eq!((state.token.in_use, state.token.other()), (Some(NEWER), Some(VERIFIED)));
    // Apple refuses the newer one: the verified one is used at once, and the newer one stays.
    run(&mut state, Some(REFUSED), at(20));
    let swap = |to| TokenSwap { to, expires_at: at(900_000) };
    state.on_restored(swap(VERIFIED), TokenState::Revoked, at(20), &LENGTHS);
    assert_eq!((state.token.in_use, state.token.other()), (Some(VERIFIED), Some(NEWER)));
    assert_eq!((state.token.generation, state.token.state), (3, TokenState::Ok));
    assert!(state.is_sync_due(at(21), &LENGTHS));
    // It refuses that one too: they take turns, and no longer at once.
    run(&mut state, Some(REFUSED), at(22));
    state.on_restored(swap(NEWER), TokenState::Revoked, at(22), &LENGTHS);
    assert_eq!((state.token.in_use, state.token.other()), (Some(NEWER), Some(VERIFIED)));
    assert_eq!(state.token.state, TokenState::Revoked, "two refused tokens do not look well");
    assert!(!state.is_sync_due(at(23), &LENGTHS));
    // One good answer ends it, whichever it is.
    for (first, kept) in [(NEWER, NEWER), (VERIFIED, VERIFIED)] {
        let mut state = state.clone();
        if first == VERIFIED {
            state.on_restored(swap(VERIFIED), TokenState::Revoked, at(30), &LENGTHS);
        }
        let verification = TokenVerification {
            token_type: TokenType::Dep,
            server: ServerIdentity::default(),
            page_limit: 1000,
        };
        state.on_verified(verification, at(31));
        let TokenSlots { in_use, verified, newer, .. } = state.token;
        assert_eq!([in_use, verified, newer], [Some(kept), Some(kept), None]);
        assert_eq!((state.token.other(), state.token.state), (None, TokenState::Ok));
    }
}

#[test]
fn an_upload_is_used_at_once_and_verified_only_by_a_good_account() {
    for (token, verified, in_use, last_verified, generation) in [
        (Some(NEWER), true, NEWER, NEWER, 2),
        (Some(NEWER), false, NEWER, VERIFIED, 2),
        (None, true, VERIFIED, VERIFIED, 1),
    ] {
        let mut state = onboarded();
        run(&mut state, Some(REFUSED), at(5));
        state.on_upload(upload(token, verified), at(6));
        assert_eq!((state.token.in_use, state.token.verified), (Some(in_use), Some(last_verified)));
        assert_eq!((state.token.generation, state.sync.failures), (generation, 0));
        assert!(!state.token.credential_refused && state.is_sync_due(at(8), &LENGTHS));
    }
}

#[test]
fn a_fault_of_profile_calls_stays_shown_until_apple_takes_such_a_call() {
    let terms = AssignmentFinding::Fault(AppleFault::of(TokenState::Terms));
    let mut state = onboarded();
    let end = |state: &SettingState, finding| AssignmentEnd {
        finding,
        scanned_generation: None,
        next_due: None,
        sync_by: None,
        seen_requests: state.assignment.requests,
        now: at(9),
    };
    let ended = end(&state, terms);
    state.on_assignment_ended(&ended);
    run(&mut state, None, at(10));
    assert_eq!(state.token.state, TokenState::Terms, "a sync that succeeds does not hide it");
    state.assignment.due_at = Some(at(11));
    assert!(state.is_assignment_due(at(11), &LENGTHS), "it is tried again all the same");
    for (finding, shown) in [
        (AssignmentFinding::Nothing, TokenState::Terms),
        (AssignmentFinding::NothingAsked, TokenState::Terms),
        (AssignmentFinding::Accepted, TokenState::Ok),
    ] {
        let mut state = state.clone();
        let ended = end(&state, finding);
        state.on_assignment_ended(&ended);
        assert_eq!(state.token.state, shown, "{finding:?}");
    }
}

#[test]
fn what_is_desired_during_a_run_is_looked_at_by_the_next() {
    let mut state = onboarded();
    state.on_desired(at(1), true);
    let (requests, generation) = (state.assignment.requests, state.assignment.desired_generation);
    let end = AssignmentEnd {
        finding: AssignmentFinding::Accepted,
        scanned_generation: Some(generation),
        next_due: Some(at(5000)),
        sync_by: None,
        seen_requests: requests,
        now: at(3),
    };
    let mut quiet = state.clone();
    quiet.on_assignment_ended(&end);
    assert_eq!((quiet.assignment.due_at, quiet.assignment.scan_all), (Some(at(5000)), false));
    state.on_desired(at(2), false);
    state.on_assignment_ended(&end);
    assert_eq!((state.assignment.due_at, state.assignment.scan_all), (Some(at(2)), true));
}

#[test]
fn a_sync_that_is_due_goes_before_an_assignment() {
    let mut state = onboarded();
    state.on_desired(at(0), false);
    assert!(!state.on_assignment_started(at(1), &LENGTHS, UNSEEN));
    state.sync.due_at = Some(at(600));
    assert!(state.on_assignment_started(at(1), &LENGTHS, UNSEEN));
    for token in [TokenState::Terms, TokenState::Revoked, TokenState::Unreachable] {
        let mut state = onboarded();
        state.on_desired(at(0), false);
        (state.sync.due_at, state.token.state) = (Some(at(600)), token);
        assert!(!state.is_assignment_due(at(1), &LENGTHS), "{token:?}");
    }
}

#[test]
fn a_setting_in_use_is_deleted_only_by_force() {
    for (devices, refused, now, forced, expected) in [
        (0, false, 1, false, Deletion::Allowed),
        (5, false, 1, false, Deletion::InUse(5)),
        (5, false, 1, true, Deletion::Allowed),
        (5, true, 1, false, Deletion::Allowed),
        (5, false, 31_536_000, false, Deletion::Allowed),
    ] {
        let mut state = onboarded();
        state.sync.device_count = devices;
        state.token.credential_refused = refused;
        assert_eq!(state.deletion(at(now), forced), expected, "{devices} {refused} {now} {forced}");
    }
    for live in [
        TokenState::Unreachable,
        TokenState::Terms,
        TokenState::Throttled,
        TokenState::WrongServer,
        TokenState::OurClock,
    ] {
        let mut state = onboarded();
        (state.sync.device_count, state.token.state) = (1, live);
        assert_eq!(state.deletion(at(1), false), Deletion::InUse(1), "{live:?}");
    }
    let mut pseudo = onboarded();
    pseudo.token_type = TokenType::None;
    assert_eq!(pseudo.deletion(at(1), true), Deletion::PseudoSetting);
}

#[test]
fn a_deleted_setting_keeps_no_token_and_is_purged_after_thirty_days() {
    let mut state = renewing();
    state.on_deleted(at(100));
    assert_eq!(state.token, TokenSlots { generation: state.token.generation, ..TokenSlots::default() });
    assert_eq!((state.token.generation, state.sync.due_at), (3, None));
    let days = |days: i64| at(100 + days * 86_400);
    assert!(!state.clone().begin_purge(days(29)));
    assert!(state.clone().begin_purge(days(30)));
    let mut dated_ahead = state.clone();
    dated_ahead.deleted_at = Some(days(400));
    assert!(!dated_ahead.begin_purge(days(1)));
    assert_eq!(dated_ahead.deleted_at, Some(days(1)), "a deletion that lies ahead counts as of now");
    state.on_undeleted(at(200));
    assert!(state.admits(&Fence::Exists) && !state.begin_purge(days(60)));
}

#[test]
fn a_deletion_that_the_last_purge_would_have_found_was_dated_by_a_clock_that_was_behind() {
    let days = |days: i64| at(days * 86_400);
    let mut deleted = renewing();
    deleted.on_deleted(days(0));
    for (last, dated) in [(29, false), (30, true), (400, true)] {
        let mut state = deleted.clone();
        assert_eq!(state.date_deletion_forward(days(last), days(40)), dated, "{last}");
        assert_eq!(state.deleted_at, Some(days(if dated { 40 } else { 0 })), "{last}");
    }
    // A time of a purge that lies ahead counts as now.
    assert!(!deleted.clone().date_deletion_forward(days(400), days(29)));
    assert!(!renewing().date_deletion_forward(days(400), days(400)));
    let mut purging = SettingState { purging: true, ..deleted };
    assert!(!purging.date_deletion_forward(days(30), days(40)), "its purge goes on");
}
