//! Every spelling of a refusal, and what is reported about it.

use std::sync::{Arc, Mutex};

use adept_apple::{
    client::{Client, RequestOutcome},
    error::{AppleError, AppleErrorKind as Kind, BodyForm, Endpoint},
    profile::Profile,
};
use proptest::prelude::*;

use crate::client_server::{Reply, Server, config_with, token};

/// What `GET /session` fails with when Apple answers like that.
async fn refused(status: u16, body: &str) -> AppleError {
    let body = body.to_owned();
    let server = Server::start(move |_| Reply::new(status, body.clone())).await;
    server.client().session(token("a")).authenticate().await.unwrap_err()
}

#[tokio::test]
async fn credentials_are_refused_with_401_and_with_403_alike() {
    for status in [401, 403] {
        for (code, kind) in [
            ("token_expired", Kind::TokenExpired),
            ("EXPIRED_TOKEN", Kind::TokenExpired),
            ("token_rejected", Kind::TokenRejected),
            ("signature_invalid", Kind::SignatureInvalid),
            ("consumer_key_unknown", Kind::ConsumerKeyUnknown),
            ("timestamp_refused", Kind::TimestampRefused),
            ("nonce_used", Kind::NonceUsed),
            ("UNAUTHORIZED", Kind::Unauthorized),
            ("FORBIDDEN", Kind::Forbidden),
            ("forbidden", Kind::Forbidden),
            ("ACCESS_DENIED", Kind::AccessDenied),
            ("T_C_NOT_SIGNED", Kind::TermsNotSigned),
            ("t_c_not_signed", Kind::TermsNotSigned),
            ("APPLE_SEED_FOR_IT_TURNED_OFF", Kind::SeedTurnedOff),
        ] {
            let error = refused(status, code).await;
            assert_eq!((error.kind, error.status, error.code.as_deref()), (kind, Some(status), Some(code)));
            assert_eq!(error.endpoint, Endpoint::Session);
        }
    }
}

#[tokio::test]
async fn a_code_is_found_in_every_wrapping() {
    for body in [
        "token_rejected",
        "  token_rejected \r\n",
        "\u{feff}token_rejected",
        "\"token_rejected\"",
        " \"token_rejected\"\n",
        r#"{"code":"token_rejected"}"#,
        r#"{"error":"token_rejected","message":"no"}"#,
        r#"{"message":"no","code":"token_rejected","error":7}"#,
        r#"{"error":{"code":"token_rejected"}}"#,
        "oauth_problem=token_rejected",
        "oauth_problem_advice=no&oauth_problem=token_rejected",
    ] {
        let error = refused(401, body).await;
        assert_eq!(
            (error.kind, error.code.as_deref()),
            (Kind::TokenRejected, Some("token_rejected")),
            "{body}"
        );
    }
    let error = refused(401, "token_expiredUnauthorized").await;
    assert_eq!((error.kind, error.code.as_deref()), (Kind::TokenExpired, Some("token_expiredUnauthorized")));
}

#[tokio::test]
async fn what_is_no_code_is_none_and_the_status_decides() {
    for (status, body, kind) in [
        (400, "", Kind::MalformedRequest),
        (401, "", Kind::Unauthorized),
        (401, "the token was rejected", Kind::Unauthorized),
        (401, "{\"code\":", Kind::Unauthorized),
        (401, "\"", Kind::Unauthorized),
        (401, "[]", Kind::Unauthorized),
        (403, "", Kind::Forbidden),
        (404, "", Kind::NotFound),
        (405, "", Kind::Refused),
        (408, "", Kind::Timeout),
        (429, "", Kind::TooManyRequests),
        (500, "", Kind::ServerError),
        (503, "<html>Busy</html>", Kind::ServerError),
        (204, "", Kind::NotUnderstood),
        (299, "", Kind::NotUnderstood),
        (999, "", Kind::NotUnderstood),
        // A proxy's page says nothing about the credentials.
        (401, "<html>Log in</html>", Kind::NotUnderstood),
        (403, " \n<!DOCTYPE html>", Kind::NotUnderstood),
        // Nor does it say that Apple knows no such profile.
        (404, "<html>Nothing here</html>", Kind::NotUnderstood),
    ] {
        let error = refused(status, body).await;
        assert_eq!((error.kind, error.status, error.code), (kind, Some(status), None), "{status} {body}");
    }
}

