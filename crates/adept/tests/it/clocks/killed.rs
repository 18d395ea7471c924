//! A process that is killed while its clock is wrong: another one that is started on its data takes over what it held.

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::{APART, DAY, MINUTE, SECOND, WRONG, apple_takes_any_time, asks_for_a_sync, lists_all, within};
use crate::{
    assignment::ground::{Ground, KINDS},
    support::database::Kind,
    sync::{fault, held},
};

/// The longest that a claim on a session lives, and a lease.
const HELD: SignedDuration = SignedDuration::from_mins(1);

on_both_databases!(
    a_sync_of_a_killed_process_is_taken_over_in_time,
    a_session_that_a_killed_process_was_opening_is_opened_in_time,
    an_assignment_of_a_killed_process_is_settled_within_a_day,
);

/// The process ends without a word while Apple holds a call of `path`, and another one is started on its data; the clock is
/// right again by then.
async fn killed(
    ground: Ground,
    path: &str,
    wrong: SignedDuration,
    wakes: impl AsyncFnOnce(&Ground),
) -> Ground {
    apple_takes_any_time(&ground).await;
    // The token must not have expired by that clock, or Apple would not be called.
    let wrong = wrong.min(DAY * 300);
    ground.test.clock.set_by(wrong);
    wakes(&ground).await;
    let rule = fault(&ground.test, json!({ "match": { "path": path }, "do": { "hold": "before" } })).await;
    let app = Arc::clone(&ground.test.app);
    let dying = tokio::spawn(async move {
        loop {
            let done = app.scheduler.sync_what_is_due().await.unwrap()
                + app.scheduler.assign_what_is_due().await.unwrap();
            assert!(done > 0, "it comes to the call that is held");
        }
    });
    held(&ground.test, &rule, 1).await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    ground.test.portal.call(Method::DELETE, &format!("/faults/{rule}"), String::new()).await;
    ground.test.clock.advance(SECOND * 8);
    ground.test.clock.set_by(-wrong);
    let another = ground.test.another(&ground.test.database.options()).await;
    Ground { test: another, setting: ground.setting, server: ground.server }
}

async fn a_sync_of_a_killed_process_is_taken_over_in_time(kind: Kind) {
    let mut ground = Ground::new(kind, 3).await;
    ground.settle().await;
    for wrong in WRONG {
        ground = killed(ground, "/devices/sync", wrong, async |ground| asks_for_a_sync(ground).await).await;
        ground.test.portal.give_devices(&ground.server, 1).await;
        let what = format!("a sync after {wrong:?}");
        // The request may lie two minutes ahead, the lease is watched for its length.
        within(&ground, (APART + HELD, SECOND * 10), &what, async || lists_all(&ground).await).await;
    }
}

async fn a_session_that_a_killed_process_was_opening_is_opened_in_time(kind: Kind) {
    let mut ground = Ground::new(kind, 3).await;
    ground.settle().await;
    for wrong in WRONG {
        let forgets = json!({ "match": { "path": "/devices/sync", "nth": 1 }, "do": "forget_session" });
        ground = killed(ground, "/session", wrong, async |ground| {
            fault(&ground.test, forgets).await;
            asks_for_a_sync(ground).await;
        })
        .await;
        ground.test.portal.call(Method::DELETE, "/faults", String::new()).await;
        ground.test.portal.give_devices(&ground.server, 1).await;
        let what = format!("a session after {wrong:?}");
        within(&ground, (APART + HELD * 2 + MINUTE, SECOND * 10), &what, async || lists_all(&ground).await)
            .await;
    }
}

async fn an_assignment_of_a_killed_process_is_settled_within_a_day(kind: Kind) {
    let mut ground = Ground::new(kind, 1).await;
    ground.settle().await;
    for (number, wrong) in WRONG.into_iter().enumerate() {
        let name = format!("Wanted {number}");
        let serials = ground.serials(None).await;
        ground = killed(ground, "/profile/devices", wrong, async |ground| {
            let profile = ground.profile(KINDS[0].0, &name).await;
            ground.want(&profile, &serials).await;
        })
        .await;
        let calls = "SELECT COUNT(*) FROM in_flight_calls";
        within(&ground, (DAY + APART, MINUTE), &format!("an assignment after {wrong:?}"), async || {
            ground.test.database.number(calls).await == 0
                && ground.truth().await[&serials[0]].as_deref() == Some(name.as_str())
        })
        .await;
        ground.settle().await;
    }
}
