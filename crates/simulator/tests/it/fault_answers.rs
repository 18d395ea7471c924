//! Fault actions that answer in Apple's place, and those that end or change sessions.

use serde_json::{Value, json};

use crate::faults::fault;
use crate::support::Sim;

#[tokio::test]
async fn an_answer_is_sent_as_it_was_written() {
    let sim = Sim::start().await;
    sim.portal(200, "PUT", "/clock", json!({ "now": "2030-01-31T10:00:00Z", "running": false })).await;
    for (answer, retry_after, body) in [
        (
            json!({ "status": 429, "headers": { "Retry-After": "30" }, "body": "TOO_MANY_REQUESTS" }),
            Some("30"),
            "TOO_MANY_REQUESTS",
        ),
        (json!({ "status": 503, "retry_after_date": 45 }), Some("Thu, 31 Jan 2030 10:00:45 GMT"), ""),
        (json!({ "status": 429, "headers": { "Retry-After": "soon" } }), Some("soon"), ""),
        (json!({ "status": 503, "body": "busy" }), None, "busy"),
        (
            json!({ "status": 500, "headers": { "Content-Type": "text/html" }, "body": "<html>Oops</html>" }),
            None,
            "<html>Oops</html>",
        ),
    ] {
        fault(&sim, json!({ "do": { "answer": answer } })).await;
        let wire = sim.wire("GET", "/account", "", "").await;
        assert_eq!(json!(wire.status()), answer["status"]);
        assert_eq!((wire.header("retry-after"), &*wire.body), (retry_after, body.as_bytes()));
        assert_eq!(wire.header("content-type"), answer["headers"]["Content-Type"].as_str());
    }
}

#[tokio::test]
async fn a_body_can_be_a_mebibyte_of_nothing() {
    let sim = Sim::start().await;
    fault(&sim, json!({ "do": { "answer": { "status": 500, "body": "<html>", "pad_to": 1 << 20 } } })).await;
    let wire = sim.wire("GET", "/account", "", "").await;
    assert_eq!((wire.status(), wire.body.len()), (500, 1 << 20));
    assert!(wire.body.starts_with(b"<html>  ") && wire.body.ends_with(b" "));
}

#[tokio::test]
async fn a_refusal_has_apples_code_and_its_usual_status() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    sim.option(json!({ "credential_status": 403 })).await;
    for (code, status) in [
        ("T_C_NOT_SIGNED", 403),
        ("ACCESS_DENIED", 403),
        ("FORBIDDEN", 403),
        ("UNAUTHORIZED", 401),
        ("EXPIRED_CURSOR", 400),
        ("INVALID_CURSOR", 400),
        ("EXHAUSTED_CURSOR", 400),
        ("TOO_MANY_REQUESTS", 429),
        ("PROFILE_NOT_FOUND", 404),
        ("signature_invalid", 403),
    ] {
        fault(&sim, json!({ "do": { "refuse": code } })).await;
        assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.refusal(), (status, code));
    }
    sim.option(json!({ "error_bodies": "code" })).await;
    fault(&sim, json!({ "do": { "refuse": "FORBIDDEN" } })).await;
    let spelled = sim.ask(&session, "GET", "/account", Value::Null).await;
    assert_eq!(spelled.refusal(), (403, "{\"code\":\"FORBIDDEN\"}"));
    let log = sim.portal(200, "GET", "/requests", Value::Null).await;
    let last = log["requests"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["code"], &last["server_uuid"]), (&json!("FORBIDDEN"), &json!(server.uuid)));
}

#[tokio::test]
async fn terms_can_hold_back_the_session_only_the_calls_only_or_both() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    for (path, refused) in
        [(json!("/session"), [true, false]), (json!("!/session"), [false, true]), (Value::Null, [true, true])]
    {
        let rule = json!({ "match": { "path": path }, "times": null, "do": { "refuse": "T_C_NOT_SIGNED" } });
        let id = fault(&sim, rule).await;
        let opened = sim.send(sim.session_request(&server.keys)).await;
        let called = sim.ask(&session, "GET", "/account", Value::Null).await;
        assert_eq!([&opened, &called].map(|answer| answer.text == "T_C_NOT_SIGNED"), refused, "{path}");
        sim.portal(204, "DELETE", &format!("/faults/{id}"), Value::Null).await;
    }
}

