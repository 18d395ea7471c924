//! `$batch`: many requests in one, each answered as if it had come alone.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, send},
    test_app::{READ, S, TestApp},
};

async fn batch(client: &Client, requests: Value) -> Vec<Value> {
    let answer = client.post("/beta/$batch", &json!({ "requests": requests })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["responses"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_spelling_of_a_url_and_an_id_is_answered_alike() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    let path = format!("{S}/{id}");
    let urls = [
        format!("/{path}"),
        path.clone(),
        format!("/beta/{path}"),
        format!("{}/beta/{path}", test.url),
        format!("{S}('{id}')?$select=id,tokenName"),
    ];
    let requests: Vec<_> = urls
        .iter()
        .enumerate()
        .map(|(number, url)| json!({ "id": number, "method": "GET", "url": url, "depends_on": [] }))
        .collect();
    let responses = batch(&admin, requests.into()).await;
    for (number, response) in responses.iter().enumerate() {
        assert_eq!(response["id"], number.to_string());
        assert_eq!(response["status"], 200, "{response}");
        assert_eq!(response["body"]["id"], id);
        let content_type = response["headers"]["Content-Type"].as_str().unwrap();
        assert!(content_type.starts_with("application/json;odata.metadata=minimal"));
    }
    let elsewhere =
        json!([{ "id": "1", "method": "GET", "url": "https://example.com/beta/deviceManagement" }]);
    let refused = &batch(&admin, elsewhere).await[0];
    assert_eq!(refused["status"], 400);
    assert!(refused["body"]["error"]["message"].as_str().unwrap().contains("another service"));
}

#[tokio::test]
async fn requests_run_in_the_order_of_their_dependencies() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    let path = format!("/{S}/{id}");
    let json_type = json!({ "Content-Type": "application/json" });
    let patch = |id: &str, name: &str, waits: &[&str]| {
        json!({
            "id": id, "method": "PATCH", "url": path, "headers": json_type, "body": { "tokenName": name },
            "dependsOn": waits,
        })
    };
    let responses = batch(
        &admin,
        json!([
            patch("last", "3", &["b"]),
            patch("a", "1", &[]),
            patch("b", "2", &["a"]),
            { "id": "bad", "method": "PATCH", "url": path, "body": { "nothing": 1 } },
            { "id": "waits", "method": "DELETE", "url": path, "dependsOn": ["BAD"] },
            { "id": "minimal", "method": "PATCH", "url": path, "headers": { "prefer": "return=minimal" },
              "body": { "dataSharingConsentGranted": true } },
            { "id": "count", "method": "GET", "url": format!("{S}/$count") },
        ]),
    )
    .await;
    let statuses: Vec<_> = responses.iter().map(|response| response["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 200, 200, 400, 424, 204, 200]);
    assert_eq!(responses[4]["body"]["error"]["code"], "FailedDependency");
    assert!(responses[5].get("body").is_none() && responses[5]["headers"].is_object());
    let count = admin.get(&format!("/beta/{S}/$count")).await.text;
    assert_eq!(responses[6]["body"], count);
    let shown = admin.get_json(&format!("/beta{path}")).await;
    assert_eq!((&shown["tokenName"], &shown["dataSharingConsentGranted"]), (&json!("3"), &json!(true)));
}

#[tokio::test]
async fn each_request_of_a_batch_is_checked_by_itself() {
    let test = TestApp::start().await;
    let reader = test.client(test.storage.default_tenant(), &[READ]).await;
    let base64 = STANDARD.encode(r#"{"tokenName":"n"}"#);
    let responses = batch(
        &reader,
        json!([
            { "id": "1", "method": "GET", "url": S },
            { "id": "2", "method": "POST", "url": S, "body": {} },
            { "id": "3", "method": "GET", "url": "/v1.0/deviceManagement/auditEvents" },
            { "id": "4", "method": "GET", "url": S, "headers": { "Authorization": "Bearer x" } },
            { "id": "5", "method": "POST", "url": "/$batch", "body": { "requests": [] } },
            { "id": "6", "method": "PUT", "url": S, "body": {} },
            { "id": "7", "method": "GET", "url": "/nothing" },
            { "id": "8", "method": "GET", "url": "/$metadata" },
            { "id": "9", "method": "POST", "url": S, "headers": { "Content-Type": "text/plain" }, "body": "!" },
            { "id": "10", "method": "POST", "url": S, "headers": { "Content-Type": "text/plain" }, "body": base64 },
        ]),
    )
    .await;
    let statuses: Vec<_> = responses.iter().map(|response| response["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 403, 403, 400, 400, 405, 400, 200, 400, 403]);
    assert_eq!(responses[5]["headers"]["Allow"], "GET, POST");
    let own: std::collections::BTreeSet<_> =
        responses.iter().map(|response| response["headers"]["request-id"].as_str().unwrap()).collect();
    assert_eq!(own.len(), 10, "each has an id of its own");
    let seen = test.seen.lock().unwrap().clone();
    assert!(seen.contains(&("depOnboardingSetting.list", 200)) && seen.contains(&("protocol.batch", 200)));
}

#[tokio::test]
async fn json_may_come_as_base64_without_headers() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let create = |body: &str| json!({ "id": body, "method": "POST", "url": S, "body": body });
    let bytes = STANDARD.encode(r#"{"tokenName":"From bytes"}"#);
    let responses =
        batch(&admin, json!([create(&bytes), create("eyJub3RoaW5n"), create("[]"), create("text")])).await;
    let statuses: Vec<_> = responses.iter().map(|response| response["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 400, 400, 400]);
    assert_eq!(responses[0]["body"]["tokenName"], "From bytes");
}

#[tokio::test]
async fn an_invalid_batch_changes_nothing() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let before = admin.get(&format!("/beta/{S}/$count")).await.text;
    let create = |id: usize| json!({ "id": id, "method": "POST", "url": S, "body": {} });
    let many: Vec<_> = (0..21).map(create).collect();
    for (requests, part) in [
        (json!(many), "at most 20"),
        (json!([]), "1 to 20"),
        (json!([create(1), create(1)]), "More than one request"),
        (
            json!([{ "id": 1, "method": "POST", "url": S, "body": {}, "dependsOn": [2] },
                   { "id": 2, "method": "POST", "url": S, "body": {}, "dependsOn": ["1"] }]),
            "depends on itself",
        ),
        (json!([create(1), { "id": 2, "method": "GET" }]), "'requests[1].url'"),
    ] {
        let answer = admin.post("/beta/$batch", &json!({ "requests": requests })).await;
        answer.is_refused(400, "BadRequest", part);
    }
    assert_eq!(admin.get(&format!("/beta/{S}/$count")).await.text, before);
    test.anonymous().post("/beta/$batch", &json!({ "requests": [] })).await.is_refused(
        401,
        "InvalidAuthenticationToken",
        "empty",
    );
    let text =
        send(admin.request(Method::POST, "/beta/$batch").header("content-type", "text/plain").body("x"));
    text.await.is_refused(415, "UnsupportedMediaType", "JSON");
}
