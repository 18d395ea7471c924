//! `POST /device/activationlock`: one device, and every status that it can answer with.

use serde_json::{Value, json};

use crate::support::Sim;

const PATH: &str = "/device/activationlock";

#[tokio::test]
async fn a_device_is_locked_once_with_what_the_client_sent() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.give(&server, &["ONE"]).await;
    let session = sim.session(&server.keys).await;
    let key = "0123456789abcdef".repeat(4);
    let body = json!({ "device": "ONE", "escrow_key": key, "lost_message": "Call 555" });
    let answer = sim.ask(&session, "POST", PATH, body.clone()).await.json();
    assert_eq!(answer, json!({ "serial_number": "ONE", "response_status": "SUCCESS" }));
    let again = sim.ask(&session, "POST", PATH, body.clone()).await.json();
    assert_eq!(again["response_status"], "DEVICE_ALREADY_LOCKED");
    let lock = format!("/servers/{}/devices/ONE/lock", server.uuid);
    let shown = sim.portal(200, "GET", &lock, Value::Null).await;
    assert_eq!(shown, json!({ "locked": true, "escrow_key": key, "lost_message": "Call 555" }));
    sim.portal(204, "PUT", &lock, json!({ "locked": false })).await;
    assert_eq!(sim.portal(200, "GET", &lock, Value::Null).await["locked"], false);
    assert_eq!(sim.ask(&session, "POST", PATH, body).await.json()["response_status"], "SUCCESS");
    sim.portal(204, "PUT", &lock, json!({ "locked": true })).await;
}

#[tokio::test]
async fn what_cannot_be_locked_says_why() {
    let sim = Sim::start().await;
    sim.portal(201, "POST", "/organizations", json!({ "org_id": "1", "version": "v1" })).await;
    let (server, old) = (sim.server().await, sim.server_of("1").await);
    let devices = json!({ "devices": [
        { "serial_number": "TV", "device_family": "AppleTV", "os": "tvOS" },
        { "serial_number": "ODD" },
    ] });
    sim.portal(200, "POST", &format!("/servers/{}/devices", server.uuid), devices).await;
    sim.give(&old, &["OLD"]).await;
    let (session, elsewhere) = (sim.session(&server.keys).await, sim.session(&old.keys).await);
    sim.portal(
        201,
        "POST",
        "/statuses",
        json!({ "serial_number": "ODD", "call": "lock", "status": "FAILED" }),
    )
    .await;
    for (session, device, status) in [
        (&session, "TV", "DEVICE_NOT_SUPPORTED"),
        (&session, "OLD", "NOT_ACCESSIBLE"),
        (&session, "ODD", "FAILED"),
        (&session, "ODD", "SUCCESS"),
        (&elsewhere, "OLD", "ORG_NOT_SUPPORTED"),
    ] {
        let answer = sim.ask(session, "POST", PATH, json!({ "device": device })).await.json();
        assert_eq!(answer, json!({ "serial_number": device, "response_status": status }));
    }
}

#[tokio::test]
async fn a_body_without_device_or_with_a_strange_key_is_malformed() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.give(&server, &["ONE"]).await;
    let session = sim.session(&server.keys).await;
    for body in [
        json!({}),
        json!({ "device": "" }),
        json!({ "device": ["ONE"] }),
        json!({ "device": "ONE", "escrow_key": "00" }),
        json!({ "device": "ONE", "escrow_key": "F".repeat(64) }),
    ] {
        let answer = sim.ask(&session, "POST", PATH, body).await;
        assert_eq!(answer.refusal(), (400, "MALFORMED_REQUEST_BODY"));
    }
}
