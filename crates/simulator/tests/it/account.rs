//! `GET /account`: what each protocol version sees of server and organization.

use serde_json::{Value, json};

use crate::support::Sim;

#[tokio::test]
async fn version_3_adds_the_organization_and_the_calls() {
    let sim = Sim::start().await;
    let org = sim.portal(201, "POST", "/organizations", json!({ "name": "A school", "type": "edu" })).await;
    let body = json!({ "name": "Lab", "org_id": org["org_id"] });
    let made = sim.portal(201, "POST", "/servers", body).await;
    assert_eq!(made["server_name"], "Lab");
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    for (version, v3) in
        [(None, false), (Some("2"), false), (Some("3"), true), (Some("99"), true), (Some("x"), false)]
    {
        let mut request = sim.request("GET", "/account").header("x-adm-auth-session", &session);
        if let Some(version) = version {
            request = request.header("X-Server-Protocol-Version", version);
        }
        let answer = sim.send(request).await;
        assert_eq!(answer.headers["content-type"], "application/json;charset=UTF8");
        let account = answer.json();
        let names: Vec<_> = account.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = vec![
            "server_name",
            "server_uuid",
            "admin_id",
            "facilitator_id",
            "org_name",
            "org_email",
            "org_phone",
            "org_address",
        ];
        if v3 {
            expected.extend(["org_id", "org_id_hash", "org_type", "org_version", "urls"]);
        }
        expected.sort_unstable();
        let mut names = names;
        names.sort_unstable();
        assert_eq!(names, expected, "{version:?}");
        assert_eq!(account["server_uuid"], server.uuid);
        assert!(
            server.uuid.len() == 32
                && server.uuid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'))
        );
    }
}

#[tokio::test]
async fn only_the_paged_calls_carry_a_limit_and_it_can_be_changed() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    for (default, maximum) in [(1000, 1000), (100, 1000), (1000, 5000)] {
        sim.option(json!({ "limit_default": default, "limit_maximum": maximum })).await;
        let account = sim.ask(&session, "GET", "/account", Value::Null).await.json();
        for url in account["urls"].as_array().unwrap() {
            let paged = matches!(url["uri"].as_str().unwrap(), "/server/devices" | "/devices/sync");
            let limit = json!({ "default": default, "maximum": maximum });
            assert_eq!(url.get("limit"), paged.then_some(&limit), "{url}");
            assert!(url["http_method"].is_array());
        }
    }
}

#[tokio::test]
async fn two_servers_of_one_organization_share_its_id_only() {
    let sim = Sim::start().await;
    let first = sim.portal(201, "POST", "/servers", json!({})).await;
    let second = sim.portal(201, "POST", "/servers", json!({ "org_id": first["org_id"] })).await;
    assert_eq!(first["org_id"], second["org_id"]);
    assert_ne!(first["server_uuid"], second["server_uuid"]);
}
