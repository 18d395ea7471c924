//! Fault actions on the wire: headers, bytes that stop or drip, connections that end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::faults::fault;
use crate::support::Sim;

async fn ready() -> (Sim, String, Vec<u8>) {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    let whole = sim.wire("GET", "/account", &session, "").await.body;
    assert!(whole.len() > 100);
    (sim, session, whole)
}

#[tokio::test]
async fn headers_are_set_and_taken_away() {
    let (sim, session, whole) = ready().await;
    let headers = json!({ "Content-Type": "text/html", "X-New": "1" });
    fault(&sim, json!({ "do": { "headers": headers } })).await;
    fault(&sim, json!({ "do": { "headers": { "Content-Type": null } } })).await;
    let wire = sim.wire("GET", "/account", &session, "").await;
    assert_eq!((wire.header("content-type"), wire.header("x-new")), (Some("text/html"), Some("1")));
    assert_eq!(wire.body, whole);
    let wire = sim.wire("GET", "/account", &session, "").await;
    assert_eq!((wire.header("content-type"), wire.status()), (None, 200));
}

#[tokio::test]
async fn the_date_can_be_off() {
    let (sim, session, _) = ready().await;
    sim.portal(200, "PUT", "/clock", json!({ "now": "2030-01-31T10:00:00Z", "running": false })).await;
    fault(&sim, json!({ "do": { "date_skew_seconds": 3600 } })).await;
    let wire = sim.wire("GET", "/account", &session, "").await;
    assert_eq!(wire.header("date"), Some("Thu, 31 Jan 2030 11:00:00 GMT"));
}

#[tokio::test]
async fn a_body_is_gzip_unasked() {
    let (sim, session, whole) = ready().await;
    fault(&sim, json!({ "do": "gzip" })).await;
    let wire = sim.wire("GET", "/account", &session, "").await;
    assert_eq!(wire.header("content-encoding"), Some("gzip"));
    assert_eq!(wire.header("content-length"), Some(&*wire.body.len().to_string()));
    // Ten bytes of head, five of the only stored block's, and eight of checksum and length behind it.
    assert_eq!(wire.body[..4], [0x1F, 0x8B, 8, 0]);
    assert_eq!(wire.body[15..wire.body.len() - 8], whole);
    assert_eq!(wire.body[wire.body.len() - 4..], (whole.len() as u32).to_le_bytes());
}

#[tokio::test]
async fn a_body_is_cut_short_with_the_right_length_or_the_wrong_one() {
    let (sim, session, whole) = ready().await;
    for (honest, length) in [(true, 40), (false, whole.len())] {
        let truncate = json!({ "keep": 40, "honest_length": honest });
        fault(&sim, json!({ "do": { "truncate": truncate } })).await;
        let wire = sim.wire("GET", "/account", &session, "").await;
        assert_eq!((wire.status(), wire.header("content-length")), (200, Some(&*length.to_string())));
        assert_eq!((wire.body, wire.reset), (whole[..40].to_vec(), false));
    }
    fault(&sim, json!({ "do": { "truncate": { "keep": 0 } } })).await;
    let wire = sim.wire("GET", "/account", &session, "").await;
    assert_eq!((wire.status(), wire.body.len()), (200, 0), "the head alone");
    fault(&sim, json!({ "do": { "truncate": { "keep": 1_000_000 } } })).await;
    assert_eq!(sim.wire("GET", "/account", &session, "").await.body, whole);
}

#[tokio::test]
async fn a_body_drips() {
    let (sim, session, whole) = ready().await;
    let parts = whole.len().div_ceil(100) as u64;
    fault(&sim, json!({ "do": { "drip": { "bytes": 100, "pause_ms": 20 } } })).await;
    let started = Instant::now();
    let wire = sim.wire("GET", "/account", &session, "").await;
    assert!(started.elapsed() >= Duration::from_millis(20 * (parts - 1)));
    assert_eq!(wire.header("content-length"), Some(&*whole.len().to_string()));
    assert_eq!(wire.body, whole);
    fault(&sim, json!({ "do": [{ "drip": { "bytes": 7, "pause_ms": 1 } }, { "truncate": { "keep": 40 } }] }))
        .await;
    assert_eq!(sim.wire("GET", "/account", &session, "").await.body, whole[..40]);
}

#[tokio::test]
async fn an_answer_waits_before_its_first_byte() {
    let (sim, session, _) = ready().await;
    fault(&sim, json!({ "do": [{ "delay_ms": 60 }, { "refuse": "FORBIDDEN" }] })).await;
    let started = Instant::now();
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.refusal(), (403, "FORBIDDEN"));
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn a_connection_is_closed_or_reset_without_a_byte() {
    let (sim, session, _) = ready().await;
    for reset in [false, true] {
        fault(&sim, json!({ "do": { "disconnect": { "reset": reset } } })).await;
        let wire = sim.wire("GET", "/account", &session, "").await;
        assert_eq!((&*wire.head, wire.body.len(), wire.reset), ("", 0, reset));
    }
    fault(&sim, json!({ "do": "disconnect" })).await;
    assert_eq!(sim.wire("GET", "/account", &session, "").await.head, "");
    let log = sim.portal(200, "GET", "/requests", Value::Null).await;
    let last = log["requests"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["status"], &last["code"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn an_answer_is_lost_though_the_call_took_effect() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    sim.option(json!({ "single_session": true })).await;
    let session = sim.session(&server.keys).await;
    for (applied, status) in [(false, 200), (true, 403)] {
        let disconnect = json!({ "applied": applied });
        fault(&sim, json!({ "match": { "path": "/session" }, "do": { "disconnect": disconnect } })).await;
        assert!(sim.session_request(&server.keys).send().await.is_err());
        // A session that was opened unseen has ended the one before.
        assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.status, status);
    }
    let log = sim.portal(200, "GET", "/requests", Value::Null).await;
    let lost: Vec<_> =
        log["requests"].as_array().unwrap().iter().filter(|line| line["status"] == 0).collect();
    assert_eq!(lost.len(), 2);
    assert!(lost.iter().all(|line| line["server_uuid"] == server.uuid.as_str()), "{lost:?}");
}
