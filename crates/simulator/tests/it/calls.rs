//! What every call under a session must have, and how refusals are spelled.

use serde_json::{Value, json};

use crate::support::{JSON, Sim};

const DEVICE_CALLS: [&str; 7] = [
    "/server/devices",
    "/devices/sync",
    "/devices",
    "/devices/disown",
    "/device/activationlock",
    "/profile",
    "/profile/devices",
];

#[tokio::test]
async fn a_call_needs_a_session_that_was_given_out() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    let none = sim.request("GET", "/account");
    assert_eq!(sim.send(none).await.refusal(), (401, "UNAUTHORIZED"));
    for bad in ["", "0", &session.to_lowercase(), &"A".repeat(128), &format!("{session}0"), "ÄÄÄ"] {
        let status = if bad.is_empty() { 401 } else { 403 };
        let request = sim.request("GET", "/account").header("x-adm-auth-session", bad);
        assert_eq!(sim.send(request).await.status, status, "{bad}");
    }
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.status, 200);
}

#[tokio::test]
async fn an_old_session_is_unauthorized_and_a_forgotten_one_forbidden() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    sim.option(json!({ "session_ttl_seconds": 0 })).await;
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.refusal(), (401, "UNAUTHORIZED"));
    sim.portal(204, "POST", "/reset", Value::Null).await;
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.refusal(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn sessions_live_side_by_side_unless_only_one_is_wanted() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let (first, second) = (sim.session(&server.keys).await, sim.session(&server.keys).await);
    for session in [&first, &second] {
        assert_eq!(sim.ask(session, "GET", "/account", Value::Null).await.status, 200);
    }
    sim.option(json!({ "single_session": true })).await;
    let third = sim.session(&server.keys).await;
    for (session, status) in [(&first, 403), (&second, 403), (&third, 200)] {
        assert_eq!(sim.ask(session, "GET", "/account", Value::Null).await.status, status);
    }
}

#[tokio::test]
async fn every_second_answer_can_carry_a_new_session() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    for keeps in [true, false] {
        sim.option(json!({ "rotate_every": 2, "rotation_keeps_old": keeps })).await;
        let session = sim.session(&server.keys).await;
        let first = sim.ask(&session, "GET", "/account", Value::Null).await;
        assert!(!first.headers.contains_key("x-adm-auth-session"));
        let second = sim.ask(&session, "POST", "/devices", json!({})).await;
        assert_eq!(second.refusal(), (400, "DEVICE_ID_REQUIRED"), "a refusal rotates as well");
        let next = second.headers["x-adm-auth-session"].to_str().unwrap();
        assert!(next.len() == 128 && next != session);
        assert_eq!(sim.ask(next, "GET", "/account", Value::Null).await.status, 200);
        let old = if keeps { 200 } else { 403 };
        assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.status, old);
    }
}

#[tokio::test]
async fn device_calls_need_a_welcome_user_agent() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    let with = |path: &str, agent: Option<&str>| {
        let method = if DEVICE_CALLS.contains(&path) { "POST" } else { "GET" };
        let request = sim.request(method, path).header("x-adm-auth-session", &session).body("{}");
        sim.send(match agent {
            Some(agent) => request.header("user-agent", agent),
            None => request,
        })
    };
    for path in DEVICE_CALLS {
        assert_eq!(with(path, None).await.refusal(), (400, "USER_AGENT_MISSING"));
        assert_eq!(with(path, Some(" ")).await.refusal(), (400, "USER_AGENT_MISSING"));
        assert_eq!(with(path, Some("nanodep-goDEP/0")).await.refusal(), (400, "USER_AGENT_INVALID"));
        assert_ne!(with(path, Some("nanodep-g-o-dep/0")).await.text, "USER_AGENT_INVALID");
    }
    assert_eq!(with("/account", None).await.status, 200);
    sim.option(json!({ "user_agent_checks": "everywhere", "user_agent_denied": ["curl"] })).await;
    assert_eq!(with("/account", None).await.refusal(), (400, "USER_AGENT_MISSING"));
    assert_eq!(with("/account", Some("curl/8")).await.refusal(), (400, "USER_AGENT_INVALID"));
    assert_eq!(sim.send(sim.session_request(&server.keys)).await.refusal(), (400, "USER_AGENT_MISSING"));
}

#[tokio::test]
async fn a_wrong_method_is_405_and_an_unknown_path_404_both_without_a_body() {
    let sim = Sim::start().await;
    for (method, path, allowed) in [
        ("POST", "/session", "GET"),
        ("PUT", "/account", "GET"),
        ("GET", "/server/devices", "POST"),
        ("GET", "/devices/sync", "POST"),
        ("DELETE", "/devices", "POST"),
        ("GET", "/devices/disown", "POST"),
        ("DELETE", "/profile", "GET, POST"),
        ("GET", "/profile/devices", "DELETE, POST, PUT"),
        ("PUT", "/device/activationlock", "POST"),
        ("POST", "/device/replacementDetails", "GET"),
        ("PUT", "/account-driven-enrollment/profile", "DELETE, GET, POST"),
        ("POST", "/os-beta-enrollment/tokens", "GET"),
    ] {
        let answer = sim.send(sim.request(method, path)).await;
        assert_eq!(answer.refusal(), (405, ""), "{path}");
        assert_eq!(answer.headers["allow"], allowed);
    }
    for path in ["/nowhere", "/devices/activationlock", "/profile/", "/Profile"] {
        assert_eq!(sim.send(sim.request("GET", path)).await.refusal(), (404, ""), "{path}");
    }
}

#[tokio::test]
async fn bodies_that_are_not_understood_are_malformed() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    for path in DEVICE_CALLS {
        for body in [
            "",
            "{",
            "[]",
            "null",
            "\"x\"",
            "{\"cursor\":1,\"devices\":1,\"device\":1}",
            "{\"limit\":\"5\",\"devices\":[1],\"device\":[]}",
        ] {
            let request = sim.call(&session, "POST", path, Value::Null).body(body);
            assert_eq!(sim.send(request).await.refusal(), (400, "MALFORMED_REQUEST_BODY"), "{path} {body}");
        }
    }
}

#[tokio::test]
async fn codes_can_be_spelled_in_four_ways() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    for (bodies, spelled) in [
        ("bare", "CURSOR_REQUIRED"),
        ("padded", " CURSOR_REQUIRED \n"),
        ("quoted", "\"CURSOR_REQUIRED\""),
        ("code", "{\"code\":\"CURSOR_REQUIRED\"}"),
    ] {
        sim.option(json!({ "error_bodies": bodies })).await;
        assert_eq!(sim.ask(&session, "POST", "/devices/sync", json!({})).await.refusal(), (400, spelled));
    }
}

#[tokio::test]
async fn header_names_may_have_any_case() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    let request =
        sim.request("POST", "/server/devices").header("CONTENT-TYPE", JSON).header("USER-AGENT", "tests/1");
    assert_eq!(sim.send(request.header("X-ADM-AUTH-SESSION", session).body("{}")).await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_a_reason_and_written_down() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    let refused = sim.announced("POST", "/devices", &session, (8 << 20) + 1, "").await;
    assert_eq!((refused.status(), refused.body.len()), (413, 0));
    assert!(refused.header("x-sim-reason").unwrap().contains("8388608 bytes"), "{}", refused.head);
    let log = sim.portal(200, "GET", "/requests", Value::Null).await;
    let last = log["requests"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["path"], &last["status"]), (&json!("/devices"), &json!(413)));
    assert_eq!(sim.portal(200, "GET", "/counts", Value::Null).await["POST /devices"], 1);
}
