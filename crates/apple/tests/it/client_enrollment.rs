//! Enrollment with a managed Apple account, and beta releases.

use adept_apple::error::{AppleErrorKind as Kind, Endpoint};
use serde_json::json;

use crate::client_server::{Reply, Server, token};

const PATH: &str = "/account-driven-enrollment/profile";

#[tokio::test]
async fn the_service_discovery_address_is_set_read_and_cleared() {
    let server = Server::with_sessions(|seen| match seen.method.as_str() {
        "GET" => Reply::new(
            200,
            r#"{"mdm_service_discovery_url":"https://a.test/d","last_updated_timestamp":"2026-02-01T03:04:05Z"}"#,
        ),
        "POST" => Reply::new(200, ""),
        _ => Reply::new(200, " {} "),
    })
    .await;
    let session = server.client().session(token("a"));
    session.set_service_discovery("https://a.test/d").await.unwrap();
    let discovery = session.service_discovery().await.unwrap();
    assert_eq!(discovery.mdm_service_discovery_url, "https://a.test/d");
    assert_eq!(discovery.last_updated, Some("2026-02-01T03:04:05Z".parse().unwrap()));
    session.clear_service_discovery().await.unwrap();

    let seen = server.seen(PATH);
    let methods: Vec<&str> = seen.iter().map(|seen| seen.method.as_str()).collect();
    assert_eq!(methods, ["POST", "GET", "DELETE"]);
    assert_eq!(seen[0].json(), json!({"mdm_service_discovery_url": "https://a.test/d"}));
    assert!(seen[1].body.is_empty() && seen[2].body.is_empty());
}

#[tokio::test]
async fn every_refusal_of_service_discovery_is_named() {
    for (status, body, kind) in [
        (400, "MDM_SERVICE_DISCOVERY_URL_REQUIRED", Kind::DiscoveryUrlRefused),
        (400, "MDM_SERVICE_DISCOVERY_URL_NOT_VALID", Kind::DiscoveryUrlRefused),
        (400, "ORG_NOT_SUPPORTED", Kind::OrgNotSupported),
        (404, "NOT_FOUND", Kind::NotFound),
        (200, "<html>", Kind::NotUnderstood),
    ] {
        let server = Server::with_sessions(move |_| Reply::new(status, body)).await;
        let session = server.client().session(token("a"));
        for (endpoint, result) in [
            (Endpoint::SetServiceDiscovery, session.set_service_discovery("x").await),
            (Endpoint::ServiceDiscovery, session.service_discovery().await.map(drop)),
            (Endpoint::ClearServiceDiscovery, session.clear_service_discovery().await),
        ] {
            let error = result.unwrap_err();
            assert_eq!((error.kind, error.endpoint), (kind, endpoint), "{status} {body}");
        }
    }
    let server = Server::with_sessions(|_| Reply::new(200, "{}")).await;
    let error = server.client().session(token("a")).service_discovery().await.unwrap_err();
    assert_eq!(error.kind, Kind::NotUnderstood);
}

#[tokio::test]
async fn beta_tokens_are_read_under_both_names() {
    for body in [
        r#"{"betaEnrollmentTokens":[{"title":"iOS 27 beta","os":"iOS","token":"T1"},{"token":"T2"},{"os":"tvOS"},7]}"#,
        r#"{"seedBuildTokens":[{"title":"iOS 27 beta","os":"iOS","token":"T1"},{"token":"T2"}],
            "betaEnrollmentTokens":[{"title":"iOS 27 beta","os":"iOS","token":"T1"}]}"#,
    ] {
        let server = Server::with_sessions(move |_| Reply::new(200, body)).await;
        let tokens = server.client().session(token("a")).beta_tokens().await.unwrap();
        let tokens: Vec<_> = tokens.iter().map(|one| (one.os.as_deref(), one.token.expose())).collect();
        assert_eq!(tokens, [(Some("iOS"), "T1"), (None, "T2")]);
        assert_eq!(server.seen("/os-beta-enrollment/tokens")[0].method, "GET");
    }
    for (status, body, kind) in [
        (403, "APPLE_SEED_FOR_IT_TURNED_OFF", Kind::SeedTurnedOff),
        (200, "{}", Kind::NotUnderstood),
        (200, "[]", Kind::NotUnderstood),
    ] {
        let server = Server::with_sessions(move |_| Reply::new(status, body)).await;
        let error = server.client().session(token("a")).beta_tokens().await.err().unwrap();
        assert_eq!((error.kind, error.endpoint), (kind, Endpoint::BetaTokens));
    }
    let server = Server::with_sessions(|_| Reply::new(200, r#"{"betaEnrollmentTokens":[]}"#)).await;
    assert!(server.client().session(token("a")).beta_tokens().await.is_ok_and(|tokens| tokens.is_empty()));
}
