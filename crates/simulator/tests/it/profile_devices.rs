//! `/profile/devices`: assigning, removing, throttles, what the next calls are scripted to say, and late effects.

use serde_json::{Value, json};

use crate::support::{Server, Sim, TestResponse};

/// A server with the devices ONE, TWO and TRE, and a profile.
async fn ready() -> (Sim, Server, String, Value) {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.give(&server, &["ONE", "TWO", "TRE"]).await;
    let session = sim.session(&server.keys).await;
    let profile = sim.profile(&session).await;
    (sim, server, session, profile)
}

async fn assign(sim: &Sim, session: &str, profile: &Value, devices: &[&str]) -> TestResponse {
    let body = json!({ "profile_uuid": profile, "devices": devices });
    sim.ask(session, "POST", "/profile/devices", body).await
}

async fn device(sim: &Sim, session: &str, serial: &str) -> Value {
    let answer = sim.ask(session, "POST", "/devices", json!({ "devices": [serial] })).await.json();
    answer["devices"][serial].clone()
}

#[tokio::test]
async fn assigning_and_removing_follow_the_life_of_a_profile() {
    let (sim, server, session, profile) = ready().await;
    let cursor = sim.ask(&session, "POST", "/server/devices", json!({})).await.json()["cursor"].clone();
    let answer = assign(&sim, &session, &profile, &["ONE", "NONE", "ONE"]).await.json();
    let expected =
        json!({ "profile_uuid": profile, "devices": { "ONE": "SUCCESS", "NONE": "NOT_ACCESSIBLE" } });
    assert_eq!(answer, expected);
    let one = device(&sim, &session, "ONE").await;
    assert_eq!((&one["profile_status"], &one["profile_uuid"]), (&json!("assigned"), &profile));
    assert!(one["profile_assign_time"].is_string() && one.get("profile_push_time").is_none());

    let path = format!("/servers/{}/devices/ONE/activate", server.uuid);
    let got = sim.portal(200, "POST", &path, Value::Null).await;
    assert_eq!((&got["profile_uuid"], &got["profile"]["profile_name"]), (&profile, &json!("Staff")));
    let one = device(&sim, &session, "ONE").await;
    assert_eq!((&one["profile_status"], &one["profile_uuid"]), (&json!("pushed"), &profile));
    assert!(one["profile_assign_time"].is_string() && one["profile_push_time"].is_string());

    let second = sim.profile(&session).await;
    assign(&sim, &session, &second, &["ONE"]).await.json();
    let one = device(&sim, &session, "ONE").await;
    assert_eq!((&one["profile_status"], &one["profile_uuid"]), (&json!("assigned"), &second));
    assert_eq!(one.get("profile_push_time"), None);

    let body = json!({ "devices": ["ONE", "NONE"] });
    let answer = sim.ask(&session, "DELETE", "/profile/devices", body).await.json();
    assert_eq!(answer, json!({ "devices": { "ONE": "SUCCESS", "NONE": "NOT_ACCESSIBLE" } }));
    let one = device(&sim, &session, "ONE").await;
    assert_eq!(one["profile_status"], "removed");
    for name in ["profile_uuid", "profile_assign_time", "profile_push_time"] {
        assert_eq!(one.get(name), None);
    }
    sim.portal(409, "POST", &path, Value::Null).await;

    let page = sim.ask(&session, "POST", "/devices/sync", json!({ "cursor": cursor })).await.json();
    let steps: Vec<_> = page["devices"].as_array().unwrap().iter().collect();
    let texts = |name: &str| steps.iter().map(|step| step[name].as_str().unwrap_or("")).collect::<Vec<_>>();
    assert_eq!(texts("op_type"), ["modified"; 4]);
    assert_eq!(texts("profile_status"), ["assigned", "pushed", "assigned", "removed"]);
    let history = sim.portal(200, "GET", "/devices/ONE/history", Value::Null).await;
    let events: Vec<_> =
        history["history"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        ["added", "profile_assigned", "profile_pushed", "profile_assigned", "profile_removed"]
    );
    assert_eq!(history["history"][3]["profile_uuid"], second);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let (sim, _, session, profile) = ready().await;
    let post = |body: Value| sim.ask(&session, "POST", "/profile/devices", body);
    for devices in [json!([]), Value::Null] {
        let answer = post(json!({ "profile_uuid": profile, "devices": devices })).await;
        assert_eq!(answer.refusal(), (400, "DEVICE_ID_REQUIRED"));
        let answer = sim.ask(&session, "DELETE", "/profile/devices", json!({ "devices": devices })).await;
        assert_eq!(answer.refusal(), (400, "DEVICE_ID_REQUIRED"));
    }
    for uuid in [Value::Null, json!("")] {
        let answer = post(json!({ "profile_uuid": uuid, "devices": ["ONE"] })).await;
        assert_eq!(answer.refusal(), (400, "PROFILE_UUID_REQUIRED"));
    }
    for code in ["PROFILE_NOT_FOUND", "NOT_FOUND", ""] {
        sim.option(json!({ "unknown_profile": code })).await;
        let answer = post(json!({ "profile_uuid": "0", "devices": ["ONE"] })).await;
        assert_eq!(answer.refusal(), (404, code));
    }
    for method in ["POST", "PUT", "DELETE"] {
        let request = sim.call(&session, method, "/profile/devices", Value::Null).body("{\"devices\":[1]}");
        assert_eq!(sim.send(request).await.refusal(), (400, "MALFORMED_REQUEST_BODY"));
    }
    assert_eq!(device(&sim, &session, "ONE").await["profile_status"], "empty");
}

