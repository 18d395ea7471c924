//! Apple is down, slow, strange or asks us to wait: 503, nothing changes, and the same upload works later.

use reqwest::Method;
use serde_json::{Value, json};

use super::{asked, pair, script, shown, upload};
use crate::support::test_app::TestApp;

/// Uploads while Apple answers as scripted, and once more when it is well again.
async fn fails_then_works(answer: Value, retry_after: &str, part: &str) {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let token = test.portal.token(&pair.server).await;
    let before = shown(&client, &pair.setting).await;
    script(&test, answer.clone()).await;
    let refused = upload(&client, &pair.setting, &token).await;
    refused.is_refused(503, "ServiceUnavailable", part);
    assert_eq!(refused.header("retry-after"), retry_after, "{answer}");
    assert_eq!(shown(&client, &pair.setting).await, before, "{answer}");
    test.portal.call(Method::DELETE, "/answers", String::new()).await;
    assert_eq!(upload(&client, &pair.setting, &token).await.status, 204, "{answer}");
}

#[tokio::test]
async fn an_error_page_of_apples_is_not_the_tokens_fault() {
    for path in ["/session", "/account"] {
        let body = "<html><body>Service Unavailable</body></html>";
        fails_then_works(
            json!({ "path": path, "times": 9, "status": 500, "body": body }),
            "5",
            "Nothing was changed",
        )
        .await;
        let html = json!({ "path": path, "times": 9, "status": 200, "body": body });
        fails_then_works(html, "5", "something unexpected").await;
    }
}

#[tokio::test]
async fn a_cut_connection_is_not_the_tokens_fault() {
    for path in ["/session", "/account"] {
        fails_then_works(
            json!({ "path": path, "times": 9, "status": 200, "cut": true }),
            "5",
            "could not be reached",
        )
        .await;
    }
}

#[tokio::test]
async fn a_refusal_of_adept_itself_is_for_the_operator() {
    for (status, body) in [(400, "USER_AGENT_INVALID"), (404, ""), (302, ""), (401, "timestamp_refused")] {
        let answer = json!({ "path": "/session", "times": 9, "status": status, "body": body });
        fails_then_works(answer, "5", "Nothing was changed").await;
    }
}

#[tokio::test]
async fn an_apple_that_is_down_is_not_the_tokens_fault() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let token = test.portal.token(&pair.server).await;
    let before = shown(&client, &pair.setting).await;
    test.stop_apple().await;
    let refused = upload(&client, &pair.setting, &token).await;
    refused.is_refused(503, "ServiceUnavailable", "could not be reached");
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(shown(&client, &pair.setting).await, before);
}

#[tokio::test]
async fn a_wait_that_apple_asks_for_is_told_to_the_caller_and_kept() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let pair = pair(&test, &client).await;
    let token = test.portal.token(&pair.server).await;
    let before = shown(&client, &pair.setting).await;
    let answer = json!({ "path": "/session", "status": 429, "headers": { "Retry-After": "90" }, "body": "TOO_MANY_REQUESTS" });
    script(&test, answer).await;
    let refused = upload(&client, &pair.setting, &token).await;
    refused.is_refused(503, "ServiceUnavailable", "Apple asked to wait");
    assert_eq!(refused.header("retry-after"), "90");

    test.clock.advance(jiff::SignedDuration::from_secs(60));
    let calls = asked(&test, "GET /session").await;
    let refused = upload(&client, &pair.setting, &token).await;
    refused.is_refused(503, "ServiceUnavailable", "Apple asked us to wait");
    let rest: u64 = refused.header("retry-after").parse().unwrap();
    assert!((25..=31).contains(&rest), "{rest}");
    assert_eq!(asked(&test, "GET /session").await, calls, "Apple was not asked again");
    assert_eq!(shown(&client, &pair.setting).await, before);

    test.clock.advance(jiff::SignedDuration::from_secs(31));
    assert_eq!(upload(&client, &pair.setting, &token).await.status, 204);
}
