//! `POST /server/devices`: all devices, in pages that do not move.

use std::collections::HashSet;

use adept_simulator::Options;
use serde_json::{Value, json};

use crate::support::{Server, Sim, TestResponse};

async fn ready(count: u32) -> (Sim, Server, String) {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.devices(&server, count).await;
    let session = sim.session(&server.keys).await;
    (sim, server, session)
}

async fn fetch(sim: &Sim, session: &str, body: Value) -> TestResponse {
    sim.ask(session, "POST", "/server/devices", body).await
}

fn serials(page: &Value) -> Vec<String> {
    let serial = |device: &Value| device["serial_number"].as_str().unwrap().to_owned();
    page["devices"].as_array().unwrap().iter().map(serial).collect()
}

#[tokio::test]
async fn two_thousand_five_hundred_devices_come_in_three_pages() {
    let (sim, server, session) = ready(2500).await;
    let mut cursor = Value::Null;
    let mut seen = HashSet::new();
    for (size, more) in [(1000, true), (1000, true), (500, false)] {
        let page = fetch(&sim, &session, json!({ "cursor": cursor })).await.json();
        assert_eq!(
            (page["devices"].as_array().unwrap().len(), &page["more_to_follow"]),
            (size, &json!(more))
        );
        for device in page["devices"].as_array().unwrap() {
            assert!(device.get("op_type").is_none() && device.get("op_date").is_none());
        }
        seen.extend(serials(&page));
        assert!(page["fetched_until"].as_str().unwrap().ends_with('Z'));
        cursor = page["cursor"].clone();
    }
    assert_eq!(seen.len(), 2500);
    let again = fetch(&sim, &session, json!({ "cursor": cursor })).await;
    assert_eq!(again.refusal(), (400, "EXHAUSTED_CURSOR"));
    let path = format!("/servers/{}", server.uuid);
    assert_eq!(sim.portal(200, "GET", &path, Value::Null).await["devices"], 2500);
}

#[tokio::test]
async fn a_snapshot_is_pinned_at_its_first_page() {
    let (sim, server, session) = ready(10).await;
    let first = fetch(&sim, &session, json!({ "limit": 4 })).await.json();
    let all =
        sim.portal(200, "GET", &format!("/servers/{}/devices?limit=10", server.uuid), Value::Null).await;
    let all = serials(&all);
    let device = |serial: &str| format!("/servers/{}/devices/{serial}", server.uuid);
    sim.portal(204, "DELETE", &device(&all[5]), Value::Null).await;
    sim.portal(204, "PATCH", &device(&all[6]), json!({ "asset_tag": "changed later" })).await;
    sim.devices(&server, 3).await;
    let rest = fetch(&sim, &session, json!({ "cursor": first["cursor"] })).await.json();
    assert_eq!([serials(&first), serials(&rest)].concat(), all);
    assert!(rest["devices"].as_array().unwrap().iter().all(|device| device["asset_tag"] != "changed later"));
    let body = json!({ "cursor": rest["cursor"] });
    let deltas = sim.ask(&session, "POST", "/devices/sync", body).await.json();
    let kinds: Vec<_> =
        deltas["devices"].as_array().unwrap().iter().map(|device| device["op_type"].clone()).collect();
    assert_eq!(kinds, ["deleted", "modified", "added", "added", "added"]);
}

#[tokio::test]
async fn the_same_cursor_gives_the_same_page() {
    let (sim, _, session) = ready(30).await;
    let first = fetch(&sim, &session, json!({ "limit": 10 })).await.json();
    let body = json!({ "cursor": first["cursor"], "limit": 10 });
    let second = fetch(&sim, &session, body.clone()).await.json();
    assert_eq!(fetch(&sim, &session, body).await.json()["devices"], second["devices"]);
}

#[tokio::test]
async fn limits_are_clamped_or_refused() {
    let (sim, _, session) = ready(1200).await;
    for (limit, size) in
        [(json!(7), 7), (json!(0), 1), (json!(-5), 1), (json!(5000), 1000), (Value::Null, 1000)]
    {
        let page = fetch(&sim, &session, json!({ "limit": limit })).await.json();
        assert_eq!(page["devices"].as_array().unwrap().len(), size, "{limit}");
    }
    sim.option(json!({ "limit_default": 100, "limit_maximum": 5000 })).await;
    assert_eq!(fetch(&sim, &session, json!({})).await.json()["devices"].as_array().unwrap().len(), 100);
    let page = fetch(&sim, &session, json!({ "limit": 5000 })).await.json();
    assert_eq!(page["devices"].as_array().unwrap().len(), 1200);
    sim.option(json!({ "strict_limits": true })).await;
    for limit in [0, 5001] {
        let answer = fetch(&sim, &session, json!({ "limit": limit })).await;
        assert_eq!(answer.refusal(), (400, "MALFORMED_REQUEST_BODY"));
    }
}

#[tokio::test]
async fn an_empty_server_has_one_empty_page() {
    let (sim, _, session) = ready(0).await;
    let page = fetch(&sim, &session, json!({})).await.json();
    assert_eq!((&page["devices"], &page["more_to_follow"]), (&json!([]), &json!(false)));
    assert_eq!(
        fetch(&sim, &session, json!({ "cursor": page["cursor"] })).await.refusal(),
        (400, "EXHAUSTED_CURSOR")
    );
}