#[tokio::test]
async fn a_redirect_leads_to_the_same_path_elsewhere() {
    let sim = Sim::start().await;
    fault(&sim, json!({ "do": { "redirect": "http://other.example:81/" } })).await;
    let wire = sim.wire("GET", "/profile?profile_uuid=1", "", "").await;
    assert_eq!(
        (wire.status(), wire.header("location")),
        (307, Some("http://other.example:81/profile?profile_uuid=1"))
    );
}

#[tokio::test]
async fn a_session_is_expired_forgotten_or_rotated_in_the_middle() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    for (action, refusal) in
        [("expire_session", (401, "UNAUTHORIZED")), ("forget_session", (403, "FORBIDDEN"))]
    {
        let session = sim.session(&server.keys).await;
        fault(&sim, json!({ "match": { "path": "/account" }, "do": action })).await;
        for _ in 0..2 {
            assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.refusal(), refusal);
        }
    }
    for (keeps, status) in [(true, 200), (false, 403)] {
        let session = sim.session(&server.keys).await;
        fault(&sim, json!({ "do": { "rotate_session": { "keep_old": keeps } } })).await;
        let answer = sim.ask(&session, "GET", "/account", Value::Null).await;
        assert_eq!(answer.status, 200);
        let next = answer.headers["x-adm-auth-session"].to_str().unwrap();
        assert_eq!(sim.ask(next, "GET", "/account", Value::Null).await.status, 200);
        assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.status, status);
    }
}

#[tokio::test]
async fn sessions_can_be_expired_and_a_restart_forgets_them() {
    let sim = Sim::start().await;
    let (first, second) = (sim.server().await, sim.server().await);
    let (one, two) = (sim.session(&first.keys).await, sim.session(&second.keys).await);
    let statuses = async || {
        let (one, two) =
            (sim.ask(&one, "GET", "/account", Value::Null), sim.ask(&two, "GET", "/account", Value::Null));
        (one.await.status, two.await.status)
    };
    sim.portal(204, "POST", "/sessions/expire", json!({ "server_uuid": second.uuid })).await;
    assert_eq!(statuses().await, (200, 401));
    sim.portal(204, "POST", "/sessions/expire", Value::Null).await;
    assert_eq!(statuses().await, (401, 401));
    sim.portal(204, "POST", "/restart", Value::Null).await;
    assert_eq!(statuses().await, (403, 403));
    sim.session(&first.keys).await;
}

#[tokio::test]
async fn a_rotation_by_rule_and_one_by_option_on_the_same_answer_leave_one_good_token() {
    for (keeps_old, keep_old) in [(false, false), (false, true), (true, false), (true, true)] {
        let sim = Sim::start().await;
        let server = sim.server().await;
        let session = sim.session(&server.keys).await;
        sim.option(json!({ "rotate_every": 1, "rotation_keeps_old": keeps_old })).await;
        fault(&sim, json!({ "do": { "rotate_session": { "keep_old": keep_old } } })).await;
        let answer = sim.ask(&session, "GET", "/account", Value::Null).await;
        let rotated = answer.headers["x-adm-auth-session"].to_str().unwrap().to_owned();
        sim.option(json!({ "rotate_every": 0 })).await;
        assert_eq!(sim.ask(&rotated, "GET", "/account", Value::Null).await.status, 200);
        let old = sim.ask(&session, "GET", "/account", Value::Null).await.status;
        assert_eq!(old, if keeps_old && keep_old { 200 } else { 403 }, "{keeps_old} {keep_old}");
    }
}
