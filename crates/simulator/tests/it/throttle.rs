//! Too many calls of one server, and cursors that the options make grow old or die.

use serde_json::{Value, json};

use crate::support::Sim;

#[tokio::test]
async fn one_call_too_many_is_told_when_to_come_again() {
    let sim = Sim::start().await;
    sim.portal(200, "PUT", "/clock", json!({ "now": "2030-01-31T10:00:00Z", "running": false })).await;
    let (server, other) = (sim.server().await, sim.server().await);
    let throttle =
        json!({ "call_throttle_count": 3, "call_throttle_seconds": 60, "signature_clock": "machine" });
    sim.option(throttle).await;
    let session = sim.session(&server.keys).await;
    let account = async || sim.ask(&session, "GET", "/account", Value::Null).await;
    assert_eq!([account().await.status, account().await.status], [200, 200]);
    sim.portal(200, "POST", "/clock/advance", json!({ "seconds": 20 })).await;
    for (style, expected) in
        [("seconds", Some("40")), ("date", Some("Thu, 31 Jan 2030 10:01:00 GMT")), ("absent", None)]
    {
        sim.option(json!({ "call_throttle_retry_after": style })).await;
        let late = account().await;
        assert_eq!(late.refusal(), (429, "TOO_MANY_REQUESTS"));
        assert_eq!(late.headers.get("retry-after").map(|value| value.to_str().unwrap()), expected);
    }
    assert_eq!(sim.send(sim.session_request(&server.keys)).await.status, 429, "a session counts as well");
    sim.session(&other.keys).await;
    sim.portal(200, "POST", "/clock/advance", json!({ "seconds": 40 })).await;
    assert_eq!(account().await.status, 200);
}

#[tokio::test]
async fn an_old_fetch_cursor_works_has_expired_or_is_invalid() {
    let sim = Sim::start().await;
    sim.option(json!({ "signature_clock": "any" })).await;
    let server = sim.server().await;
    sim.devices(&server, 3).await;
    let session = sim.session(&server.keys).await;
    let page = sim.ask(&session, "POST", "/server/devices", json!({ "limit": 1 })).await.json();
    sim.portal(200, "POST", "/clock/advance", json!({ "seconds": 8 * 86_400 })).await;
    let session = sim.session(&server.keys).await;
    for (option, status) in [("works", 200), ("EXPIRED_CURSOR", 400), ("INVALID_CURSOR", 400)] {
        sim.option(json!({ "old_fetch_cursor": option })).await;
        let next = json!({ "cursor": page["cursor"], "limit": 1 });
        let answer = sim.ask(&session, "POST", "/server/devices", next).await;
        assert_eq!((answer.status, answer.text == option), (status, status == 400));
    }
}

#[tokio::test]
async fn cursors_outlive_a_change_of_account_unless_the_options_say_otherwise() {
    let sim = Sim::start().await;
    for (follow, status) in [(false, 200), (true, 400)] {
        sim.option(json!({ "cursors_follow_account": follow })).await;
        let server = sim.server().await;
        let session = sim.session(&server.keys).await;
        let page = sim.ask(&session, "POST", "/server/devices", json!({})).await.json();
        let sync = json!({ "cursor": page["cursor"] });
        let session = sim.session(&sim.issue(&server.uuid, "").await).await;
        assert_eq!(sim.ask(&session, "POST", "/devices/sync", sync.clone()).await.status, 200);
        let session = sim.session(&sim.issue(&server.uuid, "?account=second%40example.com").await).await;
        assert_eq!(sim.ask(&session, "POST", "/devices/sync", sync).await.status, status);
    }
}
