//! Acting on devices: statuses by serial number, chunks, locking, replacements.

use std::time::Duration;

use adept_apple::{
    activation_lock::{BypassCode, LockStatus},
    client::{MOST_SERIALS, chunks},
    error::{AppleError, AppleErrorKind as Kind, Endpoint},
    serial_status::{SerialStatus as Status, SerialStatuses},
};
use proptest::prelude::*;
use serde_json::json;

use crate::client_server::{Reply, Server, token};

fn serials(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("S{number}")).collect()
}

/// What a disown of `asked` comes to when Apple answers 200 and `body`.
async fn disowned(asked: &[&str], body: &str) -> Result<SerialStatuses, AppleError> {
    let body = body.to_owned();
    let server = Server::with_sessions(move |_| Reply::new(200, body.clone())).await;
    server.client().session(token("a")).disown_devices(asked).await
}

#[tokio::test]
async fn every_serial_number_that_was_asked_has_a_status_and_no_other() {
    let reported = disowned(
        &["A", "B", "C", "D", "E", "F", "G", "h"],
        r#"{"devices":{"A":"SUCCESS","B":"not_accessible","C":"FAILED","D":"THROTTLED","E":"IN_ORBIT","F":7,
        "H":{"response_status":"SUCCESS"},"Z":"SUCCESS"},"retry_after_seconds":90}"#,
    )
    .await
    .unwrap();
    let of: Vec<_> = reported.of.iter().map(|(serial, status)| (serial.as_str(), status.clone())).collect();
    let expected = [
        ("A", Status::Success),
        ("B", Status::NotAccessible),
        ("C", Status::Failed),
        ("D", Status::Throttled),
        ("E", Status::Other("IN_ORBIT".to_owned())),
        ("F", Status::Failed),
        // The answer leaves it out.
        ("G", Status::Failed),
        ("h", Status::Success),
    ];
    assert_eq!(of, expected);
    assert_eq!(reported.retry_after, Some(Duration::from_secs(90)));
}

