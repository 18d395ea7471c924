//! When the service purges: when that is due and another clock agrees with its own, and never under a wrong clock.

use std::{sync::Arc, time::Duration};

use adept::app::Purged;
use jiff::SignedDuration;
use reqwest::Method;
use tokio_util::sync::CancellationToken;

use super::{DAY, MINUTE, SECOND, WRONG, apple_takes_any_time, asks_for_a_sync};
use crate::{
    assignment::ground::Ground,
    support::{
        database::{Kind, TestDatabase},
        test_app::{S, TestApp},
    },
};

/// By then the first purge is due.
const FIRST: SignedDuration = SignedDuration::from_mins(5);

on_both_databases!(
    purges_come_when_due_and_no_sooner,
    the_background_purges_once_the_clock_is_right,
    nothing_is_purged_by_a_clock_that_is_wrong,
    nothing_is_purged_by_a_process_that_started_under_a_wrong_clock_and_was_killed,
    what_a_clock_that_was_behind_deleted_is_kept_as_long_as_anything_else,
    a_purge_that_fails_is_not_begun_again_at_once,
);

/// One of everything that a purge removes.
const EVERYTHING: Purged =
    Purged { settings: 1, devices: 1, device_events: 1, sync_runs: 1, created_requests: 1, failed_opens: 1 };

/// A setting with a token, and what was kept long enough; the processes that made it are over.
async fn kept_long_enough(kind: Kind) -> Ground {
    let ground = Ground::new(kind, 3).await;
    ground.settle().await;
    apple_takes_any_time(&ground).await;
    add_what_was_kept_long_enough(&ground).await;
    Ground { test: ground.test.another(&ground.test.database.options()).await, ..ground }
}

