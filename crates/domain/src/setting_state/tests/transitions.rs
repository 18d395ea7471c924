//! Transitions one by one: what each of them changes, and what it leaves as it was.

use super::*;

#[test]
fn an_edit_is_dated_and_changes_nothing_else() {
    let before = onboarded();
    let mut after = before.clone();
    after.on_edited(at(7));
    assert_eq!(after, SettingState { modified_at: at(7), ..before });
}

#[test]
fn a_lease_lives_from_its_last_renewal_until_it_is_released() {
    let mut state = onboarded();
    assert!(state.on_sync_started(at(1), &LENGTHS, UNSEEN));
    state.on_lease_renewed(at(20), &LENGTHS);
    assert_eq!(state.lease, LeaseState { epoch: 1, until: Some(at(50)) });
    state.on_lease_released();
    assert_eq!(state.lease, LeaseState { epoch: 1, until: None });
    assert!(state.on_sync_started(at(21), &LENGTHS, UNSEEN));
    assert_eq!(state.lease.epoch, 2, "each claim has an epoch of its own");
}

#[test]
fn a_run_starts_only_when_it_is_due_and_the_setting_exists_and_is_free() {
    for deleted in [false, true] {
        for due in [false, true] {
            for held in [false, true] {
                let mut state = onboarded();
                state.deleted_at = deleted.then(|| at(0));
                state.lease.until = held.then(|| at(20));
                let mut assignment = state.clone();
                state.sync.due_at = Some(at(if due { 0 } else { 600 }));
                (assignment.sync.due_at, assignment.assignment.due_at) = (Some(at(600)), state.sync.due_at);
                let starts = due && !deleted && !held;
                let case = format!("deleted {deleted}, due {due}, held {held}");
                for without_token in [false, true] {
                    let mut sync = state.clone();
                    sync.token.in_use = sync.token.in_use.filter(|_| !without_token);
                    let may = starts && !without_token;
                    assert_eq!(sync.on_sync_started(at(1), &LENGTHS, UNSEEN), may, "sync: {case}");
                    assert_eq!(sync.lease.epoch, i64::from(may), "sync: {case}");
                }
                assert_eq!(assignment.on_assignment_started(at(1), &LENGTHS, UNSEEN), starts, "{case}");
                assert_eq!(assignment.lease.epoch, i64::from(starts), "{case}");
            }
        }
    }
}

#[test]
fn whatever_makes_assignment_due_is_a_request_of_its_own_and_a_look_at_all_stays_owed() {
    let fresh = onboarded().assignment;
    let mut state = onboarded();
    state.on_desired(at(1), false);
    assert_eq!((state.assignment.desired_generation, state.assignment.requests), (1, fresh.requests + 1));
    assert!(
        state.assignment.scan_all,
        "a new setting is looked at as a whole, and nothing was looked at yet"
    );
    state.assignment.scan_all = false;
    state.on_desired(at(2), false);
    assert_eq!((state.assignment.desired_generation, state.assignment.scan_all), (2, false));
    state.on_devices_changed(at(3), true);
    assert_eq!((state.assignment.desired_generation, state.assignment.scan_all), (2, true));
    state.on_devices_changed(at(4), false);
    assert_eq!((state.assignment.due_at, state.assignment.scan_all), (Some(at(4)), true));
    assert_eq!(state.assignment.requests, fresh.requests + 4);
}

#[test]
fn asking_for_a_sync_also_tries_an_assignment_again_that_a_fault_put_off() {
    for fault in [None, Some(TokenState::Terms)] {
        let mut state = onboarded();
        state.assignment.fault = fault;
        let before = state.assignment.clone();
        let requests = state.sync.requests;
        assert!(!state.is_full_fetch_due(at(9), &LENGTHS), "none is owed");
        assert!(state.on_requested(at(9), true));
        assert_eq!((state.sync.full_fetch_due_at, state.sync.requests), (Some(at(9)), requests + 1));
        assert!(!state.is_full_fetch_due(at(8), &LENGTHS) && state.is_full_fetch_due(at(9), &LENGTHS));
        let (due_at, requests) = match fault {
            None => (before.due_at, before.requests),
            Some(_) => (Some(at(9)), before.requests + 1),
        };
        assert_eq!(state.assignment, AssignmentState { due_at, requests, ..before }, "{fault:?}");
    }
}

#[test]
fn faults_of_profile_calls_are_counted_until_apple_takes_one_and_hide_no_other_fault() {
    let mut state = onboarded();
    state.sync.due_at = Some(at(600));
    let mut end = AssignmentEnd {
        finding: AssignmentFinding::Fault(AppleFault::of(TokenState::Terms)),
        scanned_generation: None,
        next_due: None,
        sync_by: None,
        seen_requests: 0,
        now: at(1),
    };
    for failures in [1, 2, 3] {
        state.on_assignment_ended(&end);
        assert_eq!((state.assignment.failures, state.assignment.fault), (failures, Some(TokenState::Terms)));
    }
    assert_eq!(state.sync.due_at, Some(at(600)));
    // A sync found something else meanwhile, of which a profile call that Apple took says nothing.
    state.token.state = TokenState::Throttled;
    (end.finding, end.sync_by) = (AssignmentFinding::Accepted, Some(at(700)));
    state.on_assignment_ended(&end);
    assert_eq!((state.token.state, state.assignment.failures), (TokenState::Throttled, 0));
    assert_eq!((state.assignment.fault, state.sync.due_at), (None, Some(at(600))), "which is sooner");
    end.sync_by = Some(at(500));
    state.on_assignment_ended(&end);
    assert_eq!(state.sync.due_at, Some(at(500)));
}

