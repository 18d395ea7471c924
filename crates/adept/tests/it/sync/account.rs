//! What `/account` tells: when it is asked, what it changes, and what it costs when it never names the server.

use adept::domain::{Caller, SyncKind, TokenState};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::{fault, history, pass, resyncs, synced, token_states::accept_terms};
use crate::{
    onboarding::{Pair, asked, pair, shown, syncs, trust, upload},
    support::{client::Client, test_app::TestApp},
};

/// Apple never says which server a token is for.
async fn apple_names_no_server(test: &TestApp) -> String {
    let rule = json!({ "match": { "path": "/account" }, "times": null, "do": { "unset": ["server_uuid", "org_id"] } });
    fault(test, rule).await
}

async fn verifications(test: &TestApp) -> Vec<Value> {
    let client = test.client(test.storage.default_tenant(), &["DeviceManagementApps.Read.All"]).await;
    let filter = "$filter=activityType%20eq%20'verifyDepToken%20DepOnboardingSetting'";
    let listed = client.get_json(&format!("/beta/deviceManagement/auditEvents?{filter}")).await;
    listed["value"].as_array().unwrap().clone()
}

async fn checked(test: &TestApp, Pair { setting, .. }: &Pair) -> &'static str {
    let caller = Caller::operator(test.storage.default_tenant());
    let checked =
        std::sync::Arc::clone(&test.app).tokens.check_token(&caller, setting.parse().unwrap()).await;
    checked.unwrap().0.as_str()
}

/// A setting whose first token was taken while terms waited that are accepted by now.
async fn unverified(test: &TestApp, client: &Client, devices: u32) -> Pair {
    let pair = pair(test, client).await;
    test.portal.give_devices(&pair.server, devices).await;
    accept_terms(test, &pair.server, false).await;
    assert_eq!(upload(client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
    accept_terms(test, &pair.server, true).await;
    pair
}

#[tokio::test]
async fn a_token_whose_server_is_never_named_is_synced_at_the_interval_and_verified_once() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    apple_names_no_server(&test).await;
    let pair = unverified(&test, &client, 3).await;
    let mut last = Value::Null;
    for round in 1..=3 {
        assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
        let left = test.next_sync_due().await.duration_since(test.clock.now());
        assert!(left > SignedDuration::from_mins(29), "round {round}: again in {left:#}");
        assert_eq!(verifications(&test).await.len(), 1, "round {round}");
        assert!(asked(&test, "GET /account").await >= round, "it is asked for its server's name");
        let modified = shown(&test.admin().await, &pair.setting).await["lastModifiedDateTime"].clone();
        assert!(round == 1 || modified == last, "round {round}");
        last = modified;
        pass(&test, SignedDuration::from_mins(31)).await;
    }
    assert_eq!(shown(&test.admin().await, &pair.setting).await["syncedDeviceCount"], 3);
}

#[tokio::test]
async fn a_token_whose_server_is_never_named_is_tried_ever_more_seldom_when_syncs_fail() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    apple_names_no_server(&test).await;
    synced(&test, &client, 3).await;
    let breaks =
        json!({ "match": { "path": "/devices/sync" }, "times": null, "do": { "answer": { "status": 500 } } });
    fault(&test, breaks).await;
    for minutes in [30, 1, 5, 15] {
        let left = test.next_sync_due().await.duration_since(test.clock.now());
        assert!((minutes * 60 - 50..=minutes * 60).contains(&left.as_secs()), "{left:#} for {minutes}");
        pass(&test, left + SignedDuration::from_secs(1)).await;
        assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn the_sync_that_verifies_a_token_reads_pages_of_the_size_that_apple_allows_it() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let options = json!({ "limit_maximum": 200, "limit_default": 100 }).to_string();
    test.portal.call(Method::PUT, "/options", options).await;
    let pair = unverified(&test, &client, 500).await;
    assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    assert_eq!(asked(&test, "POST /server/devices").await, 3);
    assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], 500);
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(history(&test, &pair.setting).await[0].kind, SyncKind::Delta, "the fetch was whole");
}

