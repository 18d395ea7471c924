//! A tenant that the operator disabled: its callers are refused, Apple is not called for it, and everything goes on where it
//! stood once it is enabled again.

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::{fault, held, pass, release};
use crate::{
    assignment::ground::Ground,
    support::{
        database::{Kind, on_both_databases},
        test_app::{S, TestApp},
    },
};

/// Every call that Apple was asked.
async fn calls(test: &TestApp) -> Value {
    serde_json::from_str(&test.portal.call(Method::GET, "/counts", String::new()).await).unwrap()
}

async fn disable(test: &TestApp, disabled: bool) {
    let tenant = test.storage.default_tenant();
    assert!(test.storage.tenants.set_disabled(tenant, disabled, None).await.unwrap());
}

/// Runs whatever is due for a day, at each half hour; answers how much that was.
async fn a_day(test: &TestApp) -> usize {
    let mut runs = 0;
    for _ in 0..48 {
        pass(test, SignedDuration::from_mins(30)).await;
        runs += test.app.scheduler.sync_what_is_due().await.unwrap();
        runs += test.app.scheduler.assign_what_is_due().await.unwrap();
    }
    runs
}

async fn rests_at_apple_and_goes_on(kind: Kind) {
    let ground = Ground::new(kind, 12).await;
    let test = &ground.test;
    let permissions = format!("/servers/{}/permissions", ground.server);
    ground.portal(Method::PUT, &permissions, json!({ "release_devices": true })).await;
    let profile = ground.profile("depIOSEnrollmentProfile", "Wanted").await;
    let serials = ground.serials(None).await;
    // A sync, an assignment and a release are due.
    ground.want(&profile, &serials[..6]).await;
    ground.want_released(&serials[11..]).await;
    let client = ground.client().await;
    let sync = format!("/beta/{S}/{}/syncWithAppleDeviceEnrollmentProgram", ground.setting);
    assert_eq!(client.act(&sync).await.status, 204);
    let before = calls(test).await;

    disable(test, true).await;
    assert_eq!(a_day(test).await, 0);
    assert_eq!(calls(test).await, before, "Apple hears nothing of it");
    let client = ground.client().await;
    for path in [format!("/beta/{S}"), sync.clone()] {
        let answer = if path == sync { client.act(&path).await } else { client.get(&path).await };
        assert_eq!(answer.status, 403, "{path}: {}", answer.text);
    }
    // Another process does no more for it.
    let another = test.another(&test.database.options()).await;
    assert_eq!(a_day(&another).await, 0);
    assert_eq!(calls(test).await, before);

    disable(test, false).await;
    pass(test, SignedDuration::from_mins(1)).await;
    assert!(ground.settle().await > 0);
    let truth = ground.truth().await;
    assert_eq!(truth.values().filter(|name| name.as_deref() == Some("Wanted")).count(), 6);
    assert!(!truth.contains_key(&serials[11]), "it was released");
    assert_eq!(ground.client().await.get(&format!("/beta/{S}")).await.status, 200);
}

/// Disabled while Apple is being called: that call is the last one.
async fn a_run_under_way_makes_no_further_call(kind: Kind) {
    let ground = Ground::new(kind, 2500).await;
    let profile = ground.profile("depIOSEnrollmentProfile", "Wanted").await;
    ground.want(&profile, &ground.serials(None).await).await;
    let hold = json!({ "match": { "path": "/profile/devices", "nth": 1 }, "do": { "hold": "after" } });
    let rule = fault(&ground.test, hold).await;
    let app = Arc::clone(&ground.test.app);
    let running = tokio::spawn(async move { app.scheduler.assign_what_is_due().await.unwrap() });
    held(&ground.test, &rule, 1).await;
    disable(&ground.test, true).await;
    release(&ground.test, &rule).await;
    running.await.unwrap();
    assert_eq!(ground.assignments().await, 1);
    assert_eq!(a_day(&ground.test).await, 0);

    disable(&ground.test, false).await;
    pass(&ground.test, SignedDuration::from_mins(1)).await;
    ground.settle().await;
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
    assert_eq!(ground.assignments().await, 3, "nothing was assigned twice");
}

on_both_databases! {
    rests_at_apple_and_goes_on
    a_run_under_way_makes_no_further_call
}
