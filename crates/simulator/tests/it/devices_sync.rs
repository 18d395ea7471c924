//! `POST /devices/sync`: what changed, in order, and when a cursor is no longer good for it.

use serde_json::{Value, json};

use crate::support::{Server, Sim, TestResponse, now};

/// A server with its devices fetched to the end, and the cursor of that.
async fn ready(count: u32) -> (Sim, Server, String, Value) {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.devices(&server, count).await;
    let session = sim.session(&server.keys).await;
    let page = sim.ask(&session, "POST", "/server/devices", json!({})).await.json();
    assert_eq!(page["more_to_follow"], false);
    (sim, server, session, page["cursor"].clone())
}

async fn sync(sim: &Sim, session: &str, cursor: &Value, limit: u32) -> TestResponse {
    sim.ask(session, "POST", "/devices/sync", json!({ "cursor": cursor, "limit": limit })).await
}

fn steps(page: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let devices = page["devices"].as_array().unwrap();
    devices.iter().map(|device| (text(&device["op_type"]), text(&device["serial_number"]))).collect()
}

#[tokio::test]
async fn nothing_new_is_an_empty_page_with_a_fresh_cursor() {
    let (sim, _, session, cursor) = ready(3).await;
    let page = sync(&sim, &session, &cursor, 1000).await.json();
    assert_eq!((&page["devices"], &page["more_to_follow"]), (&json!([]), &json!(false)));
    assert_eq!(sync(&sim, &session, &page["cursor"], 1000).await.status, 200);
    let on_fetch = sim.ask(&session, "POST", "/server/devices", json!({ "cursor": page["cursor"] })).await;
    assert_eq!(on_fetch.refusal(), (400, "EXHAUSTED_CURSOR"));
}

#[tokio::test]
async fn changes_come_in_order_and_a_device_may_come_several_times_across_pages() {
    let (sim, server, session, cursor) = ready(1).await;
    let devices = format!("/servers/{}/devices", server.uuid);
    let before = now();
    sim.portal(200, "POST", &devices, json!({ "devices": [{ "serial_number": "NEW1", "model": "Mac" }] }))
        .await;
    sim.portal(204, "PATCH", &format!("{devices}/NEW1"), json!({ "asset_tag": "1", "color": "RED" })).await;
    sim.portal(204, "PATCH", &format!("{devices}/NEW1"), json!({ "asset_tag": "2", "color": null })).await;
    sim.portal(204, "DELETE", &format!("{devices}/NEW1"), Value::Null).await;
    sim.portal(200, "POST", &devices, json!({ "devices": [{ "serial_number": "NEW1" }] })).await;
    let first = sync(&sim, &session, &cursor, 2).await.json();
    assert_eq!(first["more_to_follow"], true);
    let second = sync(&sim, &session, &first["cursor"], 2).await.json();
    let third = sync(&sim, &session, &second["cursor"], 2).await.json();
    assert_eq!(third["more_to_follow"], false);
    let kinds: Vec<_> = [&first, &second, &third].into_iter().flat_map(steps).collect();
    let expected = ["added", "modified", "modified", "deleted", "added"]
        .map(|kind| (kind.to_owned(), "NEW1".to_owned()));
    assert_eq!(kinds, expected);
    assert_eq!(first["devices"][0]["model"], "Mac");
    assert_eq!(first["devices"][1]["color"], "RED");
    assert_eq!((&second["devices"][0]["asset_tag"], second["devices"][0].get("color")), (&json!("2"), None));
    assert_eq!(third["devices"][0].get("model"), None, "a device that is added again starts again");
    for device in [&first["devices"][0], &third["devices"][0]] {
        assert_eq!(device["op_date"], device["device_assigned_date"]);
        let date = device["op_date"].as_str().unwrap();
        assert_eq!(date.len(), "2026-01-01T00:00:00Z".len());
        let date: jiff::Timestamp = date.parse().unwrap();
        assert!((before..=now()).contains(&date.as_second()));
    }
}

#[tokio::test]
async fn a_deleted_device_shows_its_serial_only_unless_all_is_wanted() {
    let (sim, server, session, cursor) = ready(1).await;
    let all = sim.portal(200, "GET", &format!("/servers/{}/devices", server.uuid), Value::Null).await;
    let serial = all["devices"][0]["serial_number"].as_str().unwrap();
    sim.portal(204, "DELETE", &format!("/servers/{}/devices/{serial}", server.uuid), Value::Null).await;
    let page = sync(&sim, &session, &cursor, 10).await.json();
    let names: Vec<_> = page["devices"][0].as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 3, "{names:?}");
    sim.option(json!({ "deleted_records": "full" })).await;
    let page = sync(&sim, &session, &cursor, 10).await.json();
    assert_eq!(page["devices"][0]["op_type"], "deleted");
    assert!(page["devices"][0]["model"].is_string());
}

#[tokio::test]
async fn a_cursor_is_required_must_be_this_servers_and_expires() {
    let (sim, _, session, cursor) = ready(1).await;
    for body in [json!({}), json!({ "cursor": null }), json!({ "cursor": "" })] {
        let answer = sim.ask(&session, "POST", "/devices/sync", body).await;
        assert_eq!(answer.refusal(), (400, "CURSOR_REQUIRED"));
    }
    assert_eq!(sync(&sim, &session, &json!("bm90IGEgY3Vyc29y"), 1).await.refusal(), (400, "INVALID_CURSOR"));
    let other = sim.server().await;
    let other = sim.session(&other.keys).await;
    assert_eq!(sync(&sim, &other, &cursor, 1).await.refusal(), (400, "INVALID_CURSOR"));
    sim.option(json!({ "cursor_ttl_seconds": 0 })).await;
    assert_eq!(sync(&sim, &session, &cursor, 1).await.refusal(), (400, "EXPIRED_CURSOR"));
}

#[tokio::test]
async fn a_cursor_outlives_a_renewed_token() {
    let (sim, server, _, cursor) = ready(1).await;
    for account in ["", "?account=second%40example.com"] {
        let session = sim.session(&sim.issue(&server.uuid, account).await).await;
        assert_eq!(sync(&sim, &session, &cursor, 1).await.status, 200);
    }
}
