//! Scenario files: those that are shipped, and what becomes of one that is wrong.

use std::collections::BTreeMap;
use std::fs;

use adept_simulator::{Options, Simulator};
use serde_json::{Value, json};

use crate::signer::Keys;
use crate::support::{Recipe, Sim, certificate, now};

/// The shipped files by name.
fn shipped() -> BTreeMap<String, String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files
        .map(|file| (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap()))
        .collect()
}

/// A simulator that began with a shipped file, and credentials for its first server.
async fn begun(name: &str) -> (Sim, Keys, String) {
    let scenario = Some(shipped().remove(name).unwrap());
    let sim = Sim::with(Options { scenario, ..Options::default() }).await;
    let servers = sim.portal(200, "GET", "/servers", Value::Null).await;
    let uuid = servers["servers"][0]["server_uuid"].as_str().unwrap().to_owned();
    let upload = sim.request("PUT", &format!("/_sim/servers/{uuid}/certificate"));
    assert_eq!(sim.send(upload.body(certificate(&Recipe::of_a_month()))).await.status, 204);
    let keys = sim.issue(&uuid, "").await;
    (sim, keys, uuid)
}

#[tokio::test]
async fn every_shipped_file_loads_says_what_it_is_about_and_is_in_the_readme() {
    let sim = Sim::start().await;
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let all = shipped();
    assert!(all.len() >= 8);
    for (name, text) in all {
        let document: Value = serde_json::from_str(&text).unwrap();
        assert!(document["about"].is_string(), "{name}");
        assert!(readme.contains(&name), "{name}");
        let loaded = sim.portal(200, "POST", "/scenario", document.clone()).await;
        assert_eq!(
            loaded["faults"].as_array().unwrap().len(),
            document["faults"].as_array().map_or(0, Vec::len)
        );
        assert!(!loaded["servers"].as_array().unwrap().is_empty(), "{name}");
        let options = sim.portal(200, "GET", "/options", Value::Null).await;
        for (option, value) in document["options"].as_object().into_iter().flatten() {
            assert_eq!(&options[option], value, "{name}");
        }
    }
}

#[tokio::test]
async fn onboarding_is_three_pages() {
    let (sim, keys, _) = begun("onboarding.json").await;
    let session = sim.session(&keys).await;
    let (mut cursor, mut sizes) = (Value::Null, Vec::new());
    loop {
        let body = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let page = sim.ask(&session, "POST", "/server/devices", body).await.json();
        sizes.push(page["devices"].as_array().unwrap().len());
        cursor = page["cursor"].clone();
        if page["more_to_follow"] == false {
            break;
        }
    }
    assert_eq!(sizes, [1000, 1000, 500]);
}

#[tokio::test]
async fn a_session_ends_in_the_middle_of_a_chain() {
    let (sim, keys, _) = begun("sessions.json").await;
    let session = sim.session(&keys).await;
    let page = sim.ask(&session, "POST", "/server/devices", json!({})).await.json();
    let next = json!({ "cursor": page["cursor"] });
    let expired = sim.ask(&session, "POST", "/server/devices", next.clone()).await;
    assert_eq!(expired.refusal(), (401, "UNAUTHORIZED"));
    let session = sim.session(&keys).await;
    assert_eq!(sim.ask(&session, "POST", "/server/devices", next).await.status, 200);
}

#[tokio::test]
async fn pages_lead_astray_and_all_devices_are_there() {
    let (sim, keys, _) = begun("pages.json").await;
    let session = sim.session(&keys).await;
    let (mut cursor, mut sizes, mut seen) = (Value::Null, Vec::new(), std::collections::BTreeSet::new());
    loop {
        let body = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let page = sim.ask(&session, "POST", "/server/devices", body).await.json();
        let devices = page["devices"].as_array().unwrap();
        sizes.push(devices.len());
        seen.extend(devices.iter().map(|device| device["serial_number"].to_string()));
        cursor = page["cursor"].clone();
        if page["more_to_follow"] == false {
            break;
        }
    }
    assert_eq!((sizes, seen.len()), (vec![100, 100, 100, 0, 103, 100, 50], 450));
    let first = sim.ask(&session, "POST", "/devices/sync", json!({ "cursor": cursor })).await.json();
    for _ in 0..3 {
        let page =
            sim.ask(&session, "POST", "/devices/sync", json!({ "cursor": first["cursor"] })).await.json();
        assert_eq!((&page["cursor"], &page["more_to_follow"]), (&first["cursor"], &json!(true)));
    }
}

