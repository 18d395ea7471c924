//! `POST /devices/disown`: only with permission, and for good.

use serde_json::{Value, json};

use crate::support::Sim;

#[tokio::test]
async fn a_server_without_permission_releases_nothing() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.give(&server, &["ONE"]).await;
    let session = sim.session(&server.keys).await;
    let body = json!({ "devices": ["ONE"] });
    let answer = sim.ask(&session, "POST", "/devices/disown", body.clone()).await;
    assert_eq!(answer.refusal(), (403, "ACCESS_DENIED"));
    sim.option(json!({ "disown_without_permission": "failed" })).await;
    let answer = sim.ask(&session, "POST", "/devices/disown", body).await.json();
    assert_eq!(answer, json!({ "devices": { "ONE": "FAILED" } }));
    let shown = sim.portal(200, "GET", &format!("/servers/{}", server.uuid), Value::Null).await;
    assert_eq!((&shown["devices"], &shown["release_devices"]), (&json!(1), &json!(false)));
}

#[tokio::test]
async fn a_disowned_device_never_comes_back() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.give(&server, &["ONE", "TWO"]).await;
    let session = sim.session(&server.keys).await;
    let base = format!("/servers/{}", server.uuid);
    sim.portal(204, "PUT", &format!("{base}/permissions"), json!({ "release_devices": true })).await;
    let cursor = sim.ask(&session, "POST", "/server/devices", json!({})).await.json()["cursor"].clone();
    let body = json!({ "devices": ["ONE", "NONE"] });
    let answer = sim.ask(&session, "POST", "/devices/disown", body).await.json();
    assert_eq!(answer, json!({ "devices": { "ONE": "SUCCESS", "NONE": "NOT_ACCESSIBLE" } }));
    sim.portal(204, "POST", &format!("{base}/devices/TWO/release"), Value::Null).await;
    let page = sim.ask(&session, "POST", "/devices/sync", json!({ "cursor": cursor })).await.json();
    let deleted: Vec<_> = page["devices"].as_array().unwrap().iter().map(|event| &event["op_type"]).collect();
    assert_eq!(deleted, ["deleted", "deleted"]);
    for serial in ["ONE", "TWO"] {
        let body = json!({ "devices": [{ "serial_number": serial }] });
        sim.portal(409, "POST", &format!("{base}/devices"), body).await;
    }
    let other = sim.server().await;
    sim.give(&other, &["ONE"]).await;
    for body in [json!({}), json!({ "devices": [] })] {
        let answer = sim.ask(&session, "POST", "/devices/disown", body).await;
        assert_eq!(answer.refusal(), (400, "DEVICE_ID_REQUIRED"));
    }
}
