//! Scripted answers, delays, and the list of what was asked.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Sim;

#[tokio::test]
async fn scripts_answer_the_next_calls_in_order_and_then_the_truth_is_back() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    let busy = json!({
        "path": "/account", "times": 2, "status": 503, "headers": { "Retry-After": "7" }, "body": "<html>busy</html>"
    });
    sim.portal(201, "POST", "/answers", busy).await;
    sim.portal(
        201,
        "POST",
        "/answers",
        json!({ "method": "get", "status": 429, "body": "TOO_MANY_REQUESTS" }),
    )
    .await;
    for _ in 0..2 {
        let answer = sim.ask(&session, "GET", "/account", Value::Null).await;
        assert_eq!(answer.refusal(), (503, "<html>busy</html>"));
        assert_eq!(answer.headers["retry-after"], "7");
    }
    assert_eq!(sim.ask(&session, "POST", "/devices", json!({})).await.refusal(), (400, "DEVICE_ID_REQUIRED"));
    assert_eq!(sim.portal(200, "GET", "/answers", Value::Null).await["answers"].as_array().unwrap().len(), 1);
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.refusal(), (429, "TOO_MANY_REQUESTS"));
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_script_can_cut_the_connection_before_a_byte_is_sent() {
    let sim = Sim::start().await;
    sim.portal(201, "POST", "/answers", json!({ "path": "/account", "cut": true })).await;
    let address = sim.simulator.url().replace("http://", "");
    let mut raw = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = b"GET /account HTTP/1.1\r\nHost: x\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut raw, request).await.unwrap();
    let mut read = Vec::new();
    // A reset and an orderly end are both a connection that is cut.
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut raw, &mut read).await;
    assert_eq!(read, b"");
    let log = sim.portal(200, "GET", "/requests", Value::Null).await;
    assert_eq!((&log["requests"][0]["status"], &log["requests"][0]["scripted"]), (&json!(0), &json!(true)));
}

#[tokio::test]
async fn a_delay_holds_answers_back_on_its_path_only() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    sim.portal(204, "PUT", "/delay", json!({ "milliseconds": 120, "path": "/account" })).await;
    let started = Instant::now();
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(120));
    sim.portal(204, "PUT", "/delay", json!({ "milliseconds": 60_000 })).await;
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.status, 200);
    sim.portal(204, "PUT", "/delay", json!({ "milliseconds": 0 })).await;
    sim.portal(204, "PUT", "/delay", json!({ "milliseconds": 0, "path": "/account" })).await;
    assert_eq!(sim.ask(&session, "POST", "/devices", json!({})).await.status, 400);
}

#[tokio::test]
async fn stopping_cuts_who_waits() {
    let sim = Sim::start().await;
    sim.portal(204, "PUT", "/delay", json!({ "milliseconds": 600_000 })).await;
    let waiting = tokio::spawn(sim.request("GET", "/account").send());
    while sim.portal(200, "GET", "/counts", Value::Null).await["GET /account"].is_null() {
        tokio::task::yield_now().await;
    }
    let url = sim.simulator.url();
    sim.simulator.stop().await;
    assert!(waiting.await.unwrap().is_err());
    assert!(sim.http.get(url).send().await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn scripts_that_make_no_sense_are_refused() {
    let sim = Sim::start().await;
    for body in [
        json!({}),
        json!({ "status": 99 }),
        json!({ "status": 101 }),
        json!({ "status": 200, "times": 0 }),
        json!({ "status": 200, "headers": { "a b": "c" } }),
        json!({ "status": 200, "headers": { "a": "line\nbreak" } }),
        json!({ "status": 200, "pth": "/account" }),
    ] {
        let refusal = sim.portal(400, "POST", "/answers", body.clone()).await;
        assert!(refusal["error"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn requests_are_listed_and_counted_without_secrets() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    sim.ask(&session, "GET", "/account", Value::Null).await;
    sim.ask(&session, "POST", "/devices/sync", json!({})).await;
    let counts = json!({ "GET /session": 1, "GET /account": 1, "POST /devices/sync": 1 });
    assert_eq!(sim.portal(200, "GET", "/counts", Value::Null).await, counts);
    let log = sim.portal(200, "GET", "/requests", Value::Null).await;
    let lines: Vec<_> =
        log["requests"].as_array().unwrap().iter().map(|line| (&line["path"], &line["status"])).collect();
    assert_eq!(
        lines,
        [
            (&json!("/session"), &json!(200)),
            (&json!("/account"), &json!(200)),
            (&json!("/devices/sync"), &json!(400))
        ]
    );
    assert!(log["requests"].as_array().unwrap().iter().all(|line| line["server_uuid"] == server.uuid));
    assert_eq!(log["requests"][2]["code"], "CURSOR_REQUIRED");
    let text = log.to_string();
    for secret in
        [&session, &server.keys.consumer_secret, &server.keys.access_secret, &server.keys.access_token]
    {
        assert!(!text.contains(secret.as_str()));
    }
    sim.portal(204, "DELETE", "/requests", Value::Null).await;
    assert_eq!(sim.portal(200, "GET", "/counts", Value::Null).await, json!({}));
}