#[tokio::test]
async fn both_forms_of_assigning_work_unless_only_the_old_one_is_wanted() {
    let (sim, _, session, profile) = ready().await;
    let body = json!({ "profile_uuid": profile, "devices": ["ONE"] });
    for method in ["POST", "PUT"] {
        assert_eq!(sim.ask(&session, method, "/profile/devices", body.clone()).await.status, 200);
    }
    sim.option(json!({ "assign_by_put_only": true })).await;
    let answer = sim.ask(&session, "POST", "/profile/devices", body.clone()).await;
    assert_eq!((answer.refusal(), &answer.headers["allow"]), ((405, ""), &"DELETE, PUT".parse().unwrap()));
    assert_eq!(sim.ask(&session, "PUT", "/profile/devices", body).await.status, 200);
    let account = sim.ask(&session, "GET", "/account", Value::Null).await.json();
    let urls = account["urls"].as_array().unwrap();
    let url = urls.iter().find(|url| url["uri"] == "/profile/devices").unwrap();
    assert_eq!(url["http_method"], json!(["DELETE", "PUT"]));
}

#[tokio::test]
async fn long_lists_are_answered_unless_they_are_to_be_refused() {
    let (sim, server, session, profile) = ready().await;
    sim.devices(&server, 1001).await;
    let list = format!("/servers/{}/devices?limit=2000", server.uuid);
    let list = sim.portal(200, "GET", &list, Value::Null).await;
    let serials: Vec<_> =
        list["devices"].as_array().unwrap().iter().map(|device| device["serial_number"].clone()).collect();
    assert_eq!(serials.len(), 1004);
    let body = json!({ "profile_uuid": profile, "devices": serials });
    let answer = sim.ask(&session, "POST", "/profile/devices", body.clone()).await.json();
    assert_eq!(
        answer["devices"].as_object().unwrap().values().filter(|status| *status == "SUCCESS").count(),
        1004
    );
    sim.option(json!({ "strict_device_lists": true })).await;
    for (method, path) in [
        ("POST", "/profile/devices"),
        ("DELETE", "/profile/devices"),
        ("POST", "/devices"),
        ("POST", "/devices/disown"),
    ] {
        let answer = sim.ask(&session, method, path, body.clone()).await;
        assert_eq!(answer.refusal(), (400, "MALFORMED_REQUEST_BODY"), "{method} {path}");
    }
}

#[tokio::test]
async fn a_device_that_is_assigned_too_often_is_throttled() {
    let (sim, _, session, profile) = ready().await;
    sim.option(json!({ "assign_throttle_count": 2, "assign_throttle_seconds": 3600 })).await;
    let body = json!({ "profile_uuid": profile, "devices": ["ONE"] });
    for _ in 0..2 {
        assert_eq!(assign(&sim, &session, &profile, &["ONE"]).await.json()["devices"]["ONE"], "SUCCESS");
    }
    let answer = assign(&sim, &session, &profile, &["ONE", "TWO"]).await.json();
    assert_eq!(answer["devices"], json!({ "ONE": "THROTTLED", "TWO": "SUCCESS" }));
    let wait = answer["retry_after_seconds"].as_u64().unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    for (version, status) in [("9", "THROTTLED"), ("8", "FAILED"), ("1", "FAILED")] {
        let request = sim
            .request("POST", "/profile/devices")
            .header("user-agent", "tests/1")
            .header("x-server-protocol-version", version)
            .header("x-adm-auth-session", &session)
            .body(body.to_string());
        let answer = sim.send(request).await.json();
        assert_eq!((&answer["devices"]["ONE"], answer.get("retry_after_seconds")), (&json!(status), None));
    }
}

