//! The portal side: organizations, servers, devices, options.

use std::net::{IpAddr, UdpSocket};

use adept_simulator::Options;
use serde_json::{Value, json};

use crate::support::Sim;

#[tokio::test]
async fn an_organization_is_made_as_asked() {
    let sim = Sim::start().await;
    let org = sim.portal(201, "POST", "/organizations", json!({ "name": "A school", "type": "edu" })).await;
    assert_eq!((&org["org_name"], &org["org_type"]), (&json!("A school"), &json!("edu")));
    assert_eq!(sim.portal(201, "POST", "/organizations", Value::Null).await["org_type"], "org");
    sim.portal(400, "POST", "/organizations", json!({ "type": "club" })).await;
    sim.portal(409, "POST", "/organizations", json!({ "org_id": org["org_id"] })).await;
    let list = sim.portal(200, "GET", "/organizations", Value::Null).await;
    assert_eq!(list["organizations"].as_array().unwrap().len(), 2);
    sim.portal(404, "PUT", "/organizations/0/terms", json!({ "accepted": true })).await;
}

#[tokio::test]
async fn server_names_are_unique_in_their_organization() {
    let sim = Sim::start().await;
    let first = sim.portal(201, "POST", "/servers", json!({ "name": "Lab" })).await;
    let org = &first["org_id"];
    sim.portal(409, "POST", "/servers", json!({ "name": "Lab", "org_id": org })).await;
    sim.portal(201, "POST", "/servers", json!({ "name": "Lab" })).await;
    for name in ["", "Unassigned", "Reassigned"] {
        sim.portal(400, "POST", "/servers", json!({ "name": name })).await;
    }
    sim.portal(404, "POST", "/servers", json!({ "org_id": "0" })).await;
    sim.portal(409, "POST", "/servers", json!({ "server_uuid": first["server_uuid"] })).await;
    let lower = first["server_uuid"].as_str().unwrap().to_lowercase();
    assert_eq!(sim.portal(200, "GET", &format!("/servers/{lower}"), Value::Null).await["server_name"], "Lab");
}

#[tokio::test]
async fn the_truth_about_devices_is_listed_in_windows() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.devices(&server, 25).await;
    let path = format!("/servers/{}/devices", server.uuid);
    let mut seen = Vec::new();
    for (offset, size) in [(0, 10), (10, 10), (20, 5), (30, 0)] {
        let window = sim.portal(200, "GET", &format!("{path}?offset={offset}&limit=10"), Value::Null).await;
        assert_eq!(window["total"], 25);
        assert_eq!(window["devices"].as_array().unwrap().len(), size);
        seen.extend(window["devices"].as_array().unwrap().clone());
    }
    assert_eq!(sim.portal(200, "GET", &path, Value::Null).await["devices"], json!(seen));
}

#[tokio::test]
async fn devices_are_added_all_or_none() {
    let sim = Sim::start().await;
    let (server, other) = (sim.server().await, sim.server().await);
    let path = format!("/servers/{}/devices", server.uuid);
    sim.portal(200, "POST", &path, json!({ "devices": [{ "serial_number": "ONE" }] })).await;
    for (status, body) in [
        (400, json!({})),
        (400, json!({ "count": 1, "devices": [] })),
        (400, json!({ "count": -1 })),
        (400, json!({ "count": 50_000_000 })),
        (400, json!({ "devices": [{ "serial_number": "TWO" }, {}] })),
        (400, json!({ "devices": [{ "serial_number": "TWO" }, { "serial_number": "no spaces" }] })),
        (400, json!({ "devices": [{ "serial_number": "TWO" }, { "serial_number": "TWO" }] })),
        (400, json!({ "devices": [{ "serial_number": "TWO", "op_type": "added" }] })),
        (409, json!({ "devices": [{ "serial_number": "TWO" }, { "serial_number": "ONE" }] })),
    ] {
        sim.portal(status, "POST", &path, body).await;
    }
    assert_eq!(sim.portal(200, "GET", &path, Value::Null).await["total"], 1);
    let elsewhere = format!("/servers/{}/devices", other.uuid);
    sim.portal(409, "POST", &elsewhere, json!({ "devices": [{ "serial_number": "ONE" }] })).await;
    sim.portal(404, "DELETE", &format!("{elsewhere}/ONE"), Value::Null).await;
    sim.portal(204, "DELETE", &format!("{path}/ONE"), Value::Null).await;
    sim.portal(404, "PATCH", &format!("{path}/ONE"), json!({ "color": "RED" })).await;
    sim.portal(200, "POST", &elsewhere, json!({ "devices": [{ "serial_number": "ONE" }] })).await;
}

