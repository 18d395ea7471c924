//! `POST /devices`: details, and only of what the server has.

use serde_json::{Value, json};

use crate::support::Sim;

#[tokio::test]
async fn details_of_what_the_server_has_and_a_status_for_the_rest() {
    let sim = Sim::start().await;
    let (server, other) = (sim.server().await, sim.server().await);
    for (server, serial) in [(&server, "MINE1"), (&server, "GONE1"), (&other, "OTHER1")] {
        let body = json!({ "devices": [{ "serial_number": serial, "os": "OSX", "model": "Mac \"mini\"" }] });
        sim.portal(200, "POST", &format!("/servers/{}/devices", server.uuid), body).await;
    }
    sim.portal(204, "DELETE", &format!("/servers/{}/devices/GONE1", server.uuid), Value::Null).await;
    let session = sim.session(&server.keys).await;
    let odd = "\"odd\\";
    let body = json!({ "devices": ["MINE1", "GONE1", "OTHER1", odd, "MINE1", ""] });
    let answer = sim.ask(&session, "POST", "/devices", body).await.json();
    let devices = answer["devices"].as_object().unwrap();
    assert_eq!(devices.len(), 5, "a serial named twice is answered once");
    assert_eq!(devices["MINE1"]["response_status"], "SUCCESS");
    assert_eq!(devices["MINE1"]["model"], "Mac \"mini\"");
    assert_eq!(devices["MINE1"].get("op_type"), None);
    for serial in ["GONE1", "OTHER1", odd, ""] {
        assert_eq!(devices[serial], json!({ "serial_number": serial, "response_status": "NOT_ACCESSIBLE" }));
    }
}

#[tokio::test]
async fn an_unknown_device_can_be_not_found() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    sim.option(json!({ "unknown_device": "NOT_FOUND" })).await;
    let answer = sim.ask(&session, "POST", "/devices", json!({ "devices": ["X"] })).await.json();
    let expected = json!({ "devices": { "X": { "serial_number": "X", "response_status": "NOT_FOUND" } } });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn naming_no_device_is_refused() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    for body in [json!({}), json!({ "devices": [] }), json!({ "devices": null })] {
        assert_eq!(sim.ask(&session, "POST", "/devices", body).await.refusal(), (400, "DEVICE_ID_REQUIRED"));
    }
}

#[tokio::test]
async fn details_show_the_newest_state() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.devices(&server, 1).await;
    let path = format!("/servers/{}/devices", server.uuid);
    let serial = sim.portal(200, "GET", &path, Value::Null).await["devices"][0]["serial_number"].clone();
    let uuid = "0123456789ABCDEF0123456789ABCDEF";
    let change = json!({ "profile_status": "assigned", "profile_uuid": uuid, "model": null });
    sim.portal(204, "PATCH", &format!("{path}/{}", serial.as_str().unwrap()), change).await;
    let session = sim.session(&server.keys).await;
    let answer = sim.ask(&session, "POST", "/devices", json!({ "devices": [serial] })).await.json();
    let device = &answer["devices"][serial.as_str().unwrap()];
    assert_eq!((&device["profile_status"], &device["profile_uuid"]), (&json!("assigned"), &json!(uuid)));
    assert_eq!(device.get("model"), None);
    assert!(device["description"].is_string());
}
