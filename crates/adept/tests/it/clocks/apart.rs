//! Replicas whose clocks are 100 s apart: for an hour they share the work, take no living lease from each other, and the
//! leases of one that died are taken over.

use std::sync::Arc;

use adept::{
    domain::{
        Caller, SettingKey, SyncOutcome, TokenState,
        deadline::Lengths,
        setting_state::{LeaseState, Observed},
    },
    storage::{Claim, Work},
};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::SECOND;
use crate::{
    onboarding::{asked, pair, upload},
    support::{
        database::Kind,
        test_app::{S, TestApp},
    },
    sync::{fault, held, history, release},
};

const LENGTHS: Lengths = Lengths {
    lease: SignedDuration::from_secs(30),
    sync_interval: SignedDuration::from_mins(30),
    full_resync_interval: SignedDuration::from_hours(7 * 24),
};

/// Settings that both synchronize.
const SETTINGS: usize = 16;

/// Settings that a run of each replica holds for the whole hour.
const HELD: usize = 2;

on_both_databases! {
    two_replicas_whose_clocks_are_100_seconds_apart_share_the_work_of_an_hour,
    a_sync_that_a_replica_100_seconds_behind_runs_is_shown_as_running
}

async fn due(replica: &TestApp, key: SettingKey) -> bool {
    let now = replica.clock.now();
    let due = replica.storage.leases.due_settings(Work::Sync, now, &LENGTHS).await.unwrap();
    due.iter().any(|due| due.key == key)
}

/// A run of this replica that lasts: it holds the lease of a setting that is due.
async fn holds(replica: &TestApp, key: SettingKey) -> Claim {
    let observed = Observed { lease: LeaseState::default(), unrenewed: SignedDuration::ZERO };
    let claims =
        replica.storage.leases.claim(Work::Sync, &[(key, observed)], replica.clock.now(), &LENGTHS).await;
    claims.unwrap().remove(0)
}

async fn renews(replica: &TestApp, claim: &Claim) -> bool {
    replica.storage.leases.renew(&claim.lease, replica.clock.now(), &LENGTHS).await.unwrap()
}

/// What each does in a round of its scheduler.
async fn round(replica: &TestApp) -> usize {
    replica.app.scheduler.sync_what_is_due().await.unwrap()
        + replica.app.scheduler.assign_what_is_due().await.unwrap()
}

