//! Fault rules as a whole: which call they act on, how they are watched, held and removed.

use serde_json::{Value, json};

use crate::support::Sim;

/// Makes a rule and gives its id.
pub(crate) async fn fault(sim: &Sim, rule: Value) -> u64 {
    sim.portal(201, "POST", "/faults", rule).await["id"].as_u64().unwrap()
}

#[tokio::test]
async fn a_rule_is_counted_listed_and_removed() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    let rule = json!({ "match": { "path": "/account", "nth": 2 }, "times": 2, "note": "a bad hour",
        "do": { "answer": { "status": 503 } } });
    let id = fault(&sim, rule.clone()).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(sim.ask(&session, "GET", "/account", Value::Null).await.status);
    }
    assert_eq!(statuses, [200, 503, 503, 200, 200]);
    let shown = sim.portal(200, "GET", &format!("/faults/{id}"), Value::Null).await;
    assert_eq!((&shown["seen"], &shown["acted"], &shown["used_up"]), (&json!(5), &json!(2), &json!(true)));
    assert_eq!((&shown["match"], &shown["note"]), (&rule["match"], &rule["note"]));
    let log = sim.portal(200, "GET", "/requests", Value::Null).await;
    let faults: Vec<_> =
        log["requests"].as_array().unwrap().iter().map(|line| line["fault"].as_u64()).collect();
    assert_eq!(faults, [None, None, Some(id), Some(id), None, None]);
    sim.portal(204, "DELETE", &format!("/faults/{id}"), Value::Null).await;
    for (method, path) in [("GET", ""), ("DELETE", ""), ("GET", "/wait"), ("POST", "/release")] {
        sim.portal(404, method, &format!("/faults/{id}{path}"), Value::Null).await;
    }
    assert_eq!(sim.portal(200, "GET", "/faults", Value::Null).await, json!({ "faults": [] }));
}

#[tokio::test]
async fn the_first_rule_that_matches_acts_and_no_other() {
    let sim = Sim::start().await;
    fault(&sim, json!({ "do": { "answer": { "status": 501 } } })).await;
    let second = fault(&sim, json!({ "times": null, "do": { "answer": { "status": 502 } } })).await;
    for status in [501, 502, 502] {
        assert_eq!(sim.send(sim.request("GET", "/account")).await.status, status);
    }
    sim.portal(204, "DELETE", &format!("/faults/{second}"), Value::Null).await;
    assert_eq!(sim.send(sim.request("GET", "/account")).await.status, 401);
    fault(&sim, json!({ "times": null, "do": { "answer": { "status": 502 } } })).await;
    sim.portal(204, "DELETE", "/faults", Value::Null).await;
    assert_eq!(sim.send(sim.request("GET", "/account")).await.status, 401);
}

#[tokio::test]
async fn a_rule_can_be_for_one_server_or_one_consumer_key() {
    let sim = Sim::start().await;
    let (first, second) = (sim.server().await, sim.server().await);
    let (one, two) = (sim.session(&first.keys).await, sim.session(&second.keys).await);
    for on in [json!({ "server": second.uuid }), json!({ "consumer_key": second.keys.consumer_key })] {
        let id =
            fault(&sim, json!({ "match": on, "times": null, "do": { "refuse": "ACCESS_DENIED" } })).await;
        assert_eq!(sim.ask(&one, "GET", "/account", Value::Null).await.status, 200);
        assert_eq!(sim.ask(&two, "GET", "/account", Value::Null).await.refusal(), (403, "ACCESS_DENIED"));
        sim.session(&first.keys).await;
        let refused = sim.send(sim.session_request(&second.keys)).await;
        assert_eq!(refused.refusal(), (403, "ACCESS_DENIED"));
        sim.portal(204, "DELETE", &format!("/faults/{id}"), Value::Null).await;
    }
}