async fn add_what_was_kept_long_enough(ground: &Ground) {
    let test = &ground.test;
    let client = ground.client().await;
    let deleted = client.create_setting().await;
    assert_eq!(client.delete(&format!("/beta/{S}/{deleted}")).await.status, 204);
    // The device leaves at Apple too.
    let serials = ground.serials(None).await;
    let device = format!("/servers/{}/devices/{}", ground.server, serials[0]);
    test.portal.call(Method::DELETE, &device, String::new()).await;
    apple_answers(ground).await;
    let ago = |days: i64| (test.clock.now() - DAY * i32::try_from(days).unwrap()).as_microsecond();
    let own = format!(
        "unhex('{}'), unhex('{}')",
        test.storage.default_tenant().0.simple(),
        ground.setting.replace('-', "")
    );
    let lines = "run, started_at, runs, kind, pages, added, changed, removed, drift_added, drift_changed, drift_removed, \
        unconfirmed, unreadable, outcome";
    let newest = test.database.number("SELECT MAX(run) FROM sync_runs").await;
    // One line is older than 90 days and not among the latest hundred.
    let statements = format!(
        "UPDATE setting_states SET deleted_at = {} WHERE deleted_at IS NOT NULL;
         UPDATE devices SET tombstone_at = {} WHERE deleted;
         INSERT INTO device_events (tenant, setting, serial_key, at, event) VALUES ({own}, 'old', {}, 'absent');
         INSERT INTO created_requests (tenant, request, entity, created_at)
             SELECT id, id, id, {} FROM tenants;
         INSERT INTO open_failures (tenant, setting, key_pair, caller, refilled_at)
             VALUES ({own}, unhex('01'), unhex('01'), {});
         INSERT INTO sync_runs (tenant, setting, {lines}) VALUES ({own}, {}, {}, 1, 'delta_sync', 1, 1, 0, 0, 0, 0, 0, 0, 0,
             'ok');
         INSERT INTO sync_runs (tenant, setting, {lines}) WITH RECURSIVE n (i) AS
             (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
             SELECT {own}, {newest} + i, {}, 1, 'delta_sync', 1, 1, 0, 0, 0, 0, 0, 0, 0, 'ok' FROM n;",
        ago(31),
        ago(46),
        ago(401),
        ago(2),
        ago(2),
        -newest,
        ago(91),
        ago(91),
    );
    test.database.execute(&statements).await.unwrap();
    // The next run's number is behind those lines.
    let epochs = "UPDATE setting_states SET lease_epoch = lease_epoch + 200";
    test.database.execute(epochs).await.unwrap();
}

/// Rows of everything that is purged.
async fn rows(database: &TestDatabase) -> i64 {
    let tables = ["settings", "devices", "device_events", "sync_runs", "created_requests", "open_failures"];
    let counts = tables.map(|table| format!("(SELECT COUNT(*) FROM {table})")).join(" + ");
    database.number(&format!("SELECT {counts}")).await
}

/// What a purge removed, if there was one; of the sync history there may be more than one line.
async fn purged(test: &TestApp) -> Option<Purged> {
    let purged = test.app.purge.if_due().await.unwrap();
    purged.map(|purged| Purged { sync_runs: purged.sync_runs.min(1), ..purged })
}

/// The process runs for a while, and its clock is as right as before: by the machine's own one, as PostgreSQL's is.
fn runs(test: &TestApp, time: SignedDuration) {
    test.clock.advance(time);
    test.clock.set_by(-time);
}

/// Apple answers, and says what time it is there.
async fn apple_answers(ground: &Ground) {
    ground.pass(SECOND * 2).await;
    asks_for_a_sync(ground).await;
    assert_eq!(ground.test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
}

async fn purges_come_when_due_and_no_sooner(kind: Kind) {
    let ground = kept_long_enough(kind).await;
    let test = &ground.test;
    apple_answers(&ground).await;
    assert_eq!(purged(test).await, None, "two minutes after the start at the soonest");
    ground.pass(SECOND * 110).await;
    assert_eq!(purged(test).await, None);
    ground.pass(SECOND * 130).await;
    assert_eq!(purged(test).await, Some(EVERYTHING), "four minutes after the start at the latest");
    ground.pass(MINUTE * 59).await;
    apple_answers(&ground).await;
    assert_eq!(purged(test).await, None, "an hour after the last one");
    ground.pass(MINUTE).await;
    assert_eq!(purged(test).await, Some(Purged::default()));
    ground.pass(MINUTE * 61).await;
    assert_eq!(purged(test).await, None, "Apple's last answer is over an hour old");
}

async fn the_background_purges_once_the_clock_is_right(kind: Kind) {
    let ground = kept_long_enough(kind).await;
    let test = &ground.test;
    runs(test, FIRST);
    test.clock.set_by(DAY);
    let shutdown = CancellationToken::new();
    let background = tokio::spawn(Arc::clone(&test.app.scheduler).run(shutdown.clone()));
    let is_purged = async |seconds| {
        let old = "SELECT COUNT(*) FROM device_events WHERE serial_key = 'old'";
        let is_purged = async {
            while test.database.number(old).await > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(seconds), is_purged).await.is_ok()
    };
    // Apple answers meanwhile, since the clock that is ahead makes a sync due.
    assert!(!is_purged(3).await, "the clock is a day ahead of Apple's and of PostgreSQL's");
    test.clock.set_by(-DAY);
    assert!(is_purged(20).await, "it is right");
    shutdown.cancel();
    background.await.unwrap();
}

async fn nothing_is_purged_by_a_clock_that_is_wrong(kind: Kind) {
    let ground = kept_long_enough(kind).await;
    let test = &ground.test;
    apple_answers(&ground).await;
    ground.pass(FIRST).await;
    let before = rows(&test.database).await;
    for wrong in WRONG.into_iter().filter(|wrong| wrong.unsigned_abs() > Duration::from_secs(120)) {
        test.clock.set_by(wrong);
        assert_eq!(purged(test).await, None, "{wrong:?}");
        apple_answers(&ground).await;
        assert_eq!(purged(test).await, None, "{wrong:?}, and Apple says so");
        test.clock.set_by(-wrong);
    }
    assert!(rows(&test.database).await >= before);
    apple_answers(&ground).await;
    assert_eq!(purged(test).await, Some(EVERYTHING), "as soon as it is right");
}

async fn nothing_is_purged_by_a_process_that_started_under_a_wrong_clock_and_was_killed(kind: Kind) {
    let ground = kept_long_enough(kind).await;
    let test = &ground.test;
    let before = rows(&test.database).await;
    for wrong in [DAY * 400, DAY, -DAY, -DAY * 400] {
        test.clock.set_by(wrong);
        // It is dropped without being closed.
        let killed = test.another(&test.database.options()).await;
        runs(&killed, FIRST);
        assert_eq!(purged(&killed).await, None, "{wrong:?}: Apple did not answer yet");
        let ground = Ground { test: killed, setting: ground.setting.clone(), server: ground.server.clone() };
        apple_answers(&ground).await;
        assert_eq!(purged(&ground.test).await, None, "{wrong:?}");
        drop(ground);
        test.clock.set_by(-wrong);
    }
    assert!(rows(&test.database).await >= before);
    let started = Ground { test: test.another(&test.database.options()).await, ..ground };
    runs(&started.test, FIRST);
    let alone = purged(&started.test).await;
    assert_eq!(alone.is_some(), kind == Kind::Postgres, "a file has no clock of its own");
    apple_answers(&started).await;
    let purged = match alone {
        Some(purged) => purged,
        None => purged(&started.test).await.unwrap(),
    };
    assert_eq!(purged, EVERYTHING);
}

async fn what_a_clock_that_was_behind_deleted_is_kept_as_long_as_anything_else(kind: Kind) {
    let ground = Ground::new(kind, 3).await;
    ground.settle().await;
    apple_takes_any_time(&ground).await;
    let test = &ground.test;
    assert_eq!(test.app.purge.now().await.unwrap(), Purged::default());
    let serials = ground.serials(None).await;
    test.clock.set_by(-DAY * 400);
    let client = ground.client().await;
    let deleted = client.create_setting().await;
    assert_eq!(client.delete(&format!("/beta/{S}/{deleted}")).await.status, 204);
    let device = format!("/servers/{}/devices/{}", ground.server, serials[0]);
    test.portal.call(Method::DELETE, &device, String::new()).await;
    apple_answers(&ground).await;
    assert_eq!(ground.serials(None).await.len(), 2);
    test.clock.set_by(DAY * 400);
    for (days, settings, devices) in [(0, 0, 0), (29, 0, 0), (2, 1, 0), (13, 0, 0), (2, 0, 1)] {
        test.clock.advance(DAY * days);
        let purged = test.app.purge.now().await.unwrap();
        assert_eq!((purged.settings, purged.devices), (settings, devices), "{days} days later");
    }
}

async fn a_purge_that_fails_is_not_begun_again_at_once(kind: Kind) {
    let ground = kept_long_enough(kind).await;
    let test = &ground.test;
    apple_answers(&ground).await;
    ground.pass(FIRST).await;
    let [fails, works] = match kind {
        Kind::Sqlite => [
            "CREATE TRIGGER fails BEFORE DELETE ON created_requests BEGIN SELECT RAISE(ABORT, 'no'); END",
            "DROP TRIGGER fails",
        ],
        Kind::Postgres => [
            "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
             CREATE TRIGGER fails BEFORE DELETE ON created_requests FOR EACH ROW EXECUTE FUNCTION fails()",
            "DROP TRIGGER fails ON created_requests",
        ],
    };
    test.database.execute(fails).await.unwrap();
    test.app.purge.if_due().await.unwrap_err();
    for _ in 0..4 {
        assert_eq!(purged(test).await, None);
        ground.pass(MINUTE).await;
    }
    test.database.execute(works).await.unwrap();
    ground.pass(MINUTE).await;
    let purged = purged(test).await.unwrap();
    assert_eq!((purged.created_requests, purged.sync_runs), (1, 1), "what the first one left");
}
