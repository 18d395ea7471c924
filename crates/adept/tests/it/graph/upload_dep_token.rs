//! `uploadDepToken` at the HTTP edge: sizes, bodies, the order of refusals. The rules for tokens are tested where tokens are
//! opened and accepted.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    client::send,
    test_app::{READ, S, TestApp, WRITE},
};

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn a_token_goes_in_and_devices_come_out() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = test.onboarded(&admin, 5).await;
    let shown = admin.get_json(&format!("/beta/{S}/{id}")).await;
    assert_eq!((&shown["syncedDeviceCount"], &shown["lastSyncErrorCode"]), (&json!(5), &json!(0)));
    assert!(shown["appleIdentifier"].is_string());
    assert!(shown["tokenExpirationDateTime"].as_str().unwrap() > "2026");
    admin.delete(&format!("/beta/{S}/{id}")).await.is_refused(409, "Conflict", "5 devices");
}

#[tokio::test]
async fn a_bad_body_is_refused_after_the_setting_was_found_and_changes_nothing() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = test.onboarded(&admin, 1).await;
    let before = admin.get_json(&format!("/beta/{S}/{id}")).await;
    let big = json!({ "depToken": "A".repeat(100_000) }).to_string();
    for (body, part) in [
        ("", "not valid JSON"),
        ("garbage", "not valid JSON"),
        (r#"{"depToken":"Content-Type"#, "not valid JSON"),
        ("{}", "'depToken' is missing or empty"),
        (r#"{"appleId":"a@example.com"}"#, "'depToken' is missing or empty"),
        (r#"{"depToken":null}"#, "'depToken' is missing or empty"),
        (r#"{"depToken":" \r\n"}"#, "'depToken' is missing or empty"),
        (r#"{"depToken":["x"]}"#, "'depToken' must be of type 'Edm.String'"),
        (r#"{"depToken":"x","appleId":7}"#, "'appleId' must be of type 'Edm.String'"),
        (
            r#"{"depToken":"x","appleid2":"y"}"#,
            "'appleid2' is not a parameter of the action 'uploadDepToken'",
        ),
        (r#"{"depToken":"this is no token at all"}"#, ""),
        (big.as_str(), ""),
    ] {
        let post = |id: &str| {
            admin.request(Method::POST, &format!("/beta/{S}/{id}/uploadDepToken")).body(body.to_owned())
        };
        send(post(NOWHERE)).await.is_refused(404, "ResourceNotFound", "does not exist");
        send(post(&id)).await.is_refused(400, "BadRequest", part);
    }
    assert_eq!(admin.get_json(&format!("/beta/{S}/{id}")).await, before);
}

#[tokio::test]
async fn a_body_over_the_limit_is_drained_so_that_the_client_reads_the_answer() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    let post = |path: String, length: usize| admin.request(Method::POST, &path).body(vec![b'A'; length]);
    let upload = |id: &str| format!("/beta/{S}/{id}/uploadDepToken");
    let (token_limit, limit) = (256 * 1024, 1024 * 1024);
    for length in [token_limit + 1, 20_000_000] {
        let answer = send(post(upload(&id), length)).await;
        answer.is_refused(413, "RequestEntityTooLarge", "262144 bytes");
        // Size comes before existence.
        send(post(upload(NOWHERE), length)).await.is_refused(413, "RequestEntityTooLarge", "262144");
    }
    send(post(upload(&id), token_limit)).await.is_refused(400, "BadRequest", "not valid JSON");
    send(post(format!("/beta/{S}"), limit + 1)).await.is_refused(413, "RequestEntityTooLarge", "1048576");
    send(post(format!("/beta/{S}"), limit)).await.is_refused(400, "BadRequest", "not valid JSON");

    // Permission and bearer come before size, and those answers arrive too.
    let reader = test.client(test.storage.default_tenant(), &[READ]).await;
    let refused = reader.request(Method::POST, &upload(&id)).body(vec![b'A'; 20_000_000]);
    send(refused).await.is_refused(403, "Forbidden", WRITE);
    let refused = test.anonymous().request(Method::POST, &upload(&id)).body(vec![b'A'; 20_000_000]);
    send(refused).await.is_refused(401, "InvalidAuthenticationToken", "empty");
}

#[tokio::test]
async fn a_body_of_unknown_length_has_the_same_limit() {
    let test = TestApp::start().await;
    let token = test.signer.application(&test.storage, test.storage.default_tenant(), &[WRITE]).await;
    let id = test.with(&token).create_setting().await;
    let mut socket = TcpStream::connect(test.address).await.unwrap();
    let head = format!(
        "POST /beta/{S}/{id}/uploadDepToken HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "A".repeat(0x10000));
    for _ in 0..300 {
        socket.write_all(chunk.as_bytes()).await.unwrap();
    }
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    assert!(status_line(&mut socket).await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_is_answered_at_once() {
    let test = TestApp::start().await;
    let token = test.signer.application(&test.storage, test.storage.default_tenant(), &[WRITE]).await;
    let id = test.with(&token).create_setting().await;
    let mut socket = TcpStream::connect(test.address).await.unwrap();
    let head = format!(
        "POST /beta/{S}/{id}/uploadDepToken HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: 20000000\r\nExpect: 100-continue\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    assert!(status_line(&mut socket).await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_body_that_ends_early_changes_nothing() {
    let test = TestApp::start().await;
    let token = test.signer.application(&test.storage, test.storage.default_tenant(), &[WRITE]).await;
    let admin = test.with(&token);
    let id = admin.create_setting().await;
    let mut socket = TcpStream::connect(test.address).await.unwrap();
    let head = format!(
        "PATCH /beta/{S}/{id} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n\
         {{\"tokenName\":\"cut\""
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let _ = status_line(&mut socket).await;
    assert_eq!(admin.get_json(&format!("/beta/{S}/{id}")).await["tokenName"], "Test");
}

/// The first line of the response.
async fn status_line(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = async {
        let mut part = [0; 1024];
        while !answer.contains(&b'\n') {
            match socket.read(&mut part).await {
                Ok(0) | Err(_) => break,
                Ok(length) => answer.extend_from_slice(&part[..length]),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.unwrap();
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_certificate_that_was_exchanged_in_the_database_is_not_shown_and_opens_nothing() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let settings = [admin.create_setting().await, admin.create_setting().await];
    let one = "UPDATE key_pairs SET certificate = (SELECT MIN(certificate) FROM key_pairs)";
    test.database.execute(one).await.unwrap();
    let server = test.portal.server().await;
    let mut statuses = Vec::new();
    let mut exchanged = String::new();
    for setting in &settings {
        let key = admin.get(&format!("/beta/{S}/{setting}/getEncryptionPublicKey")).await;
        statuses.push(key.status);
        match key.status {
            200 => test.portal.trust(&server, key.json()["value"].as_str().unwrap()).await,
            _ => exchanged.clone_from(setting),
        }
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 500]);
    // It is sealed to the certificate that stands with both settings.
    let upload = json!({ "depToken": test.portal.token(&server).await });
    let refused = admin.post(&format!("/beta/{S}/{exchanged}/uploadDepToken"), &upload).await;
    assert_eq!(refused.status, 500, "{}", refused.text);
}