#[tokio::test]
async fn a_renewal_taken_while_terms_waited_stays_though_apple_names_no_server_then() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 1).await;
    let path = format!("/servers/{}/token?expires=2099-01-01T00:00:00Z", pair.server);
    let renewal = test.portal.call(Method::POST, &path, String::new()).await;
    accept_terms(&test, &pair.server, false).await;
    assert_eq!(upload(&client, &pair.setting, &renewal).await.status, 204);
    accept_terms(&test, &pair.server, true).await;
    apple_names_no_server(&test).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    let known = test
        .storage
        .tokens
        .load(adept::domain::SettingKey::new(test.storage.default_tenant(), pair.setting.parse().unwrap()))
        .await
        .unwrap();
    let setting = known.unwrap().setting;
    assert!(setting.token_verified && setting.server.server_uuid.is_some());
    assert_eq!(setting.token_generation, 2, "nothing was put back");
    assert_eq!(checked(&test, &pair).await, "ok");
}

#[tokio::test]
async fn a_check_says_of_a_server_that_another_setting_stands_for_what_a_sync_says() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let first = synced(&test, &client, 1).await;
    let second = Pair { setting: client.create_setting().await, server: first.server.clone() };
    trust(&test, &client, &second.setting, &first.server).await;
    accept_terms(&test, &first.server, false).await;
    assert_eq!(upload(&client, &second.setting, &test.portal.token(&first.server).await).await.status, 204);
    accept_terms(&test, &first.server, true).await;
    assert!(!syncs(&test, &client, &second.setting).await);
    assert_eq!(shown(&client, &second.setting).await["lastSyncErrorCode"], 13);
    assert_eq!(checked(&test, &second).await, "wrong_server");
}

#[tokio::test]
async fn a_fetch_that_is_repeated_asks_first_whose_server_it_is_and_how_large_pages_may_be() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 10).await;
    let accounts = asked(&test, "GET /account").await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(asked(&test, "GET /account").await, accounts, "deltas need not ask");

    resyncs(&test, &pair.setting).await;
    assert_eq!(asked(&test, "GET /account").await, accounts + 1);
    assert_eq!(verifications(&test).await.len(), 0, "nothing was new");

    let renamed = json!({ "set": { "server_name": "Another name" } });
    fault(&test, json!({ "match": { "path": "/account" }, "do": renamed })).await;
    let options = json!({ "limit_maximum": 5, "limit_default": 5 }).to_string();
    test.portal.call(Method::PUT, "/options", options).await;
    let fetches = asked(&test, "POST /server/devices").await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(asked(&test, "POST /server/devices").await, fetches + 2, "ten devices");
    assert_eq!(verifications(&test).await.len(), 1);

    let other = json!({ "set": { "server_uuid": "0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A" } });
    let rule = fault(&test, json!({ "match": { "path": "/account" }, "times": null, "do": other })).await;
    resyncs(&test, &pair.setting).await;
    assert_eq!(asked(&test, "POST /server/devices").await, fetches + 2, "no other server's devices");
    let shown_now = shown(&client, &pair.setting).await;
    assert_eq!((&shown_now["lastSyncErrorCode"], &shown_now["syncedDeviceCount"]), (&13.into(), &10.into()));
    assert!(!syncs(&test, &client, &pair.setting).await);
    let caller = Caller::operator(test.storage.default_tenant());
    let setting = test.app.settings.get(&caller, pair.setting.parse().unwrap()).await.unwrap();
    assert_eq!(setting.token_state, TokenState::WrongServer);

    test.portal.call(Method::DELETE, &format!("/faults/{rule}"), String::new()).await;
    assert!(syncs(&test, &client, &pair.setting).await);
    assert_eq!(shown(&client, &pair.setting).await["lastSyncErrorCode"], 0);
}