#[tokio::test]
async fn terms_reach_the_calls_first_and_then_the_session() {
    let (sim, keys, _) = begun("terms.json").await;
    let session = sim.session(&keys).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(sim.ask(&session, "GET", "/account", Value::Null).await.status);
    }
    assert_eq!(answers, [403, 403, 200]);
    assert_eq!(sim.send(sim.session_request(&keys)).await.refusal(), (403, "T_C_NOT_SIGNED"));
    sim.portal(204, "DELETE", "/faults", Value::Null).await;
    sim.session(&keys).await;
}

#[tokio::test]
async fn a_definition_is_lost_and_assignments_fail_in_part() {
    let (sim, keys, uuid) = begun("profiles.json").await;
    let session = sim.session(&keys).await;
    let profile = json!({ "profile_name": "Lab", "url": "https://mdm.example.com/enroll" });
    assert!(sim.call(&session, "POST", "/profile", profile).send().await.is_err());
    let profiles = sim.portal(200, "GET", &format!("/servers/{uuid}/profiles"), Value::Null).await;
    let lost = profiles["profiles"][0].clone();
    assert_eq!((&lost["orphan"], profiles["profiles"].as_array().unwrap().len()), (&json!(true), 1));
    let serials = ["C02WELL00001", "C02LOST00002", "C02FAIL00003"];
    let assign = json!({ "profile_uuid": lost["profile_uuid"], "devices": serials });
    let mut rounds = Vec::new();
    for _ in 0..3 {
        rounds.push(
            sim.ask(&session, "POST", "/profile/devices", assign.clone()).await.json()["devices"].clone(),
        );
    }
    assert_eq!(rounds[0], json!({ "C02WELL00001": "SUCCESS", "C02FAIL00003": "FAILED" }));
    let second = json!({ "C02WELL00001": "SUCCESS", "C02LOST00002": "SUCCESS", "C02FAIL00003": "FAILED" });
    assert_eq!(rounds[1], second);
    let third =
        json!({ "C02WELL00001": "THROTTLED", "C02LOST00002": "THROTTLED", "C02FAIL00003": "SUCCESS" });
    assert_eq!(rounds[2], third);
}

#[tokio::test]
async fn an_outage_of_eight_days_is_one_call() {
    let (sim, keys, _) = begun("outage.json").await;
    let session = sim.session(&keys).await;
    let page = sim.ask(&session, "POST", "/server/devices", json!({})).await.json();
    let clock = sim.portal(200, "GET", "/clock", Value::Null).await;
    let begun: jiff::Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
    assert!((0..60).contains(&(now() - begun.as_second())) && clock["running"] == false, "{clock}");
    assert_eq!(page["fetched_until"], jiff::Timestamp::from_second(begun.as_second()).unwrap().to_string());
    sim.portal(200, "POST", "/clock/advance", json!({ "seconds": 8 * 86_400 })).await;
    let session = sim.session(&keys).await;
    let sync = sim.ask(&session, "POST", "/devices/sync", json!({ "cursor": page["cursor"] })).await;
    assert_eq!(sync.refusal(), (400, "EXPIRED_CURSOR"));
}

#[tokio::test]
async fn a_rough_sea_is_rough_in_the_same_way_each_time() {
    let mut voyages = Vec::new();
    for _ in 0..2 {
        let (sim, _, _) = begun("rough-sea.json").await;
        let mut statuses = Vec::new();
        for _ in 0..150 {
            statuses.push(sim.wire("GET", "/account", "", "").await.status());
        }
        voyages.push(statuses);
    }
    assert_eq!(voyages[0], voyages[1]);
    for status in [0, 401, 429, 503] {
        assert!(voyages[0].contains(&status), "{status}: {:?}", voyages[0]);
    }
}

