//! Throttling by Graph's figures, and writes that name an entity tag.

use reqwest::Method;
use serde_json::json;

use crate::{
    serve::started::Started,
    support::{
        client::{ClientResponse, send},
        test_app::{S, TestApp, WRITE},
    },
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

/// The statuses of GETs of the settings, and the last answer.
async fn gets(service: &Started, token: Option<&str>, number: usize) -> (Vec<u16>, ClientResponse) {
    let (mut statuses, mut last) = (Vec::new(), None);
    for _ in 0..number {
        let request = service.http.get(service.url(&format!("/beta/{S}")));
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let answer = send(request).await;
        statuses.push(answer.status);
        last = Some(answer);
    }
    (statuses, last.unwrap())
}

#[tokio::test]
async fn the_operator_may_limit_requests_by_application_tenant_and_address() {
    use adept::domain::Permission::ServiceConfigRead;
    let limits = ["--client-requests=3", "--tenant-requests=5", "--address-requests=12"];
    let service = Started::with(&limits).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(service.sign_in(&service.application(&[ServiceConfigRead]).await).await);
    }
    let (statuses, last) = gets(&service, Some(&tokens[0]), 1).await;
    assert_eq!(statuses, [200]);
    assert_eq!((last.header("ratelimit-limit"), last.header("ratelimit-remaining")), ("3", "2"));
    assert_eq!(last.header("ratelimit-reset"), "20");
    let (statuses, last) = gets(&service, Some(&tokens[0]), 3).await;
    assert_eq!(statuses, [200, 200, 429]);
    last.is_refused(429, "TooManyRequests", "wait");
    assert_eq!((last.header("ratelimit-limit"), last.header("ratelimit-remaining")), ("3", "0"));
    let wait: u64 = last.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");

    // Its tenant has two more, whichever client asks.
    let (statuses, last) = gets(&service, Some(&tokens[1]), 3).await;
    assert_eq!((statuses, last.header("ratelimit-limit")), (vec![200, 200, 429], "5"));
    assert_eq!(gets(&service, Some(&tokens[2]), 1).await.0, [429]);
    // Of an address every request counts, whatever became of it, and before anything else is looked at.
    let (statuses, last) = gets(&service, None, 5).await;
    assert_eq!((statuses, last.header("ratelimit-limit")), (vec![401, 401, 401, 401, 429], "12"));
    let metrics = service.operator("/metrics").await.text;
    for (by, number) in [("client", 1), ("tenant", 2), ("address", 1)] {
        let line = format!("adept_limited_requests_total{{by=\"{by}\"}} {number}");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn without_a_limit_no_answer_speaks_of_one() {
    let test = TestApp::start().await;
    let answer = test.admin().await.get(&format!("/beta/{S}")).await;
    assert!(!answer.headers.contains_key("ratelimit-limit"));
}
