//! Throttling by Graph's figures, and writes that name an entity tag.

use reqwest::Method;
use serde_json::json;

use crate::support::{
    client::send,
    test_app::{S, TestApp, WRITE},
};

#[tokio::test]
async fn an_application_that_writes_too_often_must_wait() {
    let test = TestApp::start_throttled().await;
    let admin = test.admin().await;
    let missing = format!("/beta/{S}/00000000-0000-4000-8000-000000000000");
    // Twenty writes in one request are twenty writes.
    for _ in 0..5 {
        let requests: Vec<_> = (0..20)
            .map(|id| json!({ "id": id, "method": "DELETE", "url": &missing["/beta".len()..] }))
            .collect();
        let answer = admin.post("/beta/$batch", &json!({ "requests": requests })).await.json();
        assert!(answer["responses"].as_array().unwrap().iter().all(|response| response["status"] == 404));
    }
    let refused = admin.delete(&missing).await;
    refused.is_refused(429, "TooManyRequests", "wait");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait));
    assert_eq!((refused.header("ratelimit-limit"), refused.header("ratelimit-remaining")), ("100", "0"));
    assert_eq!(refused.header("ratelimit-reset"), refused.header("retry-after"));
    let inside = json!({ "requests": [{ "id": 1, "method": "DELETE", "url": S }] });
    let inside = admin.post("/beta/$batch", &inside).await;
    assert_eq!(inside.status, 200, "the batch itself does not count");
    let method = &inside.json()["responses"][0];
    assert_eq!(method["status"], 405, "what leads nowhere does not count either");
    let inside = json!({ "requests": [{ "id": 1, "method": "DELETE", "url": &missing["/beta".len()..] }] });
    let inside = admin.post("/beta/$batch", &inside).await.json();
    assert_eq!(inside["responses"][0]["status"], 429);
    assert!(inside["responses"][0]["headers"]["Retry-After"].is_string());
    assert_eq!(admin.get(&format!("/beta/{S}")).await.status, 200, "reads are counted apart");
    let other = test.client(test.storage.default_tenant(), &[WRITE]).await;
    assert_eq!(other.delete(&missing).await.status, 404);
}

#[tokio::test]
async fn throttling_is_off_by_default() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    for _ in 0..110 {
        assert_eq!(
            admin.delete(&format!("/beta/{S}/00000000-0000-4000-8000-000000000000")).await.status,
            404
        );
    }
}

#[tokio::test]
async fn a_write_with_an_entity_tag_is_refused_and_any_state_is_accepted() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    let path = format!("/beta/{S}/{id}");
    let patch = |tag: &str| {
        admin.request(Method::PATCH, &path).header("if-match", tag).json(&json!({ "tokenName": "n" }))
    };
    let refused = send(patch("W/\"x\"")).await;
    refused.is_refused(412, "PreconditionFailed", "If-Match");
    assert_eq!(admin.get_json(&path).await["tokenName"], "Test");
    assert_eq!(send(patch("*")).await.status, 200);
    let removed = send(admin.request(Method::DELETE, &path).header("if-match", "\"y\"")).await;
    removed.is_refused(412, "PreconditionFailed", "Nothing was changed");
    assert_eq!(send(admin.request(Method::DELETE, &path).header("if-match", "*")).await.status, 204);
}