#[tokio::test]
async fn a_document_with_a_fault_in_it_changes_nothing() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.portal(200, "PUT", "/clock", json!({ "now": "2030-01-31T10:00:00Z", "running": false })).await;
    let twice = json!({ "server_uuid": "0123456789ABCDEF0123456789ABCDEF" });
    let clock = json!({ "now": "2031-01-31T10:00:00Z" });
    for document in [
        json!([]),
        json!({ "orgs": [] }),
        json!({ "clock": { "now": "noon" } }),
        json!({ "clock": clock, "options": { "rotate_every": -1 } }),
        json!({ "clock": clock, "faults": [{ "do": "explode" }] }),
        json!({ "clock": clock, "faults": [{ "do": "gzip", "times": 0 }] }),
        json!({ "clock": clock, "statuses": [{ "serial_number": "C02", "call": "assign", "times": 0, "status": null }] }),
        json!({ "organizations": [{ "servers": [{ "devices": "many" }] }] }),
        json!({ "organizations": [{ "servers": [{ "devices": u32::MAX }] }] }),
        json!({ "organizations": [{ "servers": [{ "certificate": "garbage" }] }] }),
        json!({ "organizations": [{ "servers": [twice, twice] }] }),
    ] {
        let request = sim.request("POST", "/_sim/scenario").body(document.to_string());
        let refusal = sim.send(request).await;
        assert!((400..500).contains(&refusal.status) && refusal.text.contains("error"), "{document}");
    }
    let servers = sim.portal(200, "GET", "/servers", Value::Null).await;
    assert_eq!(servers["servers"][0]["server_uuid"], server.uuid);
    assert_eq!(sim.portal(200, "GET", "/clock", Value::Null).await["now"], "2030-01-31T10:00:00Z");
}

#[tokio::test]
async fn a_reset_goes_back_to_what_the_start_began_with() {
    let (sim, _, _) = begun("outage.json").await;
    let before = sim.portal(200, "GET", "/servers", Value::Null).await["servers"][0]["server_uuid"].clone();
    sim.portal(200, "POST", "/clock/advance", json!({ "seconds": 5 })).await;
    sim.portal(200, "POST", "/scenario", json!({})).await;
    assert_eq!(sim.portal(200, "GET", "/servers", Value::Null).await, json!({ "servers": [] }));
    assert_eq!(sim.portal(200, "GET", "/clock", Value::Null).await["running"], true);
    sim.portal(204, "POST", "/reset", Value::Null).await;
    let server = &sim.portal(200, "GET", "/servers", Value::Null).await["servers"][0];
    assert_eq!((&server["server_uuid"], &server["devices"]), (&before, &json!(50)));
    assert_eq!(sim.portal(200, "GET", "/clock", Value::Null).await["running"], false);
}

#[tokio::test]
async fn a_document_without_a_time_begins_at_the_time_of_the_start() {
    let start = "2030-01-31T10:00:00Z";
    let sim = Sim::with(Options { clock: start.parse().ok(), ..Options::default() }).await;
    for (clock, running) in [(json!({}), false), (json!({ "running": true }), true)] {
        sim.portal(200, "POST", "/clock/advance", json!({ "seconds": 691_200 })).await;
        sim.portal(200, "PUT", "/clock", json!({ "running": !running })).await;
        let moved = sim.portal(200, "GET", "/clock", Value::Null).await;
        sim.portal(400, "POST", "/scenario", json!({ "options": { "none": 1 }, "clock": clock })).await;
        let kept = sim.portal(200, "GET", "/clock", Value::Null).await;
        assert_eq!(kept["running"], moved["running"], "a document with a fault in it changes nothing");
        assert!(kept["now"].as_str() > Some("2030-02-08"), "{kept}");
        let loaded = sim.portal(200, "POST", "/scenario", json!({ "clock": clock })).await["clock"].clone();
        assert_eq!(loaded["running"], running);
        assert!(loaded["now"].as_str().unwrap().starts_with("2030-01-31T10:0"), "{loaded}");
    }
}

#[tokio::test]
async fn a_start_with_a_scenario_that_is_none_fails() {
    let options = Options { scenario: Some("{\"organizations\": 1}".to_owned()), ..Options::default() };
    let error = Simulator::start("127.0.0.1:0".parse().unwrap(), options).await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
