//! The simulator's time: it moves sessions, cursors and tokens, and with a seed it makes everything repeat itself.

use adept_simulator::Options;
use serde_json::{Value, json};

use crate::signer;
use crate::support::{JSON, Sim};

async fn advance(sim: &Sim, seconds: i64) {
    sim.portal(200, "POST", "/clock/advance", json!({ "seconds": seconds })).await;
}

#[tokio::test]
async fn the_clock_stops_moves_and_runs_again() {
    let sim = Sim::start().await;
    assert_eq!(sim.portal(200, "GET", "/clock", Value::Null).await["running"], true);
    let stop = json!({ "now": "2030-01-31T10:00:00Z", "running": false });
    let stopped = json!({ "now": "2030-01-31T10:00:00Z", "running": false });
    assert_eq!(sim.portal(200, "PUT", "/clock", stop).await, stopped);
    advance(&sim, 90).await;
    let moved = sim.portal(200, "GET", "/clock", Value::Null).await;
    assert_eq!(moved, json!({ "now": "2030-01-31T10:01:30Z", "running": false }));
    for (path, body) in [("/clock", json!({ "now": "noon" })), ("/clock", json!({ "hour": 3 }))] {
        sim.portal(400, "PUT", path, body).await;
    }
    sim.portal(400, "POST", "/clock/advance", json!({ "seconds": i64::MAX })).await;
    assert_eq!(sim.portal(200, "GET", "/clock", Value::Null).await, moved, "nothing moved");
    let running = sim.portal(200, "DELETE", "/clock", Value::Null).await;
    assert_eq!(running["running"], true);
    assert!(!running["now"].as_str().unwrap().starts_with("2030"));
}

#[tokio::test]
async fn sessions_cursors_and_tokens_grow_old_with_the_clock() {
    let sim = Sim::start().await;
    sim.option(json!({ "signature_clock": "any" })).await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    advance(&sim, 170).await;
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.status, 200);
    advance(&sim, 20).await;
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.refusal(), (401, "UNAUTHORIZED"));

    let session = sim.session(&server.keys).await;
    let page = sim.ask(&session, "POST", "/server/devices", json!({})).await.json();
    let sync = json!({ "cursor": page["cursor"] });
    advance(&sim, 7 * 24 * 3600 - 100).await;
    let session = sim.session(&server.keys).await;
    assert_eq!(sim.ask(&session, "POST", "/devices/sync", sync.clone()).await.status, 200);
    advance(&sim, 110).await;
    let session = sim.session(&server.keys).await;
    let expired = sim.ask(&session, "POST", "/devices/sync", sync).await;
    assert_eq!(expired.refusal(), (400, "EXPIRED_CURSOR"));

    advance(&sim, 359 * 24 * 3600).await;
    assert_eq!(sim.send(sim.session_request(&server.keys)).await.refusal(), (401, "token_expired"));
}

#[tokio::test]
async fn a_timestamp_is_compared_with_the_clock_that_the_options_name() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    advance(&sim, 3600).await;
    for (clock, status) in [("simulator", 401), ("machine", 200), ("any", 200)] {
        sim.option(json!({ "signature_clock": clock })).await;
        assert_eq!(sim.send(sim.session_request(&server.keys)).await.status, status, "{clock}");
    }
}

#[tokio::test]
async fn answers_are_dated_by_the_clock() {
    let sim = Sim::start().await;
    sim.portal(200, "PUT", "/clock", json!({ "now": "2030-01-31T10:00:00Z", "running": false })).await;
    let date = async || sim.send(sim.request("GET", "/account")).await.headers["date"].clone();
    assert_eq!(date().await, "Thu, 31 Jan 2030 10:00:00 GMT");
    sim.option(json!({ "date_skew_seconds": -90 })).await;
    assert_eq!(date().await, "Thu, 31 Jan 2030 09:58:30 GMT");
    let log = sim.portal(200, "GET", "/requests", Value::Null).await;
    assert_eq!(log["requests"][0]["time"], "2030-01-31T10:00:00Z");
}

#[tokio::test]
async fn the_same_seed_clock_and_calls_get_the_same_answers() {
    let mut transcripts = Vec::new();
    for seed in [7, 7, 8] {
        let start: jiff::Timestamp = "2030-01-31T10:00:00Z".parse().unwrap();
        let (clock, time) = (Some(start), start.as_second().to_string());
        let url = Some("https://apple.example".to_owned());
        let sim =
            Sim::with(Options { seed, repeatable: true, clock, external_url: url, ..Options::default() })
                .await;
        let server = sim.server().await;
        sim.devices(&server, 3).await;
        sim.option(json!({ "rotate_every": 2 })).await;
        let signed = signer::signed(&server.keys, "GET", "https://apple.example/session", &time, "nonce");
        let request = sim.request("GET", "/session").header("content-type", JSON);
        let opened = sim.send(request.header("authorization", signer::header(&signed, None, ","))).await;
        let session = opened.json()["auth_session_token"].as_str().unwrap().to_owned();
        let mut transcript =
            vec![server.uuid.clone(), server.org_id.clone(), server.keys.consumer_key.clone()];
        transcript.extend([
            server.keys.access_token.clone(),
            server.keys.access_secret.clone(),
            opened.text.clone(),
        ]);
        for path in ["/server/devices", "/server/devices"] {
            let page = sim.ask(&session, "POST", path, json!({ "limit": 2 })).await;
            transcript.extend([format!("{:?}", page.headers), page.text]);
        }
        transcripts.push(transcript);
    }
    assert_eq!(transcripts[0], transcripts[1]);
    assert!(transcripts[0].iter().zip(&transcripts[2]).filter(|(one, other)| one == other).count() == 0);
}

#[tokio::test]
async fn a_reset_brings_the_clock_and_the_seed_back() {
    let clock = Some("2030-01-31T10:00:00Z".parse().unwrap());
    let sim = Sim::with(Options { repeatable: true, clock, ..Options::default() }).await;
    let first = sim.server().await;
    advance(&sim, 60).await;
    sim.portal(204, "POST", "/reset", Value::Null).await;
    assert_eq!(sim.portal(200, "GET", "/clock", Value::Null).await["now"], "2030-01-31T10:00:00Z");
    assert_eq!(sim.server().await.uuid, first.uuid);
}