#[tokio::test]
async fn the_next_calls_say_what_they_are_told_to() {
    let (sim, _, session, profile) = ready().await;
    for script in [
        json!({ "serial_number": "ONE", "call": "assign", "status": "FAILED", "times": 2 }),
        json!({ "serial_number": "TWO", "call": "assign", "status": null, "applied": true }),
        json!({ "serial_number": "TRE", "call": "assign", "status": "THROTTLED", "retry_after_seconds": 77 }),
        json!({ "serial_number": "ONE", "call": "details", "status": "NOT_FOUND" }),
        json!({ "serial_number": "ONE", "call": "remove", "status": "FAILED" }),
    ] {
        sim.portal(201, "POST", "/statuses", script).await;
    }
    assert_eq!(device(&sim, &session, "ONE").await["response_status"], "NOT_FOUND");
    let answer = assign(&sim, &session, &profile, &["ONE", "TWO", "TRE"]).await.json();
    assert_eq!(answer["devices"], json!({ "ONE": "FAILED", "TRE": "THROTTLED" }));
    assert_eq!(answer["retry_after_seconds"], 77);
    for (serial, status) in [("ONE", "empty"), ("TWO", "assigned"), ("TRE", "empty")] {
        assert_eq!(device(&sim, &session, serial).await["profile_status"], status);
    }
    let waiting = sim.portal(200, "GET", "/statuses", Value::Null).await;
    assert_eq!(waiting["statuses"].as_array().unwrap().len(), 2);
    for status in ["FAILED", "SUCCESS"] {
        assert_eq!(assign(&sim, &session, &profile, &["ONE"]).await.json()["devices"]["ONE"], status);
    }
    for status in ["FAILED", "SUCCESS"] {
        let answer = sim.ask(&session, "DELETE", "/profile/devices", json!({ "devices": ["ONE"] })).await;
        assert_eq!(answer.json()["devices"]["ONE"], status);
    }
    for bad in [
        json!({ "serial_number": "ONE", "call": "assign", "status": "X", "times": 0 }),
        json!({ "serial_number": "ONE", "call": "sing", "status": "X" }),
    ] {
        sim.portal(400, "POST", "/statuses", bad).await;
    }
    sim.portal(201, "POST", "/statuses", json!({ "serial_number": "ONE", "call": "lock", "status": "X" }))
        .await;
    sim.portal(204, "DELETE", "/statuses", Value::Null).await;
    assert_eq!(sim.portal(200, "GET", "/statuses", Value::Null).await, json!({ "statuses": [] }));
}

#[tokio::test]
async fn what_was_promised_can_be_held_back() {
    let (sim, server, session, profile) = ready().await;
    sim.option(json!({ "hold_assignments": true })).await;
    assert_eq!(assign(&sim, &session, &profile, &["ONE", "TWO"]).await.json()["devices"]["ONE"], "SUCCESS");
    assert_eq!(device(&sim, &session, "ONE").await["profile_status"], "empty");
    sim.portal(204, "DELETE", &format!("/servers/{}/devices/TWO", server.uuid), Value::Null).await;
    assert_eq!(sim.portal(200, "POST", "/settle", Value::Null).await, json!({ "settled": 2 }));
    assert_eq!(device(&sim, &session, "ONE").await["profile_status"], "assigned");
    assert_eq!(device(&sim, &session, "TWO").await["response_status"], "NOT_ACCESSIBLE");
    sim.option(json!({ "hold_assignments": false, "assign_lag_seconds": 100 })).await;
    sim.portal(200, "PUT", "/clock", json!({ "running": false })).await;
    sim.ask(&session, "DELETE", "/profile/devices", json!({ "devices": ["ONE"] })).await.json();
    for (seconds, status) in [(99, "assigned"), (1, "removed")] {
        sim.portal(200, "POST", "/clock/advance", json!({ "seconds": seconds })).await;
        assert_eq!(device(&sim, &session, "ONE").await["profile_status"], status);
    }
}

#[tokio::test]
async fn profiles_of_other_products_are_listed_and_lose_to_an_assignment() {
    let (sim, server, session, profile) = ready().await;
    let foreign = "0123456789ABCDEF0123456789ABCDEF";
    let change = json!({ "profile_uuid": foreign, "profile_status": "assigned" });
    let path = format!("/servers/{}/devices/ONE", server.uuid);
    sim.portal(204, "PATCH", &path, change).await;
    let profiles = format!("/servers/{}/profiles", server.uuid);
    let list = sim.portal(200, "GET", &profiles, Value::Null).await;
    assert_eq!(
        list["foreign"],
        json!([{ "profile_uuid": foreign, "devices": 1, "serial_numbers": ["ONE"] }])
    );
    assert_eq!(list["profiles"][0]["orphan"], true);
    let got = sim.portal(200, "POST", &format!("{path}/activate"), Value::Null).await;
    assert_eq!(got, json!({ "profile_uuid": foreign, "profile": null }));
    let history = sim.portal(200, "GET", "/devices/ONE/history", Value::Null).await;
    let last = &history["history"][2];
    assert_eq!((&last["profile_status"], &last["profile_uuid"]), (&json!("pushed"), &json!(foreign)));
    let one = device(&sim, &session, "ONE").await;
    assert_eq!((&one["profile_status"], &one["profile_uuid"]), (&json!("pushed"), &json!(foreign)));
    assign(&sim, &session, &profile, &["ONE"]).await.json();
    let one = device(&sim, &session, "ONE").await;
    assert_eq!((&one["profile_status"], &one["profile_uuid"]), (&json!("assigned"), &profile));
    assert_eq!(one.get("profile_push_time"), None);
    let list = sim.portal(200, "GET", &profiles, Value::Null).await;
    assert_eq!(list["foreign"], json!([]));
    assert_eq!(
        (&list["profiles"][0]["devices"], &list["profiles"][0]["assignments"]),
        (&json!(1), &json!(1))
    );
}