#[tokio::test]
async fn options_change_one_by_one_or_not_at_all() {
    let sim = Sim::start().await;
    let before = sim.portal(200, "GET", "/options", Value::Null).await;
    let after = sim.portal(200, "PUT", "/options", json!({ "rotate_every": 3 })).await;
    assert_eq!((&after["rotate_every"], &after["error_bodies"]), (&json!(3), &before["error_bodies"]));
    for bad in [
        json!([]),
        json!({ "rotate_evry": 1 }),
        json!({ "credential_status": 402 }),
        json!({ "limit_maximum": 0 }),
        json!({ "rotate_every": 9, "error_bodies": "loud" }),
    ] {
        sim.portal(400, "PUT", "/options", bad).await;
    }
    assert_eq!(sim.portal(200, "GET", "/options", Value::Null).await, after);
    sim.portal(204, "POST", "/reset", Value::Null).await;
    assert_eq!(sim.portal(200, "GET", "/options", Value::Null).await, before);
}

/// An address of this machine that is not loopback, when it has one. Nothing is sent to find it.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|own| own.ip()).filter(|own| !own.is_loopback() && !own.is_unspecified())
}

/// A machine without such an address has the same asked inside the crate.
#[tokio::test]
async fn the_portal_side_answers_on_loopback_only_unless_told_otherwise() {
    let Some(own) = own_address() else { return };
    for remote_portal in [false, true] {
        let sim = Sim::on("0.0.0.0:0", Options { remote_portal, ..Options::default() }).await;
        sim.portal(200, "GET", "/servers", Value::Null).await;
        let port = sim.simulator.url().rsplit_once(':').unwrap().1.to_owned();
        let ask = |path: &str| sim.send(sim.http.get(format!("http://{own}:{port}{path}")));
        assert_eq!(ask("/account").await.refusal(), (401, "UNAUTHORIZED"));
        let portal = ask("/_sim/servers").await;
        match remote_portal {
            true => assert_eq!(portal.json(), json!({ "servers": [] })),
            false => assert!(portal.status == 403 && portal.text.contains("its own machine"), "{portal:?}"),
        }
    }
}

#[tokio::test]
async fn wrong_methods_and_bodies_that_are_too_large_are_refused_with_a_sentence() {
    let sim = Sim::start().await;
    for (method, path) in [("DELETE", "/servers"), ("GET", "/reset"), ("PATCH", "/clock")] {
        let refusal = sim.portal(405, method, path, Value::Null).await;
        assert!(refusal["error"].as_str().unwrap().contains(method), "{refusal}");
    }
    let refused = sim.announced("POST", "/_sim/servers", "", (64 << 20) + 1, "").await;
    let body: Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(refused.status(), 413);
    assert!(body["error"].as_str().unwrap().contains("67108864 bytes"), "{body}");
    // More than frameworks take by themselves is fine.
    let padded = format!("{{{}}}", " ".repeat(5 << 20));
    let made = sim.send(sim.request("POST", "/_sim/servers").body(padded)).await;
    assert_eq!(made.status, 201);
}

#[tokio::test]
async fn a_token_that_would_outlive_the_calendar_is_refused_with_a_sentence() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let clock = json!({ "now": "9999-12-30T00:00:00Z", "running": false });
    sim.portal(200, "PUT", "/clock", clock).await;
    let path = format!("/servers/{}/token", server.uuid);
    let refusal = sim.portal(409, "POST", &path, Value::Null).await;
    assert!(refusal["error"].as_str().unwrap().contains("year 9999"), "{refusal}");
    sim.issue(&server.uuid, "?expires=9999-12-30T12:00:00Z").await;
    assert_eq!(sim.send(sim.request("GET", "/account")).await.status, 401);
}

#[tokio::test]
async fn unknown_paths_and_ids_are_said_to_be_unknown() {
    let sim = Sim::start().await;
    for (method, path) in [
        ("GET", "/nowhere"),
        ("GET", "/servers/0123456789ABCDEF0123456789ABCDEF"),
        ("PUT", "/servers/x/certificate"),
        ("POST", "/servers/x/token"),
        ("POST", "/servers/x/revoke"),
        ("GET", "/servers/x/devices"),
    ] {
        assert!(sim.portal(404, method, path, Value::Null).await["error"].is_string(), "{path}");
    }
    let server = sim.server().await;
    let token = format!("/servers/{}/token", server.uuid);
    for query in ["?chunks=0", "?expires=soon", "?cipher=rot13", "?line_ends=cr", "?color=red"] {
        sim.portal(400, "POST", &format!("{token}{query}"), Value::Null).await;
    }
}

#[tokio::test]
async fn every_option_is_explained_in_the_readme() {
    let sim = Sim::start().await;
    let readme = include_str!("../../README.md");
    let options = sim.portal(200, "GET", "/options", Value::Null).await;
    let names = options.as_object().unwrap().keys();
    let missing: Vec<_> = names.filter(|name| !readme.contains(name.as_str())).collect();
    assert_eq!(missing, Vec::<&String>::new());
}
