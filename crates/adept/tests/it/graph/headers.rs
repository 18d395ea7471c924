//! The headers of every answer, and the headers by which clients choose an answer.

use reqwest::Method;
use serde_json::json;

use crate::support::{
    client::send,
    test_app::{READ, S, TestApp},
};

const MINIMAL: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

#[tokio::test]
async fn every_answer_carries_graphs_headers() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    for path in [format!("/beta/{S}"), "/beta/nothing".to_owned(), format!("/beta/{S}/$count")] {
        let answer = admin.get(&path).await;
        let id = answer.header("request-id");
        assert_eq!((id.len(), answer.header("client-request-id")), (36, id));
        assert!(answer.header("x-ms-ags-diagnostic").starts_with("{\"ServerInfo\":{"));
        assert!(!answer.header("date").is_empty());
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("access-control-expose-headers").contains("request-id"));
        assert!(
            !answer.headers.contains_key("strict-transport-security"),
            "an address is no host to remember"
        );
    }
    let listed = admin.get(&format!("/beta/{S}")).await;
    assert_eq!((listed.header("content-type"), listed.header("odata-version")), (MINIMAL, "4.0"));
    let counted = admin.get(&format!("/beta/{S}/$count")).await;
    assert_eq!(counted.header("content-type"), "text/plain");
}

#[tokio::test]
async fn a_named_host_asks_clients_to_use_tls_only() {
    let test = TestApp::start_under(Some("https://adept.example.com")).await;
    let answer = test.anonymous().get("/beta").await;
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    let admin = test.admin().await;
    let shown = admin.get_json("/beta/deviceManagement").await;
    assert_eq!(shown["@odata.context"], "https://adept.example.com/beta/$metadata#deviceManagement");
}

#[tokio::test]
async fn a_clients_own_request_id_is_returned() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    for name in ["client-request-id", "x-ms-client-request-id"] {
        let answer = admin.get_with("/beta/nothing", (name, "my-request-7")).await;
        answer.is_refused(400, "BadRequest", "nothing");
        assert_eq!(answer.header("client-request-id"), "my-request-7");
    }
    let longest = "x".repeat(256);
    for printable in ["two words", "a \"b\"; c=~{d}", &longest] {
        let answer = admin.get_with("/beta/nothing", ("client-request-id", printable)).await;
        assert_eq!(answer.header("client-request-id"), printable);
    }
    for unfit in ["", "a\tb", "\u{e9}", &"x".repeat(257)] {
        let answer = admin.get_with("/beta/nothing", ("client-request-id", unfit)).await;
        assert_eq!(answer.header("client-request-id"), answer.header("request-id"));
    }
}

#[tokio::test]
async fn the_accepted_type_sets_the_level_of_metadata() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    let path = format!("/beta/{S}/{id}");
    let set = "deviceManagement/depOnboardingSettings";
    for accept in ["application/json", "*/*", "text/plain;q=0.9", "application/json;odata.metadata=minimal"] {
        let answer = admin.get_with(&path, ("accept", accept)).await;
        assert_eq!(answer.header("content-type"), MINIMAL, "{accept}");
        let shown = answer.json();
        assert_eq!(shown["@odata.context"], format!("{}/beta/$metadata#{set}/$entity", test.url));
        assert!(shown.get("@odata.type").is_none());
    }
    let none = admin.get_with(&path, ("accept", "application/json;odata.metadata=none")).await;
    assert!(none.header("content-type").contains("odata.metadata=none"));
    assert!(!none.text.contains("@odata"));
    let full = admin.get_with(&path, ("accept", "application/json;odata.metadata=full")).await;
    assert!(full.header("content-type").contains("odata.metadata=full"));
    let full = full.json();
    assert_eq!(full["@odata.type"], "#microsoft.graph.depOnboardingSetting");
    assert_eq!(full["@odata.id"], format!("{set}('{id}')"));
    assert_eq!(full["tokenType@odata.type"], "#microsoft.graph.depTokenType");
    assert_eq!(full["lastModifiedDateTime@odata.type"], "#DateTimeOffset");
    assert_eq!(full["roleScopeTagIds@odata.type"], "#Collection(String)");
    let xml = admin.get_with(&path, ("accept", "application/xml")).await;
    xml.is_refused(406, "NotAcceptable", "application/json can");
}

#[tokio::test]
async fn a_write_returns_the_preferred_representation() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    let prefer = |method: Method, path: &str, prefer: &str| {
        admin.request(method, path).header("prefer", prefer).json(&json!({ "tokenName": "n" }))
    };
    let path = format!("/beta/{S}/{id}");
    let minimal = send(prefer(Method::PATCH, &path, "return=minimal")).await;
    assert_eq!((minimal.status, minimal.text.as_str()), (204, ""));
    assert_eq!(minimal.header("preference-applied"), "return=minimal");
    let whole = send(prefer(Method::PATCH, &path, "respond-async, return=representation")).await;
    assert_eq!((whole.status, whole.header("preference-applied")), (200, "return=representation"));
    assert_eq!(whole.json()["tokenName"], "n");
    let created = send(prefer(Method::POST, &format!("/beta/{S}"), "return=minimal")).await;
    assert_eq!(created.status, 204);
    assert_eq!(created.header("location"), created.header("odata-entityid"));
    assert_eq!(admin.get_json(created.header("location")).await["tokenName"], "n");
}

#[tokio::test]
async fn a_browser_preflight_is_answered() {
    let test = TestApp::start().await;
    let asked = test
        .anonymous()
        .request(Method::OPTIONS, &format!("/beta/{S}"))
        .header("origin", "https://example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let answer = send(asked).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        assert!(answer.header("access-control-allow-methods").contains(method));
    }
    for name in
        ["Authorization", "Content-Type", "Prefer", "ConsistencyLevel", "client-request-id", "If-Match"]
    {
        assert!(answer.header("access-control-allow-headers").contains(name));
    }
    // Without the preflight headers it is a request like any other.
    let plain = send(test.anonymous().request(Method::OPTIONS, &format!("/beta/{S}"))).await;
    plain.is_refused(401, "InvalidAuthenticationToken", "empty");
}

#[tokio::test]
async fn every_answer_is_counted_under_its_operation() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    admin.get(&format!("/beta/{S}")).await;
    admin.get("/beta/nothing").await;
    test.anonymous().act(&format!("/beta/{S}/1/uploadDepToken")).await;
    let seen = test.seen.lock().unwrap().clone();
    let expected =
        [("depOnboardingSetting.list", 200), ("none", 400), ("depOnboardingSetting.uploadDepToken", 401)];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn more_than_one_authorization_header_is_refused() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let token = test.signer.application(&test.storage, test.storage.default_tenant(), &[READ]).await;
    let over_http_2 = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    for path in [format!("/beta/{S}"), "/beta/nothing".to_owned(), "/beta/$metadata".to_owned()] {
        for second in [format!("Bearer {token}"), "Basic eDp5".to_owned(), String::new()] {
            let first = admin.request(Method::GET, &path).header("authorization", &second);
            send(first).await.is_refused(400, "BadRequest", "Authorization header is given more than once");
            let twice = over_http_2.get(format!("{}{path}", test.url)).bearer_auth(&token);
            let refused = send(twice.header("authorization", &second)).await;
            refused.is_refused(400, "BadRequest", "Authorization header is given more than once");
        }
    }
    let once = over_http_2.get(format!("{}/beta/{S}", test.url)).bearer_auth(&token);
    assert_eq!(send(once).await.status, 200);
}