async fn two_replicas_whose_clocks_are_100_seconds_apart_share_the_work_of_an_hour(kind: Kind) {
    let ahead = TestApp::start_on_kind(kind).await;
    let behind = ahead.another_by_a_clock_of_its_own().await;
    ahead.portal.call(Method::PUT, "/options", json!({ "signature_clock": "any" }).to_string()).await;
    ahead.clock.set_by(SECOND * 100);
    let client = ahead.admin().await;
    let tenant = ahead.storage.default_tenant();
    let mut settings = Vec::new();
    for _ in 0..SETTINGS + HELD * 2 {
        let pair = pair(&ahead, &client).await;
        let token = ahead.portal.token(&pair.server).await;
        assert_eq!(upload(&client, &pair.setting, &token).await.status, 204);
        settings.push(SettingKey::new(tenant, pair.setting.parse().unwrap()));
    }
    let held = settings.split_off(SETTINGS);
    // What an upload made due by the clock ahead is due by the other one 100 s later.
    for replica in [&ahead, &behind] {
        replica.clock.advance(SECOND * 101);
    }
    let mut claims = Vec::new();
    for (number, key) in held.iter().enumerate() {
        let replica = if number % 2 == 0 { &ahead } else { &behind };
        claims.push((replica, holds(replica, *key).await));
    }
    let mut done = [0, 0];
    let calls = asked(&ahead, "POST /server/devices").await + asked(&ahead, "POST /devices/sync").await;
    for step in 0..360 {
        if step % 20 == 0 {
            // People ask either replica, whose scheduler goes first then.
            let (replica, key) = if step % 40 == 0 { (&ahead, settings[0]) } else { (&behind, settings[1]) };
            let path = format!("/beta/{S}/{}/syncWithAppleDeviceEnrollmentProgram", key.id);
            assert_eq!(replica.admin().await.act(&path).await.status, 204);
        }
        let (first, second) = match step % 3 {
            0 => tokio::join!(round(&ahead), round(&behind)),
            1 => {
                let behind = round(&behind).await;
                (round(&ahead).await, behind)
            }
            _ => (round(&ahead).await, round(&behind).await),
        };
        done = [done[0] + first, done[1] + second];
        for replica in [&ahead, &behind] {
            replica.clock.advance(SECOND * 10);
        }
        for (replica, claim) in &claims {
            assert!(renews(replica, claim).await, "a living lease was taken over in step {step}");
        }
    }
    assert!(done[0] > 0 && done[1] > 0, "both worked: {done:?}");
    // No setting was worked on by both at once, and each was at its times: at first, half an hour and an hour later.
    let caller = Caller::operator(tenant);
    for key in &settings {
        let runs = ahead.app.settings.sync_runs(&caller, key.id, 100).await.unwrap();
        assert!(runs.iter().all(|run| run.outcome == SyncOutcome::Token(TokenState::Ok)), "{runs:?}");
        assert!(runs.iter().map(|run| run.runs).sum::<i64>() >= 2, "{runs:?}");
        let state = ahead.storage.settings.state(*key).await.unwrap().unwrap();
        assert_eq!(state.lease.until, None, "nobody works on it");
    }
    let after = asked(&ahead, "POST /server/devices").await + asked(&ahead, "POST /devices/sync").await;
    assert!(after > calls);

    // Each dies; the other one takes over what it held when the lease was not renewed for its length.
    for (number, (dead, claim)) in claims.iter().enumerate() {
        let other = if std::ptr::eq(*dead, &ahead) { &behind } else { &ahead };
        let mut seconds = 0;
        let epoch =
            async || ahead.storage.settings.state(claim.lease.key).await.unwrap().unwrap().lease.epoch;
        while epoch().await == claim.lease.epoch {
            assert!(seconds <= 35, "lease {number} of a dead process is not taken over");
            round(other).await;
            for replica in [&ahead, &behind] {
                replica.clock.advance(SECOND);
            }
            seconds += 1;
            for (replica, living) in &claims[number + 1..] {
                assert!(renews(replica, living).await, "a living lease was taken over after {seconds} s");
            }
        }
        assert!(seconds >= 29, "lease {number} was taken over after {seconds} s");
        assert!(!renews(dead, claim).await, "the dead one is fenced");
        assert!(!due(other, claim.lease.key).await);
    }
}

async fn a_sync_that_a_replica_100_seconds_behind_runs_is_shown_as_running(kind: Kind) {
    let ahead = TestApp::start_on_kind(kind).await;
    let behind = Arc::new(ahead.another_by_a_clock_of_its_own().await);
    ahead.portal.call(Method::PUT, "/options", json!({ "signature_clock": "any" }).to_string()).await;
    let client = behind.admin().await;
    let pair = pair(&behind, &client).await;
    ahead.portal.give_devices(&pair.server, 1500).await;
    assert_eq!(upload(&client, &pair.setting, &ahead.portal.token(&pair.server).await).await.status, 204);
    ahead.clock.set_by(SECOND * 100);
    let hold = json!({ "match": { "path": "/server/devices", "nth": 2 }, "do": { "hold": "before" } });
    let rule = fault(&ahead, hold).await;
    let running = {
        let behind = Arc::clone(&behind);
        tokio::spawn(async move { behind.app.scheduler.sync_what_is_due().await.unwrap() })
    };
    held(&ahead, &rule, 1).await;
    while history(&ahead, &pair.setting).await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(history(&ahead, &pair.setting).await[0].outcome, SyncOutcome::Running);
    // Nobody renews the lease any more: it ended over two minutes ago.
    ahead.clock.advance(SECOND * 80);
    assert_eq!(history(&ahead, &pair.setting).await[0].outcome, SyncOutcome::CutShort);
    release(&ahead, &rule).await;
    assert_eq!(running.await.unwrap(), 1);
    assert_eq!(history(&ahead, &pair.setting).await[0].outcome, SyncOutcome::Token(TokenState::Ok));
}
