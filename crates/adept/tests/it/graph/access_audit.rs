//! The audit log of requests that were refused because of who made them: one entry for many alike.

use adept::{
    app::{Access, App},
    domain::{AccessActor, AccessKind, AuditResource, ClientAddress, ClientId},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    client::Client,
    database::Kind,
    test_app::{READ, S, TestApp},
};

const APPS: &str = "DeviceManagementApps.Read.All";
const LOG: &str = "/beta/deviceManagement/auditEvents";

/// Moves the clock to where a minute and an hour begin: all of a test is within one.
pub fn to_an_hours_begin(clock: &adept::app::Clock) {
    let over = clock.now().as_second() % 3600;
    clock.set_by(SignedDuration::from_secs(3600 - over));
}

async fn entries(test: &TestApp, reader: &Client, filter: &str) -> Vec<Value> {
    test.app.access_audit.flush().await.unwrap();
    let path = format!("{LOG}?$orderby=activityDateTime&$filter={filter}");
    reader.get_json(&path).await["value"].as_array().unwrap().clone()
}

/// Names and new values of what an entry shows.
fn shown(entry: &Value) -> Vec<(&str, &str)> {
    let properties = entry["resources"][0]["modifiedProperties"].as_array().unwrap().iter();
    properties
        .map(|property| (property["displayName"].as_str().unwrap(), property["newValue"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn requests_without_permission_are_one_entry_for_caller_address_and_minute() {
    let test = TestApp::start().await;
    to_an_hours_begin(&test.clock);
    let tenant = test.storage.default_tenant();
    let (one, other) = (test.client(tenant, &[READ]).await, test.client(tenant, &[APPS]).await);
    let reader = test.client(tenant, &[APPS]).await;
    let post = format!("/beta/{S}");
    let mut first = String::new();
    for number in 0..5 {
        let refused = one.post(&post, &json!({ "tokenName": "x" })).await;
        refused.is_refused(403, "Forbidden", "ReadWrite.All");
        if number == 0 {
            first = refused.header("request-id").to_owned();
        }
    }
    assert_eq!(other.get(&post).await.status, 403);
    let denied = entries(&test, &reader, "activityResult eq 'Failure'").await;
    assert_eq!(denied.len(), 2, "{denied:?}");
    let entry = denied.iter().find(|entry| entry["correlationId"] == first.as_str()).unwrap();
    assert_eq!(
        (&entry["activity"], &entry["activityType"]),
        (&json!("deny Request"), &json!("deny Request"))
    );
    assert_eq!(entry["activityOperationType"], "Action");
    assert_eq!(entry["actor"]["ipAddress"], "127.0.0.1");
    assert_eq!(entry["actor"]["applicationDisplayName"], "Test");
    assert!(entry["actor"]["applicationId"].is_string());
    assert_eq!(entry["resources"][0]["resourceId"], "depOnboardingSetting.create");
    let properties = shown(entry);
    assert_eq!(properties[0].0, "reason");
    assert!(properties[0].1.contains("DeviceManagementServiceConfig.ReadWrite.All"), "{properties:?}");
    assert_eq!(properties[1], ("times", "5"));
    assert_eq!(properties[2].0, "lastActivityDateTime");

    // The rest of the minute is counted in it, the next minute has its own.
    for _ in 0..3 {
        assert_eq!(one.post(&post, &json!({})).await.status, 403);
    }
    let denied = entries(&test, &reader, "activityResult eq 'Failure'").await;
    assert_eq!(denied.len(), 2);
    let entry = denied.iter().find(|entry| entry["correlationId"] == first.as_str()).unwrap();
    assert_eq!(shown(entry)[1], ("times", "8"));
    test.clock.set_by(SignedDuration::from_mins(1));
    assert_eq!(one.post(&post, &json!({})).await.status, 403);
    assert_eq!(entries(&test, &reader, "activityResult eq 'Failure'").await.len(), 3);
}

#[tokio::test]
async fn requests_without_a_good_token_are_in_the_log_of_the_tenant_that_their_token_was_signed_for() {
    let test = TestApp::start().await;
    to_an_hours_begin(&test.clock);
    let (tenant, other) = (test.storage.default_tenant(), test.other_tenant().await);
    let reader = test.client(tenant, &[APPS]).await;
    let client = test.signer.registered(&test.storage, other).await;
    let expired = test.signer.claims(other, client, &json!({ "exp": 1 }));
    let path = format!("/beta/{S}");
    for (token, times) in [(test.signer.sign(&expired), 2), (test.signer.forge(&expired), 3)] {
        for _ in 0..times {
            test.with(&token).get(&path).await.is_refused(401, "InvalidAuthenticationToken", "");
        }
    }
    assert_eq!(test.anonymous().get(&path).await.status, 401);
    // What a stranger wrote into a token is not believed.
    let here = entries(&test, &reader, "activity eq 'deny Request'").await;
    assert_eq!(here.len(), 1, "{here:?}");
    assert_eq!(
        (&here[0]["actor"]["applicationId"], &here[0]["actor"]["applicationDisplayName"]),
        (&Value::Null, &json!("not signed in"))
    );
    assert_eq!(shown(&here[0])[1], ("times", "4"));
    let there = entries(&test, &test.client(other, &[APPS]).await, "activity eq 'deny Request'").await;
    assert_eq!(there.len(), 1, "{there:?}");
    assert_eq!(there[0]["actor"]["applicationId"], client.to_string());
    assert!(shown(&there[0])[0].1.contains("expired"));
    assert_eq!(shown(&there[0])[1], ("times", "2"));
}

fn stranger(number: u128) -> Access {
    Access {
        kind: AccessKind::SignInRefused,
        tenant: None,
        actor: AccessActor::Unverified(Some(ClientId(Uuid::from_u128(number)))),
        address: Some(ClientAddress("2001:db8::1".parse().unwrap())),
        resource: AuditResource { kind: "Application", id: number.to_string(), name: None },
        reason: Some("It is wrong.".to_owned()),
        request: Uuid::from_u128(number),
    }
}

async fn noted(app: &App, numbers: std::ops::Range<u128>) {
    for number in numbers {
        app.access_audit.note(stranger(number));
    }
    app.access_audit.flush().await.unwrap();
}

#[tokio::test]
async fn strangers_have_sixty_entries_a_minute_in_all_processes_and_every_one_is_counted() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let test = TestApp::start_on_kind(kind).await;
        to_an_hours_begin(&test.clock);
        let second = test.another(&test.database.options()).await;
        noted(&test.app, 0..40).await;
        noted(&second.app, 20..200).await;
        noted(&test.app, 0..1000).await;
        let count = "SELECT COUNT(*) FROM audit_events WHERE result = 'Failure'";
        assert_eq!(test.database.number(count).await, 60, "{kind:?}");
        let sum = "SELECT CAST(SUM(times) AS BIGINT) FROM audit_events WHERE result = 'Failure'";
        assert_eq!(test.database.number(sum).await, 40 + 180 + 1000, "{kind:?}");
    }
}
