//! What a stop leaves of a sync that was under way.

use std::sync::Arc;

use adept::domain::{Caller, SyncOutcome, SyncRun};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    onboarding::{pair, upload},
    support::test_app::TestApp,
    sync::{fault, held, release},
};

async fn history(test: &TestApp, setting: &str) -> Vec<SyncRun> {
    let caller = Caller::operator(test.storage.default_tenant());
    test.app.settings.sync_runs(&caller, setting.parse().unwrap(), 100).await.unwrap()
}

#[tokio::test]
async fn a_sync_that_a_stop_ends_is_called_interrupted_in_the_history() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    test.portal.give_devices(&pair.server, 1500).await;
    assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    let hold = json!({ "match": { "path": "/server/devices", "nth": 2 }, "do": { "hold": "before" } });
    let rule = fault(&test, hold).await;
    let stop = CancellationToken::new();
    let background = tokio::spawn(Arc::clone(&test.app.scheduler).run(stop.clone()));
    held(&test, &rule, 1).await;
    while history(&test, &pair.setting).await.is_empty() {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    background.await.unwrap();
    let run = history(&test, &pair.setting).await.remove(0);
    assert_eq!((run.outcome, run.pages), (SyncOutcome::Interrupted, 1));
    assert!(run.ended_at.is_some());
    release(&test, &rule).await;
}
