//! The history of syncs: what it tells, and that quiet polls do not fill it.

use adept::domain::{DeviceChanges, SyncKind, SyncOutcome, TokenState};
use serde_json::json;

use super::{history, synced};
use crate::{
    onboarding::{script, syncs},
    support::{database::Kind, test_app::TestApp},
};

async fn runs_are_told(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 2500).await;
    for _ in 0..3 {
        assert!(syncs(&test, &client, &pair.setting).await);
    }
    for _ in 0..2 {
        script(&test, json!({ "path": "/devices/sync", "status": 403, "body": "T_C_NOT_SIGNED" })).await;
        assert!(!syncs(&test, &client, &pair.setting).await);
    }
    test.portal.give_devices(&pair.server, 1).await;
    assert!(syncs(&test, &client, &pair.setting).await);

    let history = history(&test, &pair.setting).await;
    let told: Vec<_> = history
        .iter()
        .map(|run| (run.kind, run.runs, run.pages, run.changes.added, run.outcome, run.code.as_deref()))
        .collect();
    let (ok, terms) = (SyncOutcome::Token(TokenState::Ok), SyncOutcome::Token(TokenState::Terms));
    assert_eq!(
        told,
        [
            (SyncKind::Delta, 1, 1, 1, ok, None),
            (SyncKind::Delta, 2, 0, 0, terms, Some("T_C_NOT_SIGNED")),
            (SyncKind::Delta, 3, 3, 0, ok, None),
            (SyncKind::FullFetch, 1, 4, 2500, ok, None),
        ]
    );
    assert!(history.iter().all(|run| run.drift == DeviceChanges::default()));
    assert!(history.iter().all(|run| run.ended_at.is_some_and(|end| end >= run.started_at)));
}

#[tokio::test]
async fn each_run_is_told_and_quiet_ones_share_a_line_on_sqlite() {
    runs_are_told(Kind::Sqlite).await;
}

#[tokio::test]
async fn each_run_is_told_and_quiet_ones_share_a_line_on_postgresql() {
    runs_are_told(Kind::Postgres).await;
}

#[tokio::test]
async fn old_lines_are_forgotten_but_the_latest_stay() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 1).await;
    for _ in 0..3 {
        test.portal.give_devices(&pair.server, 1).await;
        assert!(syncs(&test, &client, &pair.setting).await);
    }
    let before = history(&test, &pair.setting).await;
    assert_eq!(before.len(), 4);
    assert_eq!(test.storage.syncs.purge_runs(before[3].started_at, 0).await.unwrap(), 0, "none is older");
    let later = test.clock.now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(test.storage.syncs.purge_runs(later, 3).await.unwrap(), 1);
    assert_eq!(history(&test, &pair.setting).await, before[..3]);
    assert_eq!(test.app.purge.now().await.unwrap().sync_runs, 0, "the last 100 stay");
}