#[tokio::test]
async fn a_call_is_held_before_it_takes_effect_or_after() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    for (when, seen) in [("before", 1), ("after", 0)] {
        let id = fault(&sim, json!({ "match": { "path": "/server/devices" }, "do": { "hold": when } })).await;
        let call = tokio::spawn(sim.call(&session, "POST", "/server/devices", json!({})).send());
        let shown = sim.portal(200, "GET", &format!("/faults/{id}/wait?held=1"), Value::Null).await;
        assert_eq!(shown["held"], 1);
        sim.devices(&server, 1).await;
        let released = sim.portal(200, "POST", &format!("/faults/{id}/release"), Value::Null).await;
        assert_eq!(released, json!({ "released": 1 }));
        let answer: Value =
            serde_json::from_str(&call.await.unwrap().unwrap().text().await.unwrap()).unwrap();
        let devices = answer["devices"].as_array().unwrap().len();
        // The first round leaves its device behind.
        assert_eq!(devices, if when == "before" { seen } else { 1 + seen }, "{when}");
    }
}

#[tokio::test]
async fn held_calls_go_on_one_by_one_and_all_when_the_rule_goes() {
    let sim = Sim::start().await;
    let id = fault(&sim, json!({ "times": null, "do": { "hold": "after" } })).await;
    let calls: Vec<_> = (0..3).map(|_| tokio::spawn(sim.request("GET", "/account").send())).collect();
    sim.portal(200, "GET", &format!("/faults/{id}/wait?held=3&acted=3"), Value::Null).await;
    let release = format!("/faults/{id}/release");
    assert_eq!(sim.portal(200, "POST", &release, json!({ "count": 1 })).await, json!({ "released": 1 }));
    assert_eq!(sim.portal(200, "GET", &format!("/faults/{id}"), Value::Null).await["held"], 2);
    sim.portal(204, "DELETE", &format!("/faults/{id}"), Value::Null).await;
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status(), 401);
    }
}

#[tokio::test]
async fn a_reset_lets_held_calls_go_and_a_stop_cuts_them() {
    let sim = Sim::start().await;
    for stop in [false, true] {
        let id = fault(&sim, json!({ "do": { "hold": "before" } })).await;
        let call = tokio::spawn(sim.request("GET", "/account").send());
        sim.portal(200, "GET", &format!("/faults/{id}/wait?held=1"), Value::Null).await;
        if stop {
            sim.simulator.stop().await;
            assert!(call.await.unwrap().is_err());
            return;
        }
        sim.portal(204, "POST", "/reset", Value::Null).await;
        assert_eq!(call.await.unwrap().unwrap().status(), 401);
    }
}

#[tokio::test]
async fn used_up_rules_are_forgotten_some_day_and_waiting_ones_never() {
    let sim = Sim::start().await;
    let waiting = fault(&sim, json!({ "match": { "path": "/nowhere" }, "do": "gzip" })).await;
    for _ in 0..1010 {
        fault(&sim, json!({ "do": { "answer": { "status": 204 } } })).await;
        assert_eq!(sim.send(sim.request("GET", "/account")).await.status, 204);
    }
    let list = sim.portal(200, "GET", "/faults", Value::Null).await;
    let ids: Vec<_> =
        list["faults"].as_array().unwrap().iter().map(|rule| rule["id"].as_u64().unwrap()).collect();
    assert_eq!((ids.len(), ids[0], ids[1]), (1001, waiting, 12));
}

