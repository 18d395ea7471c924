//! Limits that are lower than they were: devices that a call or a page may hold at Apple, and settings that a tenant may have.

use adept::app::AppOptions;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::ground::Ground;
use crate::{
    onboarding::{asked, shown},
    support::{
        database::{Kind, on_both_databases},
        test_app::{S, app_options},
    },
};

const IOS: &str = "depIOSEnrollmentProfile";

async fn set(ground: &Ground, options: serde_json::Value) {
    ground.portal(Method::PUT, "/options", options).await;
}

async fn assigned(ground: &Ground) -> usize {
    ground.truth().await.values().filter(|name| name.as_deref() == Some("Wanted")).count()
}

/// Wants a profile for every device.
async fn want_all(ground: &Ground) {
    let profile = ground.profile(IOS, "Wanted").await;
    ground.want(&profile, &ground.serials(None).await).await;
}

async fn a_call_that_names_too_many_devices_is_halved_until_apple_takes_it_and_no_device_is_marked(
    kind: Kind,
) {
    let ground = Ground::new(kind, 1000).await;
    set(&ground, json!({ "strict_device_lists": true, "device_list_maximum": 100 })).await;
    want_all(&ground).await;
    ground.settle().await;
    assert_eq!(assigned(&ground).await, 1000);
    assert!(ground.assignments().await <= 31, "{}", ground.assignments().await);
    assert_eq!(ground.test.app.assignment.status().await.waiting, []);
    assert_eq!(
        ground.test.storage.assignments.refused_devices(ground.test.storage.default_tenant()).await.unwrap(),
        []
    );
    assert_eq!(shown(&ground.client().await, &ground.setting).await["lastSyncErrorCode"], 0);
}

async fn once_a_run_may_halve_no_more_the_first_refused_call_ends_it_and_the_rest_goes_on_later(kind: Kind) {
    let ground = Ground::new(kind, 4000).await;
    set(&ground, json!({ "strict_device_lists": true, "device_list_maximum": 10 })).await;
    want_all(&ground).await;
    ground.settle().await;
    // The first thousand, what it was halved into, and the second thousand.
    assert_eq!(ground.assignments().await, 66);
    let first = assigned(&ground).await;
    assert!(first > 100, "{first}");
    ground.pass(SignedDuration::from_mins(14)).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 66, "not before a quarter of an hour");
    ground.pass(SignedDuration::from_mins(2)).await;
    ground.settle().await;
    assert!(assigned(&ground).await >= 2 * first, "{}", assigned(&ground).await);
    set(&ground, json!({ "device_list_maximum": 1000 })).await;
    ground.pass(SignedDuration::from_mins(16)).await;
    ground.settle().await;
    assert_eq!(assigned(&ground).await, 4000);
}

async fn a_page_that_may_hold_fewer_devices_is_asked_for_again_in_the_same_sync(kind: Kind) {
    let ground = Ground::new(kind, 900).await;
    set(&ground, json!({ "strict_limits": true, "limit_maximum": 100, "limit_default": 100 })).await;
    let accounts = asked(&ground.test, "GET /account").await;
    let serial = ground.serials(None).await.remove(0);
    let device = format!("/servers/{}/devices/{serial}", ground.server);
    ground.portal(Method::PATCH, &device, json!({ "description": "Changed" })).await;
    ground.sync().await;
    let client = ground.client().await;
    let state = shown(&client, &ground.setting).await;
    assert_eq!((&state["lastSyncErrorCode"], &state["syncedDeviceCount"]), (&0.into(), &900.into()));
    assert_eq!(asked(&ground.test, "GET /account").await, accounts + 1);
    let filter = format!(
        "/beta/{S}/{}/importedAppleDeviceIdentities?$filter=description%20eq%20'Changed'",
        ground.setting
    );
    assert_eq!(client.get_json(&filter).await["value"].as_array().unwrap().len(), 1);
    // It is known from then on, in fetches too.
    let (pages, accounts) = (asked(&ground.test, "POST /server/devices").await, accounts + 1);
    ground.sync().await;
    assert_eq!(asked(&ground.test, "GET /account").await, accounts);
    ground.pass(SignedDuration::from_hours(8 * 24)).await;
    ground.sync().await;
    assert_eq!(asked(&ground.test, "POST /server/devices").await, pages + 9);
    assert_eq!(shown(&ground.client().await, &ground.setting).await["syncedDeviceCount"], 900);
}

async fn a_fetch_whose_pages_may_hold_fewer_devices_midway_is_read_from_its_beginning(kind: Kind) {
    let ground = Ground::new(kind, 0).await;
    set(&ground, json!({ "limit_maximum": 400, "limit_default": 400 })).await;
    ground.pass(SignedDuration::from_hours(8 * 24)).await;
    ground.test.portal.give_devices(&ground.server, 1000).await;
    // The second page is refused for its size, which the account names by then.
    let refuses = json!({ "match": { "path": "/server/devices", "nth": 2 }, "times": 1,
        "do": { "answer": { "status": 400, "body": "MALFORMED_REQUEST_BODY" } } });
    crate::sync::fault(&ground.test, refuses).await;
    // The first call finds its session over, and the second is made before the fetch.
    let lowered = json!({ "match": { "path": "/account", "nth": 3 }, "times": null,
        "do": { "set": { "urls": [{ "uri": "/server/devices", "http_method": ["POST"],
            "limit": { "default": 100, "maximum": 100 } }] } } });
    crate::sync::fault(&ground.test, lowered).await;
    ground.sync().await;
    let state = shown(&ground.client().await, &ground.setting).await;
    assert_eq!((&state["lastSyncErrorCode"], &state["syncedDeviceCount"]), (&0.into(), &1000.into()));
    let key =
        adept::domain::SettingKey::new(ground.test.storage.default_tenant(), ground.setting.parse().unwrap());
    let state = ground.test.storage.settings.state(key).await.unwrap().unwrap();
    assert_eq!(state.page_limit, 100);
    assert!(state.sync.cursor.complete);
}

async fn settings_over_a_lowered_maximum_work_on_and_no_further_one_is_made(kind: Kind) {
    let ground = Ground::new(kind, 3).await;
    ground.client().await.create_setting().await;
    let fewer = AppOptions { maximum_dep_tokens: 1, ..app_options() };
    let lowered = ground.test.started_as(fewer).await;
    let client = lowered.admin().await;
    let refused = client.post(&format!("/beta/{S}"), &json!({ "tokenName": "Third" })).await;
    refused.is_refused(409, "Conflict", "as many onboarding settings as are allowed, 1, or more");
    for setting in client.get_json(&format!("/beta/{S}")).await["value"].as_array().unwrap() {
        let path = format!("/beta/{S}/{}", setting["id"].as_str().unwrap());
        if setting["tokenType"] != "none" {
            assert_eq!(client.patch(&path, &json!({ "tokenName": "Renamed" })).await.status, 200);
        }
    }
    ground.pass(SignedDuration::from_mins(31)).await;
    assert_eq!(lowered.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(shown(&lowered.admin().await, &ground.setting).await["lastSyncErrorCode"], 0);
}

on_both_databases! {
    a_call_that_names_too_many_devices_is_halved_until_apple_takes_it_and_no_device_is_marked
    once_a_run_may_halve_no_more_the_first_refused_call_ends_it_and_the_rest_goes_on_later
    a_page_that_may_hold_fewer_devices_is_asked_for_again_in_the_same_sync
    a_fetch_whose_pages_may_hold_fewer_devices_midway_is_read_from_its_beginning
    settings_over_a_lowered_maximum_work_on_and_no_further_one_is_made
}
