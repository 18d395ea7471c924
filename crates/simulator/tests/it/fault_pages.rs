//! Fault actions that change what a good answer holds: pages that lead astray, devices and fields left out or made up.

use serde_json::{Value, json};

use crate::faults::fault;
use crate::support::Sim;

/// A simulator with five devices, a session, and their serial numbers in order.
async fn ready() -> (Sim, String, Vec<Value>) {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.devices(&server, 5).await;
    let session = sim.session(&server.keys).await;
    let all = sim.ask(&session, "POST", "/server/devices", json!({})).await.json();
    let serials = serials(&all);
    (sim, session, serials)
}

fn serials(page: &Value) -> Vec<Value> {
    page["devices"].as_array().unwrap().iter().map(|device| device["serial_number"].clone()).collect()
}

async fn fetch(sim: &Sim, session: &str, cursor: &Value) -> Value {
    let body = match cursor {
        Value::Null => json!({ "limit": 2 }),
        cursor => json!({ "limit": 2, "cursor": cursor }),
    };
    sim.ask(session, "POST", "/server/devices", body).await.json()
}

#[tokio::test]
async fn the_same_cursor_comes_back_and_more_follows_for_ever() {
    let (sim, session, all) = ready().await;
    let first = fetch(&sim, &session, &Value::Null).await;
    let id =
        fault(&sim, json!({ "match": { "path": "/server/devices" }, "times": null, "do": "same_cursor" }))
            .await;
    for _ in 0..3 {
        let page = fetch(&sim, &session, &first["cursor"]).await;
        assert_eq!((&page["cursor"], &page["more_to_follow"]), (&first["cursor"], &json!(true)));
        assert_eq!(serials(&page), all[2..4]);
    }
    sim.portal(204, "DELETE", &format!("/faults/{id}"), Value::Null).await;
    assert_ne!(fetch(&sim, &session, &first["cursor"]).await["cursor"], first["cursor"]);
}

#[tokio::test]
async fn a_page_comes_twice_under_different_cursors_and_nothing_is_lost() {
    let (sim, session, all) = ready().await;
    for nth in 1..=3 {
        fault(&sim, json!({ "match": { "path": "/server/devices", "nth": nth }, "do": "duplicate_page" }))
            .await;
        let (mut cursor, mut pages, mut cursors) = (Value::Null, Vec::new(), Vec::new());
        loop {
            let page = fetch(&sim, &session, &cursor).await;
            pages.push(serials(&page));
            cursor = page["cursor"].clone();
            assert!(!cursors.contains(&cursor));
            cursors.push(cursor.clone());
            if page["more_to_follow"] == false {
                break;
            }
        }
        assert_eq!(pages[nth - 1], pages[nth]);
        pages.remove(nth);
        assert_eq!(pages.concat(), all);
    }
}

#[tokio::test]
async fn an_empty_page_says_that_more_follows_and_loses_nothing() {
    let (sim, session, all) = ready().await;
    fault(&sim, json!({ "match": { "path": "/server/devices" }, "do": "empty_page", "times": 2 })).await;
    let first = fetch(&sim, &session, &Value::Null).await;
    let second = fetch(&sim, &session, &first["cursor"]).await;
    for page in [&first, &second] {
        assert_eq!((&page["devices"], &page["more_to_follow"]), (&json!([]), &json!(true)));
    }
    assert_ne!(first["cursor"], second["cursor"]);
    assert_eq!(serials(&fetch(&sim, &session, &second["cursor"]).await), all[..2]);
}

#[tokio::test]
async fn sync_pages_can_be_empty_repeated_and_doubled() {
    let (sim, session, _) = ready().await;
    let end = sim.ask(&session, "POST", "/server/devices", json!({})).await.json()["cursor"].clone();
    let server = sim.portal(200, "GET", "/servers", Value::Null).await["servers"][0]["server_uuid"].clone();
    let path = format!("/servers/{}/devices", server.as_str().unwrap());
    sim.portal(200, "POST", &path, json!({ "count": 2 })).await;
    for action in [json!("empty_page"), json!("duplicate_page"), json!({ "repeat_devices": 1 })] {
        fault(&sim, json!({ "match": { "path": "/devices/sync" }, "do": action })).await;
    }
    let (mut cursor, mut counts) = (end, Vec::new());
    for _ in 0..4 {
        let page = sim.ask(&session, "POST", "/devices/sync", json!({ "cursor": cursor })).await.json();
        counts.push((page["devices"].as_array().unwrap().len(), page["more_to_follow"].as_bool().unwrap()));
        cursor = page["cursor"].clone();
    }
    assert_eq!(counts, [(0, true), (2, true), (3, false), (0, false)]);
}

#[tokio::test]
async fn devices_and_serial_numbers_can_be_left_out() {
    let (sim, session, all) = ready().await;
    let drop = json!({ "serials": [all[1]] });
    fault(&sim, json!({ "times": 2, "do": { "drop_devices": drop } })).await;
    let page = sim.ask(&session, "POST", "/server/devices", json!({})).await.json();
    assert_eq!(serials(&page), [&all[..1], &all[2..]].concat());
    let details = sim.ask(&session, "POST", "/devices", json!({ "devices": all })).await.json();
    assert_eq!(details["devices"].as_object().unwrap().len(), 4);
    assert!(details["devices"].get(all[1].as_str().unwrap()).is_none());
    fault(&sim, json!({ "do": { "drop_devices": { "every": 2 } } })).await;
    let page = sim.ask(&session, "POST", "/server/devices", json!({})).await.json();
    assert_eq!(serials(&page), [all[0].clone(), all[2].clone(), all[4].clone()]);
}