#[tokio::test]
async fn some_statuses_outweigh_their_codes_and_an_unknown_code_is_kept() {
    for (status, body, kind) in [
        (429, "TOO_MANY_REQUESTS", Kind::TooManyRequests),
        (429, "token_rejected", Kind::TooManyRequests),
        (500, "internal_server_error", Kind::ServerError),
        (502, "token_rejected", Kind::ServerError),
        (302, "FORBIDDEN", Kind::Redirected),
        (400, "SOMETHING_NEW", Kind::Refused),
        (400, "MALFORMED_REQUEST_BODY", Kind::MalformedRequest),
        (400, "USER_AGENT_MISSING", Kind::UserAgentMissing),
        (400, "USER_AGENT_INVALID", Kind::UserAgentInvalid),
        (401, "oauth_problem_advice", Kind::Unauthorized),
        (403, "SOMETHING_NEW", Kind::Forbidden),
        (404, "DEVICE_NOT_FOUND", Kind::NotFound),
        (409, "CONFLICT", Kind::Refused),
    ] {
        let error = refused(status, body).await;
        assert_eq!((error.kind, error.code.as_deref()), (kind, Some(body)), "{status} {body}");
    }
}

#[tokio::test]
async fn cursors_are_refused_by_name() {
    for (code, kind) in [
        ("CURSOR_REQUIRED", Kind::CursorRequired),
        ("INVALID_CURSOR", Kind::InvalidCursor),
        ("EXHAUSTED_CURSOR", Kind::ExhaustedCursor),
        ("EXPIRED_CURSOR", Kind::ExpiredCursor),
        ("DEVICE_ID_REQUIRED", Kind::DeviceIdRequired),
    ] {
        let server = Server::with_sessions(move |_| Reply::new(400, format!("\"{code}\""))).await;
        let session = server.client().session(token("a"));
        let error = session.sync_devices("c", 10).await.unwrap_err();
        assert_eq!((error.kind, error.endpoint), (kind, Endpoint::SyncDevices));
        let error = session.fetch_devices(None, 10).await.unwrap_err();
        assert_eq!((error.kind, error.endpoint), (kind, Endpoint::FetchDevices));
    }
}

#[tokio::test]
async fn an_expired_token_at_another_call_is_an_expired_session() {
    let server = Server::with_sessions(|seen| match seen.session() {
        "S1" => Reply::new(401, "EXPIRED_TOKEN"),
        _ => Reply::new(401, "\"EXPIRED_TOKEN\""),
    })
    .await;
    let error = server.client().session(token("a")).account().await.unwrap_err();
    assert_eq!(error.kind, Kind::Unauthorized);
}

