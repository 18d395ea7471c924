//! What happens to devices on the portal side, and what clients see of it.

use serde_json::{Value, json};

use crate::support::{Server, Sim};

/// Two servers of one organization; the first has the device ONE with a profile.
async fn ready() -> (Sim, [Server; 2], [String; 2]) {
    let sim = Sim::start().await;
    let first = sim.server().await;
    let second = sim.server_of(&first.org_id).await;
    sim.give(&first, &["ONE"]).await;
    let sessions = [sim.session(&first.keys).await, sim.session(&second.keys).await];
    let profile = sim.profile(&sessions[0]).await;
    let body = json!({ "profile_uuid": profile, "devices": ["ONE"] });
    sim.ask(&sessions[0], "POST", "/profile/devices", body).await.json();
    (sim, [first, second], sessions)
}

async fn cursor(sim: &Sim, session: &str) -> Value {
    sim.ask(session, "POST", "/server/devices", json!({})).await.json()["cursor"].clone()
}

async fn changes(sim: &Sim, session: &str, cursor: &Value) -> Vec<Value> {
    let page = sim.ask(session, "POST", "/devices/sync", json!({ "cursor": cursor })).await.json();
    page["devices"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_move_clears_the_profile_and_tells_both_servers() {
    for (into, silent) in [("added", false), ("modified", false), ("added", true)] {
        let (sim, servers, sessions) = ready().await;
        sim.option(json!({ "moved_in_as": into, "moved_out_silently": silent })).await;
        let cursors = [cursor(&sim, &sessions[0]).await, cursor(&sim, &sessions[1]).await];
        let path = format!("/servers/{}/devices/ONE", servers[0].uuid);
        let deadline = "2030-01-31T00:00:00Z";
        let body = json!({ "to": servers[1].uuid, "migration_deadline": deadline });
        sim.portal(204, "POST", &format!("{path}/move"), body).await;
        let old = changes(&sim, &sessions[0], &cursors[0]).await;
        let old: Vec<_> = old.iter().map(|event| &event["op_type"]).collect();
        assert_eq!(old, if silent { vec![] } else { vec!["deleted"] });
        let page = sim.ask(&sessions[0], "POST", "/server/devices", json!({})).await.json();
        assert_eq!(page["devices"], json!([]), "a full fetch always shows the truth");
        let new = changes(&sim, &sessions[1], &cursors[1]).await;
        assert_eq!(new.len(), 1);
        assert_eq!((&new[0]["op_type"], &new[0]["profile_status"]), (&json!(into), &json!("empty")));
        assert_eq!((new[0].get("profile_uuid"), &new[0]["mdm_migration_deadline"]), (None, &json!(deadline)));
        assert_eq!(new[0]["device_assigned_date"], new[0]["op_date"]);
        for server in [0, 1] {
            let shown =
                sim.portal(200, "GET", &format!("/servers/{}", servers[server].uuid), Value::Null).await;
            assert_eq!(shown["devices"], server);
        }
        let history = sim.portal(200, "GET", "/devices/ONE/history", Value::Null).await;
        let history = history["history"].as_array().unwrap();
        let events: Vec<_> = history.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["added", "profile_assigned", "moved_out", "moved_in"]);
        assert_eq!(history[3]["server_uuid"], servers[1].uuid);
    }
}

#[tokio::test]
async fn a_device_can_be_missing_from_sync_until_the_next_fetch() {
    let (sim, servers, sessions) = ready().await;
    let cursor = cursor(&sim, &sessions[0]).await;
    sim.option(json!({ "added_silently": true })).await;
    sim.give(&servers[0], &["LOST"]).await;
    assert_eq!(changes(&sim, &sessions[0], &cursor).await, Vec::<Value>::new());
    let page = sim.ask(&sessions[0], "POST", "/server/devices", json!({})).await.json();
    let serials: Vec<_> =
        page["devices"].as_array().unwrap().iter().map(|device| &device["serial_number"]).collect();
    assert_eq!(serials, ["ONE", "LOST"]);
    let path = format!("/servers/{}/devices/LOST", servers[0].uuid);
    sim.portal(204, "PATCH", &path, json!({ "color": "RED" })).await;
    assert_eq!(changes(&sim, &sessions[0], &cursor).await[0]["op_type"], "modified");
}

#[tokio::test]
async fn a_migration_ends_with_the_activation() {
    let (sim, servers, sessions) = ready().await;
    let body = json!({ "to": servers[1].uuid, "migration_deadline": "2030-01-31T00:00:00Z" });
    sim.portal(204, "POST", &format!("/servers/{}/devices/ONE/move", servers[0].uuid), body).await;
    let profile = sim.profile(&sessions[1]).await;
    let body = json!({ "profile_uuid": profile, "devices": ["ONE"] });
    sim.ask(&sessions[1], "POST", "/profile/devices", body).await.json();
    let path = format!("/servers/{}/devices/ONE", servers[1].uuid);
    assert!(sim.portal(200, "GET", &path, Value::Null).await["mdm_migration_deadline"].is_string());
    let answer =
        sim.portal(200, "POST", &format!("/servers/{}/activate", servers[1].uuid), Value::Null).await;
    assert_eq!(answer, json!({ "activated": 1 }));
    let one = sim.portal(200, "GET", &path, Value::Null).await;
    assert_eq!((one.get("mdm_migration_deadline"), &one["profile_status"]), (None, &json!("pushed")));
}

#[tokio::test]
async fn assigning_to_the_same_server_again_or_moving_back_clears_the_profile() {
    let (sim, servers, sessions) = ready().await;
    let cursor = cursor(&sim, &sessions[0]).await;
    let path = |server: usize| format!("/servers/{}/devices/ONE/move", servers[server].uuid);
    sim.portal(204, "POST", &path(0), json!({ "to": servers[0].uuid })).await;
    sim.portal(204, "POST", &path(0), json!({ "to": servers[1].uuid })).await;
    sim.portal(204, "POST", &path(1), json!({ "to": servers[0].uuid })).await;
    let changes = changes(&sim, &sessions[0], &cursor).await;
    let kinds: Vec<_> = changes.iter().map(|event| event["op_type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["modified", "deleted", "added"]);
    assert_eq!(
        (&changes[0]["profile_status"], &changes[2]["profile_status"]),
        (&json!("empty"), &json!("empty"))
    );
}

#[tokio::test]
async fn devices_do_not_move_between_organizations() {
    let (sim, servers, _) = ready().await;
    let stranger = sim.server().await;
    let path = format!("/servers/{}/devices/ONE/move", servers[0].uuid);
    sim.portal(409, "POST", &path, json!({ "to": stranger.uuid })).await;
    sim.portal(404, "POST", &path, json!({ "to": "0" })).await;
    sim.portal(400, "POST", &path, json!({})).await;
    sim.portal(400, "POST", &path, json!({ "to": servers[1].uuid, "migration_deadline": "soon" })).await;
    sim.portal(200, "GET", &format!("/servers/{}/devices/ONE", servers[0].uuid), Value::Null).await;
}

#[tokio::test]
async fn a_replacement_takes_the_place_of_a_device_that_is_gone_for_good() {
    let (sim, servers, sessions) = ready().await;
    let cursor = cursor(&sim, &sessions[0]).await;
    let base = format!("/servers/{}/devices", servers[0].uuid);
    let answer = sim.portal(200, "POST", &format!("{base}/ONE/replace"), json!({ "with": "NEW1" })).await;
    assert_eq!(answer, json!({ "serial_number": "NEW1", "original_device_serial_number": "ONE" }));
    let events = changes(&sim, &sessions[0], &cursor).await;
    assert_eq!(events.len(), 2);
    assert_eq!((&events[0]["op_type"], &events[0]["serial_number"]), (&json!("deleted"), &json!("ONE")));
    assert_eq!(events[0]["released_by_replacement"], true);
    assert_eq!((&events[1]["op_type"], &events[1]["serial_number"]), (&json!("added"), &json!("NEW1")));
    assert_eq!(
        (&events[1]["is_replacement_device"], &events[1]["profile_status"]),
        (&json!(true), &json!("empty"))
    );
    let details = |serial: &str| format!("/device/replacementDetails?device={serial}");
    let shown = sim.ask(&sessions[0], "GET", &details("NEW1"), Value::Null).await.json();
    assert_eq!(shown["original_device_serial_number"], "ONE");
    assert_eq!(
        (&shown["serial_number"], shown["replacement_date"].as_str().unwrap().len()),
        (&json!("NEW1"), 10)
    );
    for serial in ["ONE", "NONE"] {
        let answer = sim.ask(&sessions[0], "GET", &details(serial), Value::Null).await;
        assert_eq!(answer.refusal(), (404, "DEVICE_NOT_FOUND"));
    }
    let answer = sim.ask(&sessions[1], "GET", &details("NEW1"), Value::Null).await;
    assert_eq!(answer.refusal(), (404, "DEVICE_NOT_FOUND"), "another server's device");
    let answer = sim.ask(&sessions[0], "GET", "/device/replacementDetails", Value::Null).await;
    assert_eq!(answer.refusal(), (400, "DEVICE_ID_REQUIRED"));
    sim.portal(409, "POST", &base, json!({ "devices": [{ "serial_number": "ONE" }] })).await;
    let next = sim.portal(200, "POST", &format!("{base}/NEW1/replace"), Value::Null).await;
    assert_eq!(next["serial_number"].as_str().unwrap().len(), 12, "the next device of the seed");
}

#[tokio::test]
async fn what_came_with_version_10_is_hidden_from_version_9() {
    let (sim, servers, sessions) = ready().await;
    let cursor = cursor(&sim, &sessions[0]).await;
    let path = format!("/servers/{}/devices/ONE/replace", servers[0].uuid);
    sim.portal(200, "POST", &path, json!({ "with": "NEW1" })).await;
    let request = |method: &str, path: &str, body: Value| {
        sim.request(method, path)
            .header("user-agent", "tests/1")
            .header("x-server-protocol-version", "9")
            .header("x-adm-auth-session", &sessions[0])
            .body(body.to_string())
    };
    let path = "/device/replacementDetails?device=NEW1";
    assert_eq!(sim.send(request("GET", path, Value::Null)).await.refusal(), (404, ""));
    let page = sim.send(request("POST", "/devices/sync", json!({ "cursor": cursor }))).await.json();
    assert_eq!(page["devices"][0].get("released_by_replacement"), None);
    assert_eq!(page["devices"][1].get("is_replacement_device"), None);
    let account = sim.send(request("GET", "/account", Value::Null)).await.json();
    assert!(!account["urls"].to_string().contains("replacementDetails"));
}

#[tokio::test]
async fn a_configurator_device_may_leave_and_come_back() {
    let (sim, servers, sessions) = ready().await;
    let base = format!("/servers/{}/devices", servers[0].uuid);
    let body = json!({ "devices": [{ "serial_number": "TWO" }], "configurator": true });
    sim.portal(200, "POST", &base, body.clone()).await;
    let cursor = cursor(&sim, &sessions[0]).await;
    sim.portal(409, "POST", &format!("{base}/ONE/leave"), Value::Null).await;
    sim.portal(204, "POST", &format!("{base}/TWO/leave"), Value::Null).await;
    assert_eq!(changes(&sim, &sessions[0], &cursor).await[0]["op_type"], "deleted");
    sim.portal(200, "POST", &base, body.clone()).await;
    sim.portal(204, "POST", &format!("{base}/TWO/release"), Value::Null).await;
    sim.portal(200, "POST", &base, body).await;
}

#[tokio::test]
async fn nothing_happens_to_devices_that_are_not_there() {
    let (sim, servers, _) = ready().await;
    for action in ["activate", "release", "replace", "leave"] {
        let path = format!("/servers/{}/devices/ONE/{action}", servers[1].uuid);
        sim.portal(404, "POST", &path, Value::Null).await;
    }
    let path = format!("/servers/{}/devices/ONE", servers[1].uuid);
    sim.portal(404, "POST", &format!("{path}/move"), json!({ "to": servers[0].uuid })).await;
    sim.portal(404, "PUT", &format!("{path}/lock"), json!({ "locked": true })).await;
    sim.portal(404, "GET", &path, Value::Null).await;
    assert_eq!(sim.portal(200, "GET", "/devices/NONE/history", Value::Null).await, json!({ "history": [] }));
}
