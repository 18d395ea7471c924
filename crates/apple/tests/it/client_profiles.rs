//! Defining, reading, assigning and removing profiles, and what a lost answer does not lead to.

use adept_apple::{
    account::normalized_uuid,
    client::Client,
    error::{AppleErrorKind as Kind, Endpoint, ProfileFault},
    profile::Profile,
    serial_status::SerialStatus as Status,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::client_server::{Reply, Server, config, config_with, token};

const UUID: &str = "88FC4E378FFD4B0D9C0DD2C0D6D9D2B5";

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn whole() -> Profile {
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    Profile {
        profile_name: "Standard".to_owned(),
        url: "https://mdm.example.com/enroll".to_owned(),
        allow_pairing: false,
        is_supervised: true,
        is_mandatory: true,
        is_mdm_removable: false,
        await_device_configured: true,
        is_multi_user: true,
        auto_advance_setup: true,
        is_return_to_service: true,
        do_not_use_profile_from_backup: true,
        language: text("de"),
        region: text("CH"),
        configuration_web_url: text("https://mdm.example.com/web"),
        org_magic: text("magic"),
        department: text("IT"),
        support_phone_number: text("+41 44 000 00 00"),
        support_email_address: text("help@example.com"),
        anchor_certs: list(&["QQ=="]),
        supervising_host_certs: list(&["Qg=="]),
        skip_setup_items: list(&["Siri", "TOS"]),
    }
}

#[tokio::test]
async fn a_definition_names_every_boolean_no_device_and_nothing_empty() {
    let server = Server::with_sessions(|_| Reply::new(200, json!({"profile_uuid": UUID}).to_string())).await;
    let session = server.client().session(token("a"));
    let least = Profile {
        profile_name: "N".to_owned(),
        url: "U".to_owned(),
        org_magic: text(""),
        ..Profile::default()
    };
    assert_eq!(session.define_profile(&least).await.unwrap(), UUID);
    let expected = json!({"profile_name": "N", "url": "U", "allow_pairing": true, "is_supervised": false,
        "is_mandatory": false, "is_mdm_removable": true, "await_device_configured": false, "is_multi_user": false,
        "auto_advance_setup": false, "is_return_to_service": false, "do_not_use_profile_from_backup": false,
        "devices": []});
    assert_eq!(server.seen("/profile")[0].json(), expected);
    assert_eq!(server.seen("/profile")[0].method, "POST");

    session.define_profile(&whole()).await.unwrap();
    let sent = server.seen("/profile")[1].json();
    assert_eq!(sent.as_object().unwrap().len(), 22, "{sent}");
    assert_eq!((&sent["is_mdm_removable"], &sent["allow_pairing"]), (&json!(false), &json!(false)));
    assert_eq!((&sent["org_magic"], &sent["skip_setup_items"]), (&json!("magic"), &json!(["Siri", "TOS"])));
}

#[tokio::test]
async fn a_profile_is_read_back_as_it_was_defined() {
    let server = Server::with_sessions(|_| {
        let mut kept = serde_json::to_value(whole()).unwrap();
        kept["profile_uuid"] = json!(UUID);
        kept["shoe_size"] = json!(43);
        Reply::new(200, kept.to_string())
    })
    .await;
    let read = server.client().session(token("a")).profile(UUID).await.unwrap();
    let other = json!({"shoe_size": 43}).as_object().unwrap().clone();
    assert_eq!((read.profile_uuid, read.profile, read.other), (text(UUID), whole(), other));
    let seen = &server.seen("/profile")[0];
    assert_eq!((seen.method.as_str(), seen.query.as_str()), ("GET", format!("profile_uuid={UUID}").as_str()));
}

#[tokio::test]
async fn what_a_profile_leaves_out_is_apples_default() {
    let server = Server::with_sessions(|_| {
        Reply::new(
            200,
            r#"{"profile_name":"N","url":"U","department":"","anchor_certs":null,"is_supervised":true}"#,
        )
    })
    .await;
    let read = server.client().session(token("a")).profile(UUID).await.unwrap();
    let expected = Profile {
        profile_name: "N".to_owned(),
        url: "U".to_owned(),
        is_supervised: true,
        ..Profile::default()
    };
    assert_eq!((read.profile, read.profile_uuid), (expected, None));
}

#[tokio::test]
async fn an_unknown_profile_is_not_found_under_every_status() {
    for (status, body) in [
        (400, "NOT_FOUND"),
        (400, "\"PROFILE_NOT_FOUND\""),
        (404, "PROFILE_NOT_FOUND"),
        (404, "NOT_FOUND"),
        (404, ""),
        (200, "NOT_FOUND"),
        (200, r#"{"code":"PROFILE_NOT_FOUND"}"#),
    ] {
        let server = Server::with_sessions(move |_| Reply::new(status, body)).await;
        let session = server.client().session(token("a"));
        assert_eq!(session.profile(UUID).await.unwrap_err().kind, Kind::NotFound, "{status} {body}");
        let error = session.assign_profile(UUID, &["A"]).await.unwrap_err();
        assert_eq!(
            (error.kind, error.endpoint),
            (Kind::NotFound, Endpoint::AssignProfile),
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn every_fault_of_a_profile_is_named() {
    for (code, kind) in [
        ("CONFIG_NAME_REQUIRED", Kind::ProfileRefused(ProfileFault::Name)),
        ("CONFIG_NAME_INVALID", Kind::ProfileRefused(ProfileFault::Name)),
        ("CONFIG_URL_REQUIRED", Kind::ProfileRefused(ProfileFault::Url)),
        ("CONFIG_URL_INVALID", Kind::ProfileRefused(ProfileFault::Url)),
        ("DEPARTMENT_INVALID", Kind::ProfileRefused(ProfileFault::Department)),
        ("DEPARTMENT_REQUIRED", Kind::ProfileRefused(ProfileFault::Department)),
        ("MAGIC_INVALID", Kind::ProfileRefused(ProfileFault::Magic)),
        ("SUPPORT_PHONE_INVALID", Kind::ProfileRefused(ProfileFault::SupportPhone)),
        ("SUPPORT_PHONE_REQUIRED", Kind::ProfileRefused(ProfileFault::SupportPhone)),
        ("SUPPORT_EMAIL_INVALID", Kind::ProfileRefused(ProfileFault::SupportEmail)),
        ("LOCALE_INVALID", Kind::ProfileRefused(ProfileFault::Locale)),
        ("flags_invalid", Kind::ProfileRefused(ProfileFault::Flags)),
        ("PROFILE_UUID_REQUIRED", Kind::ProfileUuidRequired),
        ("MALFORMED_REQUEST_BODY", Kind::MalformedRequest),
        ("TOO_PURPLE", Kind::Refused),
    ] {
        let server = Server::with_sessions(move |_| Reply::new(400, code)).await;
        let error = server.client().session(token("a")).define_profile(&whole()).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (kind, Some(code)));
        assert_eq!(server.seen("/profile").len(), 1);
    }
}

#[tokio::test]
async fn a_definition_without_a_uuid_is_not_understood() {
    for body in ["{}", r#"{"profile_uuid":""}"#, r#"{"profile_uuid":7}"#, "[]", ""] {
        let server = Server::with_sessions(move |_| Reply::new(200, body)).await;
        let error = server.client().session(token("a")).define_profile(&whole()).await.unwrap_err();
        assert_eq!(error.kind, Kind::NotUnderstood, "{body}");
    }
}

#[tokio::test]
async fn assigning_is_a_post_or_if_told_so_a_put_and_removing_a_delete_with_a_body() {
    let server =
        Server::with_sessions(|_| Reply::new(200, r#"{"devices":{"A":"SUCCESS","B":"THROTTLED"}}"#)).await;
    let session = server.client().session(token("a"));
    let by_put = Client::new(config_with(&server.url, |config| config.assign_by_put = true)).unwrap();
    let reported = session.assign_profile(UUID, &["A", "B", "A"]).await.unwrap();
    assert_eq!((&reported.of["A"], &reported.of["B"]), (&Status::Success, &Status::Throttled));
    by_put.session(token("a")).assign_profile(UUID, &["A"]).await.unwrap();
    let removed = session.remove_profile(&["A", "C"]).await.unwrap();
    assert_eq!((&removed.of["A"], &removed.of["C"]), (&Status::Success, &Status::Failed));

    let seen = server.seen("/profile/devices");
    let seen: Vec<_> = seen.iter().map(|seen| (seen.method.as_str(), seen.json())).collect();
    let expected = [
        ("POST", json!({"profile_uuid": UUID, "devices": ["A", "B"]})),
        ("PUT", json!({"profile_uuid": UUID, "devices": ["A"]})),
        ("DELETE", json!({"devices": ["A", "C"]})),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_definition_that_is_refused_for_its_session_is_sent_again_with_a_new_one() {
    for (status, body) in [(401, ""), (401, "UNAUTHORIZED"), (403, "FORBIDDEN")] {
        let server = Server::with_sessions(move |seen| match seen.session() {
            "S1" => Reply::new(status, body),
            _ => Reply::new(200, json!({"profile_uuid": UUID}).to_string()),
        })
        .await;
        assert_eq!(server.client().session(token("a")).define_profile(&whole()).await.unwrap(), UUID);
        assert_eq!(server.paths(), ["/session", "/profile", "/session", "/profile"]);
    }
}

#[tokio::test]
async fn a_definition_whose_answer_is_lost_is_never_sent_again() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"profile"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // Answers /session over a connection that stays open, and what comes next with the cut answer.
        let server = tokio::spawn(async move {
            let mut definitions = 0;
            while definitions < 2 {
                let Ok((mut stream, _)) = listener.accept().await else { break };
                let mut request = vec![0; 8192];
                while let Ok(length @ 1..) = stream.read(&mut request).await {
                    if request[..length].starts_with(b"GET /session") {
                        let body = r#"{"auth_session_token":"S1"}"#;
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
                        continue;
                    }
                    assert!(request.starts_with(b"POST /profile") || request.starts_with(b"GET /account"));
                    definitions += usize::from(request.starts_with(b"POST /profile"));
                    let _ = stream.write_all(answer.as_bytes()).await;
                    break;
                }
                if request.starts_with(b"GET /account") {
                    break;
                }
            }
            definitions
        });
        let session = Client::new(config(&url)).unwrap().session(token("a"));
        let error = session.define_profile(&whole()).await.unwrap_err();
        assert_eq!((error.kind, error.endpoint), (Kind::Unreachable, Endpoint::DefineProfile), "{answer}");
        // A last request, so that the server ends when it has seen everything.
        session.account().await.unwrap_err();
        assert_eq!(server.await.unwrap(), 1, "{answer}");
    }
}

#[test]
fn both_spellings_of_a_uuid_are_one() {
    assert_eq!(normalized_uuid(" 88fc4e37-8ffd-4b0d-9c0d-d2c0d6d9d2b5 "), UUID);
    assert_eq!(normalized_uuid(UUID), UUID);
}