#[tokio::test]
async fn a_wait_is_read_in_every_form_and_bounded() {
    for (wait, expected) in [
        ("0", Some(0)),
        ("\" 60 \"", Some(60)),
        ("99999999999", Some(24 * 60 * 60)),
        ("null", None),
        ("-1", None),
        ("\"soon\"", None),
    ] {
        let body = format!(r#"{{"devices":{{"A":"THROTTLED"}},"retry_after_seconds":{wait}}}"#);
        let reported = disowned(&["A"], &body).await.unwrap();
        assert_eq!(reported.retry_after.map(|wait| wait.as_secs()), expected, "{wait}");
    }
}

#[tokio::test]
async fn an_answer_without_statuses_tells_nothing_of_any_device() {
    for body in ["{}", r#"{"devices":null}"#, r#"{"devices":["A"]}"#, "[]", "", "<html>"] {
        assert_eq!(disowned(&["A"], body).await.unwrap_err().kind, Kind::NotUnderstood, "{body}");
    }
}

#[tokio::test]
async fn one_call_is_one_request_of_at_most_a_thousand_serial_numbers() {
    let server = Server::with_sessions(|_| Reply::new(200, r#"{"devices":{}}"#)).await;
    let session = server.client().session(token("a"));
    let mut asked = serials(MOST_SERIALS);
    asked.extend_from_within(..7);
    assert_eq!(session.disown_devices(&asked).await.unwrap().of.len(), MOST_SERIALS);
    assert_eq!(session.assign_profile("U", &asked).await.unwrap().of.len(), MOST_SERIALS);
    let seen = server.seen("/devices/disown");
    assert_eq!((seen.len(), seen[0].method.as_str()), (1, "POST"));
    assert_eq!(seen[0].json(), json!({ "devices": serials(MOST_SERIALS) }));

    let too_many = serials(MOST_SERIALS + 1);
    let before = server.paths().len();
    for (error, endpoint, kind) in [
        (session.disown_devices(&too_many).await, Endpoint::DisownDevices, Kind::TooManySerials),
        (session.assign_profile("U", &too_many).await, Endpoint::AssignProfile, Kind::TooManySerials),
        (session.remove_profile(&too_many).await, Endpoint::RemoveProfile, Kind::TooManySerials),
        (session.disown_devices::<&str>(&[]).await, Endpoint::DisownDevices, Kind::DeviceIdRequired),
        (session.assign_profile::<&str>("U", &[]).await, Endpoint::AssignProfile, Kind::DeviceIdRequired),
    ] {
        let error = error.unwrap_err();
        assert_eq!((error.kind, error.endpoint, error.status), (kind, endpoint, None));
    }
    assert_eq!(server.paths().len(), before, "nothing was sent");
}

proptest! {
    #[test]
    fn chunks_hold_every_serial_number_once_and_in_order(
        numbers in prop::collection::vec(0..3000_u32, 0..4000),
    ) {
        let serials: Vec<String> = numbers.iter().map(|number| format!("S{number}")).collect();
        let chunks = chunks(&serials);
        let mut distinct = Vec::new();
        for serial in &serials {
            if !distinct.contains(&serial.as_str()) {
                distinct.push(serial.as_str());
            }
        }
        prop_assert_eq!(chunks.concat(), distinct);
        let full = chunks.len().saturating_sub(1);
        prop_assert!(chunks.iter().take(full).all(|chunk| chunk.len() == MOST_SERIALS));
        prop_assert!(chunks.iter().all(|chunk| (1..=MOST_SERIALS).contains(&chunk.len())));
    }
}

#[tokio::test]
async fn locking_sends_the_key_and_never_the_code() {
    let server =
        Server::with_sessions(|_| Reply::new(200, r#"{"serial_number":"A","response_status":"SUCCESS"}"#))
            .await;
    let session = server.client().session(token("a"));
    let code = BypassCode::from_bits([7; 16]);
    let key = code.escrow_key();
    assert_eq!(session.activation_lock("A", Some(&key), Some("Lost")).await.unwrap(), LockStatus::Success);
    session.activation_lock("A", None, None).await.unwrap();
    let seen = server.seen("/device/activationlock");
    assert_eq!(seen[0].method, "POST");
    assert_eq!(seen[0].json(), json!({"device": "A", "escrow_key": key.expose(), "lost_message": "Lost"}));
    assert_eq!(seen[1].json(), json!({"device": "A"}));
}

#[tokio::test]
async fn every_answer_to_locking_is_told_apart() {
    for (word, status) in [
        ("SUCCESS", LockStatus::Success),
        ("NOT_ACCESSIBLE", LockStatus::NotAccessible),
        ("org_not_supported", LockStatus::OrgNotSupported),
        ("DEVICE_NOT_SUPPORTED", LockStatus::DeviceNotSupported),
        ("DEVICE_ALREADY_LOCKED", LockStatus::DeviceAlreadyLocked),
        ("FAILED", LockStatus::Failed),
        ("MELTED", LockStatus::Other("MELTED".to_owned())),
    ] {
        let server =
            Server::with_sessions(move |_| Reply::new(200, json!({"response_status": word}).to_string()))
                .await;
        let reported = server.client().session(token("a")).activation_lock("A", None, None).await.unwrap();
        assert_eq!(reported, status);
    }
    let server = Server::with_sessions(|_| Reply::new(200, "{}")).await;
    let error = server.client().session(token("a")).activation_lock("A", None, None).await.unwrap_err();
    assert_eq!((error.kind, error.endpoint), (Kind::NotUnderstood, Endpoint::ActivationLock));
}

#[tokio::test]
async fn an_escrow_key_gets_into_no_error() {
    let key = BypassCode::from_bits([7; 16]).escrow_key();
    let echo = format!("no such key: {}", key.expose());
    let server = Server::with_sessions(move |_| Reply::new(400, echo.clone())).await;
    let session = server.client().session(token("a"));
    let error = session.activation_lock("A", Some(&key), None).await.unwrap_err();
    assert_eq!(error.detail.as_deref(), Some("no such key: ***"));
}

#[tokio::test]
async fn a_replacement_is_asked_for_in_the_query() {
    let server = Server::with_sessions(|seen| match seen.nth {
        0 => Reply::new(
            200,
            r#"{"serial_number":"A&B","original_device_serial_number":"OLD","replacement_date":"2026-02-28"}"#,
        ),
        1 => Reply::new(200, r#"{"original_device_serial_number":"OLD","replacement_date":"some day"}"#),
        2 => Reply::new(200, r#"{"serial_number":"A"}"#),
        3 => Reply::new(404, "DEVICE_NOT_FOUND"),
        _ => Reply::new(400, "DEVICE_ID_REQUIRED"),
    })
    .await;
    let session = server.client().session(token("a"));
    let replacement = session.replacement_details("A&B").await.unwrap();
    assert_eq!(replacement.serial_number, "A&B");
    assert_eq!(replacement.original_device_serial_number, "OLD");
    assert_eq!(replacement.replacement_date, Some("2026-02-28".parse().unwrap()));
    let seen = &server.seen("/device/replacementDetails")[0];
    assert_eq!((seen.method.as_str(), seen.query.as_str()), ("GET", "device=A%26B"));
    assert!(seen.body.is_empty());
    assert_eq!(session.replacement_details("A").await.unwrap().replacement_date, None);
    for kind in [Kind::NotUnderstood, Kind::NotFound, Kind::DeviceIdRequired] {
        assert_eq!(session.replacement_details("A").await.unwrap_err().kind, kind);
    }
}