#[tokio::test]
async fn waiting_for_a_rule_ends_with_its_time() {
    let sim = Sim::start().await;
    let id = fault(&sim, json!({ "do": "gzip" })).await;
    let late = sim.portal(504, "GET", &format!("/faults/{id}/wait?acted=1&timeout_ms=1"), Value::Null).await;
    assert!(late["error"].is_string());
    sim.portal(400, "GET", &format!("/faults/{id}/wait?action=1"), Value::Null).await;
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused() {
    let sim = Sim::start().await;
    for rule in [
        json!({}),
        json!({ "do": [] }),
        json!({ "do": "explode" }),
        json!({ "do": "gzip", "times": 0 }),
        json!({ "do": "gzip", "match": { "nth": 0 } }),
        json!({ "do": "gzip", "match": { "probability": 1.5 } }),
        json!({ "do": "gzip", "match": { "pth": "/" } }),
        json!({ "do": { "answer": {} } }),
        json!({ "do": { "answer": { "status": 99 } } }),
        json!({ "do": { "answer": { "status": 200, "headers": { "a b": "c" } } } }),
        json!({ "do": { "refuse": "NO_SUCH_CODE" } }),
        json!({ "do": { "redirect": "elsewhere" } }),
        json!({ "do": { "headers": { "x": "a\nb" } } }),
        json!({ "do": { "drip": { "bytes": 0, "pause_ms": 1 } } }),
        json!({ "do": [{ "refuse": "FORBIDDEN" }, "disconnect"] }),
    ] {
        let refusal = sim.portal(400, "POST", "/faults", rule.clone()).await;
        assert!(refusal["error"].is_string(), "{rule}");
    }
    assert_eq!(sim.portal(200, "GET", "/faults", Value::Null).await, json!({ "faults": [] }));
}

#[tokio::test]
async fn a_held_call_takes_effect_though_its_client_gave_up() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    let on = json!({ "path": "/profile" });
    let id = fault(&sim, json!({ "match": on, "do": { "hold": "before" } })).await;
    let profile = json!({ "profile_name": "Staff", "url": "https://mdm.example.com/enroll" });
    let call = tokio::spawn(sim.call(&session, "POST", "/profile", profile).send());
    sim.portal(200, "GET", &format!("/faults/{id}/wait?held=1"), Value::Null).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    // A little real time, in which the simulator sees that the connection is closed.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    sim.portal(200, "POST", &format!("/faults/{id}/release"), Value::Null).await;
    let path = format!("/servers/{}/profiles", server.uuid);
    for _ in 0..500 {
        let profiles = sim.portal(200, "GET", &path, Value::Null).await;
        if profiles["profiles"].as_array().unwrap().len() == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let counts = sim.portal(200, "GET", "/counts", Value::Null).await;
    assert_eq!(counts["POST /profile"], 1, "{counts}");
    let log = sim.portal(200, "GET", "/requests", Value::Null).await;
    let last = log["requests"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["status"], &last["fault"]), (&json!(200), &json!(id)));
}

#[tokio::test]
async fn calls_that_are_not_judged_are_written_down_with_their_server() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    for action in [
        json!({ "answer": { "status": 503 } }),
        json!({ "redirect": "http://other.example" }),
        json!("disconnect"),
        json!("expire_session"),
    ] {
        fault(&sim, json!({ "do": action })).await;
        sim.wire("GET", "/account", &session, "").await;
    }
    fault(&sim, json!({ "do": { "answer": { "status": 503 } } })).await;
    sim.send(sim.session_request(&server.keys)).await;
    let log = sim.portal(200, "GET", "/requests", Value::Null).await;
    let log = log["requests"].as_array().unwrap();
    let statuses: Vec<_> = log.iter().map(|line| line["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 503, 307, 0, 401, 503]);
    assert!(log.iter().all(|line| line["server_uuid"] == server.uuid.as_str()), "{log:?}");
}

#[tokio::test]
async fn every_code_of_apples_can_be_used_and_is_listed() {
    let sim = Sim::start().await;
    let refusal = sim.portal(400, "POST", "/faults", json!({ "do": { "refuse": "NO_SUCH_CODE" } })).await;
    let said = refusal["error"].as_str().unwrap();
    let codes = said.split_once("which are ").unwrap().1.split_once(". ").unwrap().0;
    assert!(codes.split(", ").count() >= 39, "{said}");
    for code in codes.split(", ") {
        assert!(include_str!("../../README.md").contains(&format!("`{code}`")), "{code}");
        fault(&sim, json!({ "do": { "refuse": code } })).await;
        assert_eq!(sim.send(sim.request("GET", "/account")).await.text, code);
    }
    assert!(codes.contains("MDM_SERVICE_DISCOVERY_URL_NOT_VALID"));
}