#[tokio::test]
async fn cursors_are_base64_without_padding_and_can_be_long() {
    let (sim, _, session) = ready(5).await;
    for long in [false, true] {
        sim.option(json!({ "long_cursors": long })).await;
        let page = fetch(&sim, &session, json!({ "limit": 2 })).await.json();
        let cursor = page["cursor"].as_str().unwrap();
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte)));
        assert_eq!(cursor.len() > 128, long, "{}", cursor.len());
        assert!(cursor.len() <= 1000);
        assert_eq!(fetch(&sim, &session, json!({ "cursor": cursor })).await.status, 200);
    }
}

#[tokio::test]
async fn foreign_and_garbled_cursors_are_invalid() {
    let (sim, _, session) = ready(5).await;
    let other = sim.server().await;
    let other_session = sim.session(&other.keys).await;
    let page = fetch(&sim, &session, json!({ "limit": 2 })).await.json();
    let cursor = page["cursor"].as_str().unwrap();
    let edited = cursor.replacen(&cursor[..1], if cursor.starts_with('M') { "N" } else { "M" }, 1);
    for bad in ["", "0", "garbage", "Ä", &edited, &cursor[1..], &format!("{cursor}="), &"A".repeat(1001)] {
        assert_eq!(
            fetch(&sim, &session, json!({ "cursor": bad })).await.refusal(),
            (400, "INVALID_CURSOR"),
            "{bad}"
        );
    }
    let foreign = fetch(&sim, &other_session, json!({ "cursor": cursor })).await;
    assert_eq!(foreign.refusal(), (400, "INVALID_CURSOR"));
    let early = sim.ask(&session, "POST", "/devices/sync", json!({ "cursor": cursor })).await;
    assert_eq!(early.refusal(), (400, "INVALID_CURSOR"), "a fetch that is not finished");
}

#[tokio::test]
async fn each_protocol_version_sees_its_fields() {
    let (sim, server, session) = ready(400).await;
    let fields = json!({
        "serial_number": "GIVEN1", "os": "iPadOS", "device_family": "iPad", "mdm_migration_deadline": "2030-01-01T00:00:00Z",
        "is_replacement_device": true, "is_new_here": { "deep": [1, "\"x\""] }
    });
    sim.portal(200, "POST", &format!("/servers/{}/devices", server.uuid), json!({ "devices": [fields] }))
        .await;
    let late = [
        "imei",
        "meid",
        "eid",
        "wifi_mac_address",
        "bluetooth_mac_address",
        "ethernet_mac_address",
        "is_replacement_device",
    ];
    for version in [None, Some(1), Some(2), Some(6), Some(7), Some(8), Some(9), Some(10), Some(11)] {
        let mut request =
            sim.request("POST", "/server/devices").header("x-adm-auth-session", &session).body("{}");
        request = request.header("user-agent", "tests/1");
        if let Some(version) = version {
            request = request.header("x-server-protocol-version", version.to_string());
        }
        let page = sim.send(request).await.json();
        let devices = page["devices"].as_array().unwrap();
        let any = |name: &str| devices.iter().any(|device| device.get(name).is_some());
        let version = version.unwrap_or(1);
        assert_eq!((any("os"), any("device_family")), (version >= 2, version >= 2), "{version}");
        assert_eq!(devices.iter().any(|device| device["os"] == "iPadOS"), version >= 7, "{version}");
        assert_eq!(any("mdm_migration_deadline"), version >= 8, "{version}");
        for name in late {
            assert_eq!(any(name), version >= 10, "{version} {name}");
        }
        for name in
            ["serial_number", "model", "description", "color", "asset_tag", "profile_status", "is_new_here"]
        {
            assert!(any(name), "{version} {name}");
        }
        assert!(any("device_assigned_date") && any("device_assigned_by"));
    }
}

#[tokio::test]
async fn seeded_devices_are_a_realistic_mixture() {
    let (sim, _, session) = ready(1000).await;
    let page = fetch(&sim, &session, json!({})).await.json();
    let devices = page["devices"].as_array().unwrap();
    for (family, os) in
        [("iPhone", "iOS"), ("iPad", "iPadOS"), ("Mac", "OSX"), ("AppleTV", "tvOS"), ("Vision", "visionOS")]
    {
        let of_family: Vec<_> = devices.iter().filter(|device| device["device_family"] == family).collect();
        assert!(of_family.len() >= 5, "{family}: {}", of_family.len());
        assert!(of_family.iter().all(|device| device["os"] == os));
    }
    assert!(devices.iter().any(|device| device.get("color").is_none()));
    for device in devices {
        let serial = device["serial_number"].as_str().unwrap();
        assert!(
            serial.len() == 12
                && serial.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        );
        assert_eq!(device["profile_status"], "empty");
    }
}

#[tokio::test]
async fn equal_seeds_make_equal_devices_and_others_do_not() {
    let mut lists = Vec::new();
    for seed in [1, 1, 2] {
        let sim = Sim::with(Options { seed, ..Options::default() }).await;
        let server = sim.server().await;
        sim.devices(&server, 50).await;
        sim.devices(&server, 20).await;
        let session = sim.session(&server.keys).await;
        let mut page = fetch(&sim, &session, json!({})).await.json();
        for device in page["devices"].as_array_mut().unwrap() {
            device.as_object_mut().unwrap().remove("device_assigned_date");
        }
        lists.push(page["devices"].take());
    }
    assert_eq!(lists[0], lists[1]);
    assert_ne!(lists[0], lists[2]);
    assert_eq!(lists[0][0]["serial_number"].as_str().map(str::len), Some(12));
}
