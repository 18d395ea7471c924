//! Account-driven enrollment and beta tokens: the calls that are about the organization and not about devices.

use serde_json::{Value, json};

use crate::support::Sim;

const PATH: &str = "/account-driven-enrollment/profile";

#[tokio::test]
async fn the_discovery_url_is_set_shown_and_deleted() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    let get = || sim.ask(&session, "GET", PATH, Value::Null);
    assert_eq!(get().await.refusal(), (404, "NOT_FOUND"));
    for (body, code) in [
        (json!({}), "MDM_SERVICE_DISCOVERY_URL_REQUIRED"),
        (json!({ "mdm_service_discovery_url": "" }), "MDM_SERVICE_DISCOVERY_URL_REQUIRED"),
        (json!({ "mdm_service_discovery_url": "http://h/x" }), "MDM_SERVICE_DISCOVERY_URL_NOT_VALID"),
        (json!({ "mdm_service_discovery_url": "https://" }), "MDM_SERVICE_DISCOVERY_URL_NOT_VALID"),
        (json!({ "mdm_service_discovery_url": "h" }), "MDM_SERVICE_DISCOVERY_URL_NOT_VALID"),
        (json!({ "mdm_service_discovery_url": 1 }), "MALFORMED_REQUEST_BODY"),
    ] {
        assert_eq!(sim.ask(&session, "POST", PATH, body).await.refusal(), (400, code));
    }
    let url = "https://mdm.example.com/.well-known/com.apple.remotemanagement";
    let answer = sim.ask(&session, "POST", PATH, json!({ "mdm_service_discovery_url": url })).await;
    assert_eq!(answer.refusal(), (200, ""));
    let shown = get().await.json();
    assert_eq!(shown["mdm_service_discovery_url"], url);
    assert_eq!(shown["last_updated_timestamp"].as_str().unwrap().len(), 20);
    assert_eq!(sim.ask(&session, "DELETE", PATH, Value::Null).await.refusal(), (200, ""));
    assert_eq!(get().await.refusal(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn an_organization_of_before_has_no_account_driven_enrollment() {
    let sim = Sim::start().await;
    sim.portal(201, "POST", "/organizations", json!({ "org_id": "1", "version": "v1" })).await;
    let server = sim.server_of("1").await;
    let session = sim.session(&server.keys).await;
    for method in ["POST", "GET", "DELETE"] {
        assert_eq!(sim.ask(&session, method, PATH, json!({})).await.refusal(), (400, "ORG_NOT_SUPPORTED"));
    }
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.json()["org_version"], "v1");
}

#[tokio::test]
async fn beta_tokens_are_listed_under_either_name_unless_access_is_off() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    let get = || sim.ask(&session, "GET", "/os-beta-enrollment/tokens", Value::Null);
    for (key, names) in [
        ("betaEnrollmentTokens", vec!["betaEnrollmentTokens"]),
        ("seedBuildTokens", vec!["seedBuildTokens"]),
        ("both", vec!["betaEnrollmentTokens", "seedBuildTokens"]),
    ] {
        sim.option(json!({ "beta_tokens_key": key })).await;
        let answer = get().await.json();
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), names);
        for token in answer[names[0]].as_array().unwrap() {
            assert!(["title", "os", "token"].iter().all(|name| token[name].is_string()), "{token}");
        }
        let systems: Vec<_> = answer[names[0]].as_array().unwrap().iter().map(|token| &token["os"]).collect();
        assert_eq!(systems, ["homePodOS", "iOS", "OSX", "tvOS", "visionOS", "watchOS"]);
    }
    let access = format!("/organizations/{}/beta", server.org_id);
    sim.portal(204, "PUT", &access, json!({ "enabled": false })).await;
    assert_eq!(get().await.refusal(), (403, "APPLE_SEED_FOR_IT_TURNED_OFF"));
    sim.portal(404, "PUT", "/organizations/0/beta", json!({ "enabled": true })).await;
}
