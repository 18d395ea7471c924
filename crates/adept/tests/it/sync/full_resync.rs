//! The fetch of everything that is repeated every week: it finds what deltas left out and says so.

use adept::{
    app::Counted,
    domain::{Caller, DeviceChanges, Origin, SyncKind, SyncOutcome, TokenState},
};
use reqwest::Method;
use serde_json::json;

use super::{deltas_tell_nothing, fault, held, history, listed, release, resyncs, synced, take_devices};
use crate::{
    onboarding::{asked, script, syncs},
    support::{database::Kind, test_app::TestApp},
};

#[tokio::test]
async fn what_deltas_left_out_is_found_counted_and_told() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 40).await;
    let serials = listed(&client, &pair.setting).await;
    take_devices(&test, &pair.server, &serials[..2]).await;
    let changed = format!("/servers/{}/devices/{}", pair.server, serials[5]);
    test.portal.call(Method::PATCH, &changed, json!({ "color": "RED" }).to_string()).await;
    test.portal.give_devices(&pair.server, 3).await;
    deltas_tell_nothing(&test).await;
    resyncs(&test, &pair.setting).await;

    let found = DeviceChanges { added: 3, changed: 1, removed: 2 };
    let run = history(&test, &pair.setting).await.remove(0);
    assert_eq!((run.kind, run.outcome), (SyncKind::FullResync, SyncOutcome::Token(TokenState::Ok)));
    assert_eq!((run.drift, run.changes), (found, found));
    let drift = ["added", "changed", "removed"].map(|change| test.app.counters.of(&Counted::Drift(change)));
    assert_eq!(drift, [3, 1, 2]);
    assert_eq!(listed(&client, &pair.setting).await.len(), 41);
}

#[tokio::test]
async fn what_deltas_told_is_no_drift() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 40).await;
    let gone = listed(&client, &pair.setting).await.split_off(38);
    take_devices(&test, &pair.server, &gone).await;
    test.portal.give_devices(&pair.server, 3).await;
    resyncs(&test, &pair.setting).await;
    let run = history(&test, &pair.setting).await.remove(0);
    assert_eq!(run.changes, DeviceChanges { added: 3, changed: 0, removed: 2 });
    assert_eq!(run.drift, DeviceChanges::default());
}

#[tokio::test]
async fn deltas_follow_it_from_its_own_cursor() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 2500).await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(asked(&test, "POST /server/devices").await, 6);
    test.portal.give_devices(&pair.server, 1).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /server/devices").await, 6, "it is not repeated at once");
    assert_eq!(history(&test, &pair.setting).await[0].kind, SyncKind::Delta);
}

#[tokio::test]
async fn one_that_fails_half_way_loses_neither_the_cursor_of_the_deltas_nor_its_turn() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 2500).await;
    test.portal
        .call(Method::PUT, "/delay", json!({ "milliseconds": 100, "path": "/server/devices" }).to_string())
        .await;
    let asked_before = asked(&test, "POST /server/devices").await;
    let syncing = resyncs(&test, &pair.setting);
    let breaking = async {
        while asked(&test, "POST /server/devices").await == asked_before {
            tokio::task::yield_now().await;
        }
        script(&test, json!({ "path": "/server/devices", "status": 503, "body": "" })).await;
    };
    tokio::join!(syncing, breaking);
    let run = history(&test, &pair.setting).await.remove(0);
    assert_eq!(run.outcome, SyncOutcome::Token(TokenState::Unreachable));
    assert_eq!(run.kind, SyncKind::FullResync);

    test.portal.give_devices(&pair.server, 1).await;
    script(&test, json!({ "path": "/server/devices", "status": 503, "body": "" })).await;
    assert!(!syncs(&test, &client, &pair.setting).await);
    let run = history(&test, &pair.setting).await.remove(0);
    assert_eq!(run.changes.added, 1, "deltas went on from where they were");
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(history(&test, &pair.setting).await[0].kind, SyncKind::FullResync);
}

async fn one_that_is_asked_for_meanwhile_follows(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 10).await;
    let rule =
        fault(&test, json!({ "match": { "path": "/server/devices" }, "do": { "hold": "after" } })).await;
    let asking = async {
        held(&test, &rule, 1).await;
        test.portal.give_devices(&pair.server, 1).await;
        test.clock.advance(jiff::SignedDuration::from_secs(2));
        let caller = Caller::operator(test.storage.default_tenant());
        let origin = Origin { caller, request: test.app.clock().new_id() };
        test.app.settings.request_full_fetch(&origin, pair.setting.parse().unwrap()).await.unwrap();
        release(&test, &rule).await;
    };
    tokio::join!(resyncs(&test, &pair.setting), asking);
    let fetches = asked(&test, "POST /server/devices").await;
    test.clock.advance(jiff::SignedDuration::from_secs(2));
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(asked(&test, "POST /server/devices").await, fetches + 1);
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "POST /server/devices").await, fetches + 1, "and then not before a week");
}

#[tokio::test]
async fn one_that_is_asked_for_while_another_is_read_follows_it_on_sqlite() {
    one_that_is_asked_for_meanwhile_follows(Kind::Sqlite).await;
}

#[tokio::test]
async fn one_that_is_asked_for_while_another_is_read_follows_it_on_postgresql() {
    one_that_is_asked_for_meanwhile_follows(Kind::Postgres).await;
}