#[tokio::test]
async fn fields_can_be_made_up_null_and_absent() {
    let (sim, session, all) = ready().await;
    let act = json!([
        { "set": { "org_type": "guild", "org_name": null, "brand_new": [1] } }, { "unset": ["org_id", "urls"] }
    ]);
    fault(&sim, json!({ "do": act })).await;
    let account = sim.ask(&session, "GET", "/account", Value::Null).await.json();
    assert_eq!((&account["org_type"], &account["brand_new"]), (&json!("guild"), &json!([1])));
    assert_eq!(account.get("org_name"), Some(&Value::Null));
    assert!(account.get("org_id").is_none() && account.get("urls").is_none());

    let act = json!([{ "set_devices": { "device_family": "Toaster", "color": null } }, { "unset_devices": ["os"] }]);
    fault(&sim, json!({ "times": 2, "do": act })).await;
    let page = sim.ask(&session, "POST", "/server/devices", json!({})).await.json();
    let details = sim.ask(&session, "POST", "/devices", json!({ "devices": [all[0]] })).await.json();
    let detailed = details["devices"].as_object().unwrap().values();
    for device in page["devices"].as_array().unwrap().iter().chain(detailed) {
        assert_eq!((&device["device_family"], device.get("color")), (&json!("Toaster"), Some(&Value::Null)));
        assert!(device.get("os").is_none());
    }
}

#[tokio::test]
async fn statuses_are_set_by_serial_number() {
    let (sim, session, all) = ready().await;
    let first = all[0].as_str().unwrap();
    fault(&sim, json!({ "do": { "set_statuses": { first: "FAILED", "*": "PONDERING" } } })).await;
    let details = sim.ask(&session, "POST", "/devices", json!({ "devices": all[..2] })).await.json();
    assert_eq!(details["devices"][first]["response_status"], "FAILED");
    assert_eq!(details["devices"][all[1].as_str().unwrap()]["response_status"], "PONDERING");
}

#[tokio::test]
async fn a_refusal_is_left_as_it_is() {
    let (sim, session, _) = ready().await;
    fault(&sim, json!({ "do": ["empty_page", { "set": { "a": 1 } }] })).await;
    let refused = sim.ask(&session, "POST", "/devices/sync", json!({})).await;
    assert_eq!(refused.refusal(), (400, "CURSOR_REQUIRED"));
}

#[tokio::test]
async fn a_page_begins_with_elements_that_are_no_devices() {
    let (sim, session, all) = ready().await;
    let strange = json!(["C02", 7, null, [], {}, { "serial_number": "" }, { "serial_number": " odd3 " }]);
    fault(
        &sim,
        json!({ "match": { "path": "/server/devices" }, "do": { "insert_devices": strange.clone() } }),
    )
    .await;
    let page = fetch(&sim, &session, &Value::Null).await;
    let devices = page["devices"].as_array().unwrap();
    assert_eq!((&json!(&devices[..7]), serials(&page)[7..].to_vec()), (&strange, all[..2].to_vec()));
}

#[tokio::test]
async fn text_is_replaced_by_what_no_json_library_writes() {
    let (sim, session, all) = ready().await;
    let serial = all[0].as_str().unwrap();
    let replace = json!({ "replace_text": { "from": serial, "to": "X\\ud800" } });
    fault(&sim, json!({ "match": { "path": "/server/devices" }, "do": replace })).await;
    let answer = sim.ask(&session, "POST", "/server/devices", json!({ "limit": 2 })).await;
    assert!(answer.text.contains(r#""serial_number":"X\ud800""#), "{}", answer.text);
    assert!(serde_json::from_str::<Value>(&answer.text).is_err());
    sim.portal(400, "POST", "/faults", json!({ "do": { "replace_text": { "from": "", "to": "" } } })).await;
}

#[tokio::test]
async fn one_serial_number_spoils_the_whole_call_that_names_it() {
    let (sim, session, all) = ready().await;
    let rule = json!({ "match": { "path": "/profile/devices", "body_contains": all[1] }, "times": null,
        "do": { "answer": { "status": 400 } } });
    fault(&sim, rule).await;
    let profile = sim.profile(&session).await;
    let assign = async |devices: &[Value]| {
        let body = json!({ "profile_uuid": profile, "devices": devices });
        sim.ask(&session, "POST", "/profile/devices", body).await
    };
    assert_eq!(assign(&all).await.refusal(), (400, ""));
    assert_eq!(assign(&all[1..2]).await.refusal(), (400, ""));
    assert_eq!(assign(&all[2..]).await.status, 200);
}

#[tokio::test]
async fn a_limit_that_fell_is_enforced() {
    let (sim, session, _) = ready().await;
    sim.option(json!({ "limit_maximum": 3, "limit_default": 3, "strict_limits": true })).await;
    let refused = sim.ask(&session, "POST", "/server/devices", json!({ "limit": 4 })).await;
    assert_eq!(refused.refusal(), (400, "MALFORMED_REQUEST_BODY"));
    let account = sim.ask(&session, "GET", "/account", Value::Null).await.json();
    let urls = account["urls"].as_array().unwrap();
    let limits = urls.iter().filter_map(|url| url["limit"]["maximum"].as_u64());
    assert_eq!(limits.collect::<Vec<_>>(), [3, 3]);
    assert_eq!(sim.ask(&session, "POST", "/server/devices", json!({ "limit": 3 })).await.status, 200);
}