#[test]
fn the_number_of_devices_follows_each_change_and_is_never_below_nothing() {
    let mut state = onboarded();
    for (more, count) in [(5, 5), (3, 8), (-2, 6), (-9, 0), (i64::MAX, i64::MAX), (1, i64::MAX)] {
        state.on_devices_counted(more);
        assert_eq!(state.sync.device_count, count, "{more}");
    }
}

#[test]
fn a_fetch_that_is_wanted_sooner_comes_sooner_and_none_comes_before_the_first() {
    for (due, expected) in [(None, None), (Some(at(50)), Some(at(50))), (Some(at(500)), Some(at(100)))] {
        let mut state = onboarded();
        (state.sync.full_fetch_due_at, state.sync.due_at) = (due, due);
        state.on_fetch_wanted(at(100));
        assert_eq!((state.sync.full_fetch_due_at, state.sync.due_at), (expected, expected), "{due:?}");
    }
}

#[test]
fn a_cursor_that_apple_repeats_is_counted_until_a_run_comes_to_its_end() {
    let mut state = onboarded();
    for (repeats_cursor, repeats) in [(true, 1), (true, 2), (false, 2), (true, 3)] {
        let end = ended(&state, SyncOutcome::RepeatedCursor, None, at(5));
        let shown = state.on_sync_ended(&SyncEnd { repeats_cursor, ..end });
        assert_eq!((state.sync.cursor.repeats, shown), (repeats, None), "Apple said nothing of the token");
    }
    assert_eq!(run(&mut state, None, at(6)), Some(TokenState::Ok));
    assert_eq!((state.sync.cursor.repeats, state.sync.failures), (0, 0));
}

#[test]
fn a_success_ends_whatever_was_refused_before() {
    let mut state = onboarded();
    for second in [0, 450] {
        run(&mut state, Some(BARE), at(second));
    }
    run(&mut state, Some(REFUSED), at(500));
    run(&mut state, Some(BARE), at(600));
    run(&mut state, None, at(601));
    let token = TokenSlots { checked_at: Some(at(601)), ..onboarded().token };
    assert_eq!(state.token, token);
}

#[test]
fn a_bare_refusal_that_a_wrong_clock_dated_ahead_counts_from_now() {
    let mut state = onboarded();
    run(&mut state, Some(BARE), at(90_000));
    run(&mut state, Some(BARE), at(0));
    assert_eq!(run(&mut state, Some(BARE), at(899)), Some(TokenState::NotUnderstood));
    assert_eq!(run(&mut state, Some(BARE), at(900)), Some(TokenState::Forbidden));
}

#[test]
fn a_token_is_verified_only_while_the_one_in_use_had_the_good_account() {
    for (in_use, verified, expected) in [
        (None, None, false),
        (Some(VERIFIED), None, false),
        (Some(NEWER), Some(VERIFIED), false),
        (None, Some(VERIFIED), false),
        (Some(VERIFIED), Some(VERIFIED), true),
    ] {
        let slots = TokenSlots { in_use, verified, ..TokenSlots::default() };
        assert_eq!(slots.is_verified(), expected, "{in_use:?} {verified:?}");
    }
}

#[test]
fn a_refusal_stays_with_the_refused_token_when_the_other_one_is_used() {
    let mut state = renewing();
    run(&mut state, Some(REFUSED), at(20));
    assert!(state.token.credential_refused);
    let swap = |to| TokenSwap { to, expires_at: at(900_000) };
    state.on_restored(swap(VERIFIED), TokenState::Revoked, at(20), &LENGTHS);
    assert!(!state.token.credential_refused, "the verified one is not the one that Apple refused");
    state.on_restored(swap(NEWER), TokenState::Revoked, at(21), &LENGTHS);
    assert!(!state.token.credential_refused, "nothing was refused since");
    run(&mut state, Some(REFUSED), at(22));
    state.on_restored(swap(VERIFIED), TokenState::Revoked, at(23), &LENGTHS);
    run(&mut state, Some(REFUSED), at(24));
    state.on_restored(swap(NEWER), TokenState::Revoked, at(25), &LENGTHS);
    assert!(state.token.credential_refused, "both are");
}

#[test]
fn a_purge_that_began_goes_on() {
    let mut state = onboarded();
    assert!(!state.begin_purge(at(1)), "nobody deleted it");
    state.on_deleted(at(0));
    assert!(state.begin_purge(at(31 * 86_400)));
    assert!(state.begin_purge(at(86_400)), "also when the clock is set back");
}