#[tokio::test]
async fn a_wait_and_a_wrong_clock_are_told() {
    let server = Server::start(|_| {
        Reply::new(429, "TOO_MANY_REQUESTS")
            .header("retry-after", "Sun, 01 Mar 2026 13:01:00 GMT")
            .header("date", "Sun, 01 Mar 2026 13:00:00 GMT")
    })
    .await;
    let error = server.client().session(token("a")).authenticate().await.unwrap_err();
    assert_eq!(error.retry_after.map(|wait| wait.as_secs()), Some(60));
    assert_eq!(error.clock_skew.map(|skew| skew.as_secs()), Some(3600));
    assert_eq!(
        error.to_string(),
        "Apple asks for fewer requests (GET /session answered 429 TOO_MANY_REQUESTS); it asks to wait 60 s; this \
         machine's clock is 3600 s behind Apple's"
    );
    assert_eq!(refused(503, "").await.retry_after, None);

    for (status, body, form, believed) in [
        (503, "<html><body>Gateway</body></html>", BodyForm::Html, Some(900)),
        (503, "", BodyForm::Empty, Some(900)),
        (200, "\u{feff} <!DOCTYPE html>", BodyForm::Html, Some(900)),
        (429, "", BodyForm::Empty, Some(86_400)),
        (429, "\"TOO_MANY_REQUESTS\"", BodyForm::Code, Some(86_400)),
        (429, r#"{"code":"TOO_MANY_REQUESTS"}"#, BodyForm::Json, Some(86_400)),
        (429, "slow down, please", BodyForm::Text, Some(900)),
        (403, "FORBIDDEN", BodyForm::Code, None),
    ] {
        let server = Server::start(move |_| Reply::new(status, body).header("retry-after", "31536000")).await;
        let error = server.client().session(token("a")).authenticate().await.unwrap_err();
        let wait = error.server_wait().map(|wait| wait.as_secs());
        assert_eq!((error.body, wait), (form, believed), "{status} {body}");
    }
}

#[tokio::test]
async fn every_request_is_reported_once() {
    let answers = Arc::new(Mutex::new(Vec::<RequestOutcome>::new()));
    let server = Server::with_sessions(|seen| match seen.nth {
        0 => Reply::new(401, "UNAUTHORIZED"),
        _ => Reply::new(200, "{}").header("date", "Sun, 01 Mar 2026 11:00:00 GMT"),
    })
    .await;
    let kept = Arc::clone(&answers);
    let on_request_outcome = move |answer: &RequestOutcome| kept.lock().unwrap().push(answer.clone());
    let client = Client::new(config_with(&server.url, |config| {
        config.on_request_outcome = Some(Arc::new(on_request_outcome))
    }))
    .unwrap();
    client.session(token("a")).account().await.unwrap();

    let answers = answers.lock().unwrap();
    let reported: Vec<_> =
        answers.iter().map(|answer| (answer.endpoint.as_str(), answer.status, answer.kind)).collect();
    assert_eq!(
        reported,
        [
            ("/session", Some(200), None),
            ("/account", Some(401), Some(Kind::Unauthorized)),
            ("/session", Some(200), None),
            ("/account", Some(200), None),
        ]
    );
    assert_eq!(answers[1].code.as_deref(), Some("UNAUTHORIZED"));
    assert_eq!(answers[1].clock_skew, None);
    assert_eq!(answers[3].clock_skew.map(|skew| skew.as_secs()), Some(-3600));
}

#[tokio::test]
async fn no_secret_gets_into_an_error_even_when_the_server_echoes_it() {
    let server = Server::with_sessions(|seen| match seen.nth {
        0 => Reply::new(400, "session=S1 secret=CS_a key=AS_a token=AT_a"),
        1 => Reply::new(400, "CS_a"),
        // Cut off within the secret after 1024 bytes.
        _ => Reply::new(400, format!("{}CS_a", "x".repeat(1021))),
    })
    .await;
    let session = server.client().session(token("a"));
    let error = session.account().await.unwrap_err();
    assert_eq!(error.detail.as_deref(), Some("session=*** secret=*** key=*** token=***"));
    let error = session.account().await.unwrap_err();
    assert_eq!((error.code, error.detail.as_deref()), (None, Some("***")));
    let error = session.account().await.unwrap_err();
    assert_eq!(error.detail, Some("x".repeat(1021)));
}

#[tokio::test]
async fn a_success_that_is_nothing_but_a_known_code_is_that_refusal() {
    for body in ["\"NOT_FOUND\"", "NOT_FOUND", r#"{"code":"NOT_FOUND"}"#] {
        let server = Server::with_sessions(move |_| Reply::new(200, body)).await;
        let error = server.client().session(token("a")).account().await.unwrap_err();
        assert_eq!(
            (error.kind, error.status, error.code.as_deref()),
            (Kind::NotFound, Some(200), Some("NOT_FOUND"))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_answer_is_an_answer_or_an_error(
        status in prop_oneof![Just(200_u16), 200..1000_u16],
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..2000),
            r#"[\[\]{}",:a-z_0-9 ]{0,60}"#.prop_map(String::into_bytes),
            r#"\{"(devices|cursor|more_to_follow|code|error|urls)":[\[\]{}",:a-z_0-9 ]{0,30}\}"#.prop_map(String::into_bytes),
        ],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::with_sessions(move |_| Reply::new(status, body.clone())).await;
            let session = server.client().session(token("a"));
            let errors = [
                session.account().await.err(),
                session.fetch_devices(None, 1).await.err(),
                session.sync_devices("c", 1).await.err(),
                session.device_details(&["X"]).await.err(),
                session.disown_devices(&["X"]).await.err(),
                session.activation_lock("X", None, None).await.err(),
                session.replacement_details("X").await.err(),
                session.define_profile(&Profile::default()).await.err(),
                session.profile("U").await.err(),
                session.assign_profile("U", &["X"]).await.err(),
                session.set_service_discovery("U").await.err(),
                session.service_discovery().await.err(),
                session.beta_tokens().await.err(),
            ];
            for error in errors.into_iter().flatten() {
                assert!(error.code.as_ref().is_none_or(|code| code.len() <= 64));
                assert!(error.detail.as_ref().is_none_or(|detail| detail.len() <= 1024));
                assert!(!error.to_string().contains('\n'));
            }
        });
    }
}
