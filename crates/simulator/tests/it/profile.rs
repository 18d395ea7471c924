//! `POST /profile` and `GET /profile`: what is refused, what is stored, what is shown.

use serde_json::{Value, json};

use crate::support::{Server, Sim, TestResponse};

async fn ready() -> (Sim, Server, String) {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let session = sim.session(&server.keys).await;
    (sim, server, session)
}

/// A profile that is fine, with changes; null takes a field away.
fn profile(change: &Value) -> Value {
    let mut profile = json!({ "profile_name": "Staff", "url": "https://mdm.example.com/enroll" });
    profile.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    profile
}

async fn define(sim: &Sim, session: &str, body: Value) -> TestResponse {
    sim.ask(session, "POST", "/profile", body).await
}

#[tokio::test]
async fn a_profile_is_stored_with_unknown_keys_and_shown_with_every_flag() {
    let (sim, _, session) = ready().await;
    let sent = json!({
        "org_magic": "m", "is_supervised": true, "is_mdm_removable": false, "skip_setup_items": ["Siri", "Neu"],
        "support_email_address": "help@example.com", "future_key": { "deep": [1] }, "department": null,
        "devices": [], "is_return_to_service": true,
    });
    let answer = define(&sim, &session, profile(&sent)).await.json();
    assert_eq!(answer["devices"], json!({}));
    let uuid = answer["profile_uuid"].as_str().unwrap();
    assert!(uuid.len() == 32 && uuid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')));
    let dashed = format!("{}-{}", uuid[..8].to_lowercase(), &uuid[8..]);
    for spelled in [uuid, &dashed] {
        let path = format!("/profile?profile_uuid={spelled}");
        let shown = sim.ask(&session, "GET", &path, Value::Null).await.json();
        let expected = json!({
            "profile_uuid": uuid, "profile_name": "Staff", "url": "https://mdm.example.com/enroll",
            "org_magic": "m", "skip_setup_items": ["Siri", "Neu"], "future_key": { "deep": [1] },
            "support_email_address": "help@example.com", "is_return_to_service": true,
            "allow_pairing": true, "is_supervised": true, "is_mandatory": false, "is_mdm_removable": false,
            "await_device_configured": false, "is_multi_user": false, "auto_advance_setup": false,
            "do_not_use_profile_from_backup": false,
        });
        assert_eq!(shown, expected);
    }
}

#[tokio::test]
async fn every_rule_has_its_own_code() {
    let (sim, _, session) = ready().await;
    let long = |length: usize| "ü".repeat(length);
    for (code, change) in [
        ("CONFIG_NAME_REQUIRED", json!({ "profile_name": null })),
        ("CONFIG_NAME_INVALID", json!({ "profile_name": "" })),
        ("CONFIG_NAME_INVALID", json!({ "profile_name": long(126) })),
        ("CONFIG_URL_REQUIRED", json!({ "url": null })),
        ("CONFIG_URL_INVALID", json!({ "url": "" })),
        ("CONFIG_URL_INVALID", json!({ "url": "https://mdm.example.com/a b" })),
        ("CONFIG_URL_INVALID", json!({ "url": format!("https://h/{}", "a".repeat(1991)) })),
        ("DEPARTMENT_INVALID", json!({ "department": "" })),
        ("DEPARTMENT_INVALID", json!({ "department": long(126) })),
        ("MAGIC_INVALID", json!({ "org_magic": "" })),
        ("MAGIC_INVALID", json!({ "org_magic": long(257) })),
        ("SUPPORT_PHONE_INVALID", json!({ "support_phone_number": "" })),
        ("SUPPORT_PHONE_INVALID", json!({ "support_phone_number": long(51) })),
        ("SUPPORT_EMAIL_INVALID", json!({ "support_email_address": "" })),
        ("SUPPORT_EMAIL_INVALID", json!({ "support_email_address": long(251) })),
        ("LOCALE_INVALID", json!({ "language": "EN" })),
        ("LOCALE_INVALID", json!({ "language": "english" })),
        ("LOCALE_INVALID", json!({ "language": "en", "region": "us" })),
        ("LOCALE_INVALID", json!({ "region": "" })),
        ("FLAGS_INVALID", json!({ "is_mdm_removable": false })),
        ("FLAGS_INVALID", json!({ "is_mdm_removable": false, "is_supervised": false })),
        ("MALFORMED_REQUEST_BODY", json!({ "profile_name": 5 })),
        ("MALFORMED_REQUEST_BODY", json!({ "is_supervised": "true" })),
        ("MALFORMED_REQUEST_BODY", json!({ "devices": "C02" })),
        ("MALFORMED_REQUEST_BODY", json!({ "skip_setup_items": [1] })),
    ] {
        let answer = define(&sim, &session, profile(&change)).await;
        assert_eq!(answer.refusal(), (400, code), "{change}");
    }
    for body in ["", "[]", "{", "null"] {
        let request = sim.call(&session, "POST", "/profile", Value::Null).body(body);
        assert_eq!(sim.send(request).await.refusal(), (400, "MALFORMED_REQUEST_BODY"));
    }
    for change in [
        json!({ "profile_name": long(125), "department": long(125), "org_magic": long(256) }),
        json!({ "support_phone_number": long(50), "support_email_address": long(250) }),
        json!({ "url": format!("https://h/{}", "a".repeat(1990)) }),
        json!({ "language": "deu", "region": "DE", "auto_advance_setup": true }),
        json!({ "is_mdm_removable": false, "is_supervised": true }),
    ] {
        define(&sim, &session, profile(&change)).await.json();
    }
}

#[tokio::test]
async fn open_points_can_be_switched() {
    let (sim, server, session) = ready().await;
    sim.option(json!({ "allow_empty_org_magic": true, "legacy_profile_checks": true })).await;
    for (code, change) in [
        ("DEPARTMENT_REQUIRED", json!({ "org_magic": "" })),
        ("SUPPORT_PHONE_REQUIRED", json!({ "org_magic": "", "department": "IT" })),
    ] {
        assert_eq!(define(&sim, &session, profile(&change)).await.refusal(), (400, code));
    }
    let full = json!({ "org_magic": "", "department": "IT", "support_phone_number": "555" });
    define(&sim, &session, profile(&full)).await.json();
    let path = format!("/profile?profile_uuid={}", server.uuid);
    for status in [400, 404, 200] {
        sim.option(json!({ "unknown_profile_get_status": status })).await;
        assert_eq!(sim.ask(&session, "GET", &path, Value::Null).await.refusal(), (status, "NOT_FOUND"));
    }
    sim.portal(400, "PUT", "/options", json!({ "unknown_profile_get_status": 500 })).await;
}

#[tokio::test]
async fn a_profile_is_known_to_its_own_server_only() {
    let (sim, _, session) = ready().await;
    let uuid = define(&sim, &session, profile(&json!({}))).await.json()["profile_uuid"].clone();
    let other = sim.server().await;
    let elsewhere = sim.session(&other.keys).await;
    let path = format!("/profile?profile_uuid={}", uuid.as_str().unwrap());
    assert_eq!(sim.ask(&elsewhere, "GET", &path, Value::Null).await.refusal(), (400, "NOT_FOUND"));
    for path in ["/profile", "/profile?profile_uuid=", "/profile?uuid=1"] {
        let answer = sim.ask(&session, "GET", path, Value::Null).await;
        assert_eq!(answer.refusal(), (400, "PROFILE_UUID_REQUIRED"));
    }
}

#[tokio::test]
async fn protocol_version_1_knows_fewer_fields() {
    let (sim, _, session) = ready().await;
    let request = |method: &str, path: &str, version: &'static str| {
        sim.request(method, path)
            .header("user-agent", "tests/1")
            .header("x-server-protocol-version", version)
            .header("x-adm-auth-session", &session)
    };
    let sent = profile(&json!({ "is_multi_user": true, "support_email_address": "" })).to_string();
    let answer = sim.send(request("POST", "/profile", "1").body(sent)).await.json();
    let path = format!("/profile?profile_uuid={}", answer["profile_uuid"].as_str().unwrap());
    let old = sim.send(request("GET", &path, "1")).await.json();
    assert_eq!((old.get("is_multi_user"), old.get("support_email_address")), (None, None));
    let new = sim.send(request("GET", &path, "2")).await.json();
    assert_eq!(new["is_multi_user"], false, "what version 1 sent was not honored");
}

#[tokio::test]
async fn a_definition_assigns_the_devices_that_come_with_it() {
    let (sim, server, session) = ready().await;
    sim.give(&server, &["ONE", "TWO"]).await;
    let answer = define(&sim, &session, profile(&json!({ "devices": ["ONE", "NONE", "ONE"] }))).await.json();
    assert_eq!(answer["devices"], json!({ "ONE": "SUCCESS", "NONE": "NOT_ACCESSIBLE" }));
    let details = sim.ask(&session, "POST", "/devices", json!({ "devices": ["ONE", "TWO"] })).await.json();
    let one = &details["devices"]["ONE"];
    assert_eq!((&one["profile_status"], &one["profile_uuid"]), (&json!("assigned"), &answer["profile_uuid"]));
    assert_eq!(details["devices"]["TWO"]["profile_status"], "empty");
    let path = format!("/servers/{}/profiles", server.uuid);
    let list = sim.portal(200, "GET", &path, Value::Null).await;
    assert_eq!(list["profiles"][0]["serial_numbers"], json!(["ONE"]));
    assert_eq!(list["profiles"][0]["orphan"], false);
    assert_eq!(list["profiles"][0]["profile"].get("devices"), None);
}
