//! Opening, rotating, sharing and renewing Apple's session.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use adept_apple::{
    client::{Client, Session},
    error::{AppleError, AppleErrorKind, Endpoint},
    oauth,
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::client_server::{Reply, Seen, Server, config_with, now, token};

const ACCOUNT: &str = "/account";
const SESSION: &str = "/session";

/// A good answer to `/account` when the request carries one of `good`, else 401.
fn account_for(seen: &Seen, good: &[&str]) -> Reply {
    if good.contains(&seen.session()) { Reply::new(200, "{}") } else { Reply::new(401, "UNAUTHORIZED") }
}

#[tokio::test]
async fn requests_carry_exactly_the_headers_that_apple_wants() {
    let server = Server::with_sessions(|_| Reply::new(200, "{}")).await;
    let config = config_with(&server.url, |config| config.user_agent = "Product/1.2".to_owned());
    Client::new(config).unwrap().session(token("a")).account().await.unwrap();

    let (session, account) = (&server.seen(SESSION)[0], &server.seen(ACCOUNT)[0]);
    for seen in [session, account] {
        assert_eq!(seen.method, "GET");
        assert_eq!(seen.header("content-type"), "application/json;charset=UTF8");
        assert_eq!(seen.header("accept"), "application/json;charset=UTF8");
        assert_eq!(seen.header("user-agent"), "Product/1.2");
        assert_eq!(seen.header("x-server-protocol-version"), "10");
        assert!(seen.body.is_empty());
    }
    assert_eq!((session.session(), account.session()), ("", "S1"));
    assert_eq!(account.header("authorization"), "");
}

#[tokio::test]
async fn the_session_request_is_signed_for_its_address_with_a_fresh_nonce() {
    let server = Server::with_sessions(|_| Reply::new(200, "{}")).await;
    let session = server.client().session(token("a"));
    session.authenticate().await.unwrap();
    session.authenticate().await.unwrap();

    let url = format!("{}/session", server.url).parse().unwrap();
    let nonces: HashSet<String> = server
        .seen(SESSION)
        .iter()
        .map(|seen| {
            let header = seen.header("authorization");
            let nonce = header.split("oauth_nonce=\"").nth(1).unwrap().split('"').next().unwrap();
            assert_eq!(header, oauth::authorization("GET", &url, &token("a"), now().as_second(), nonce));
            nonce.to_owned()
        })
        .collect();
    assert_eq!(nonces.len(), 2);
}

#[tokio::test]
async fn one_session_serves_many_calls_and_every_session_of_equal_credentials() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1"])).await;
    let client = server.client();
    for _ in 0..3 {
        client.session(token("a")).account().await.unwrap();
    }
    client.clone().session(token("a")).account().await.unwrap();
    assert_eq!(server.seen(SESSION).len(), 1);
}

#[tokio::test]
async fn other_credentials_have_another_session() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1", "S2"])).await;
    let client = server.client();
    client.session(token("a")).account().await.unwrap();
    client.session(token("b")).account().await.unwrap();
    let used: Vec<String> = server.seen(ACCOUNT).iter().map(|seen| seen.session().to_owned()).collect();
    assert_eq!(used, ["S1", "S2"]);
}

#[tokio::test]
async fn a_forgotten_token_begins_again() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1", "S2"])).await;
    let client = server.client();
    let before = client.session(token("a"));
    before.account().await.unwrap();
    client.forget(&token("a"));
    before.account().await.unwrap();
    assert_eq!(server.seen(SESSION).len(), 2);
}

#[tokio::test]
async fn a_rotated_session_is_used_from_the_next_call_on() {
    let server = Server::with_sessions(|seen| match seen.nth {
        0 => account_for(seen, &["S1"]).header("x-adm-auth-session", "R1"),
        // An empty header rotates nothing, and neither does one that no header can carry back.
        1 => account_for(seen, &["R1"]).header("x-adm-auth-session", ""),
        2 => account_for(seen, &["R1"]).header("x-adm-auth-session", &"x".repeat(5000)),
        _ => account_for(seen, &["R1"]),
    })
    .await;
    let session = server.client().session(token("a"));
    for _ in 0..4 {
        session.account().await.unwrap();
    }
    assert_eq!(server.seen(SESSION).len(), 1);
}

#[tokio::test]
async fn an_answer_of_any_status_rotates() {
    for status in [400, 403, 404, 429, 500, 503] {
        let server = Server::with_sessions(move |seen| match seen.nth {
            0 => Reply::new(status, "T_C_NOT_SIGNED").header("x-adm-auth-session", "R1"),
            _ => account_for(seen, &["R1"]),
        })
        .await;
        let session = server.client().session(token("a"));
        session.account().await.unwrap_err();
        session.account().await.unwrap();
        assert_eq!(server.seen(SESSION).len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_refusal_that_brings_a_new_session_needs_no_session_request() {
    let server =
        Server::with_sessions(|seen| account_for(seen, &["R1"]).header("x-adm-auth-session", "R1")).await;
    server.client().session(token("a")).account().await.unwrap();
    assert_eq!(server.paths(), [SESSION, ACCOUNT, ACCOUNT]);
}

#[tokio::test]
async fn a_session_answer_may_rotate_as_well() {
    let server = Server::start(|seen| match &*seen.path {
        SESSION => Reply::session("S1").header("x-adm-auth-session", "R1"),
        _ => account_for(seen, &["R1"]),
    })
    .await;
    server.client().session(token("a")).account().await.unwrap();
    assert_eq!(server.paths(), [SESSION, ACCOUNT]);
}

#[tokio::test]
async fn a_late_answer_to_an_early_request_does_not_bring_its_session_back() {
    let hold = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&hold);
    let server = Server::with_sessions(move |seen| match seen.nth {
        0 => Reply::new(200, "{}").header("x-adm-auth-session", "OLD").held(&held),
        1 => Reply::new(200, "{}").header("x-adm-auth-session", "NEW"),
        _ => account_for(seen, &["NEW"]),
    })
    .await;
    let session = server.client().session(token("a"));
    session.authenticate().await.unwrap();

    let (early, late) = (session.clone(), session.clone());
    let early = tokio::spawn(async move { early.account().await });
    while server.seen(ACCOUNT).is_empty() {
        tokio::task::yield_now().await;
    }
    late.account().await.unwrap();
    hold.add_permits(1);
    early.await.unwrap().unwrap();
    session.account().await.unwrap();
    assert_eq!(server.seen(SESSION).len(), 1);
}

#[tokio::test]
async fn an_answer_to_the_old_session_does_not_replace_the_new_one() {
    // The request goes out after the one for the new session, but still with the old session.
    let (hold_session, hold_account) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (held_session, held_account) = (Arc::clone(&hold_session), Arc::clone(&hold_account));
    let server = Server::start(move |seen| match (&*seen.path, seen.nth) {
        (SESSION, 0) => Reply::session("S1"),
        (SESSION, _) => Reply::session("S2").held(&held_session),
        (_, 0) => Reply::new(200, "{}").header("x-adm-auth-session", "OLD").held(&held_account),
        _ => account_for(seen, &["S2"]),
    })
    .await;
    let session = server.client().session(token("a"));
    session.authenticate().await.unwrap();
    let (renewing, asking) = (session.clone(), session.clone());
    let renewing = tokio::spawn(async move { renewing.authenticate().await });
    while server.seen(SESSION).len() < 2 {
        tokio::task::yield_now().await;
    }
    let asking = tokio::spawn(async move { asking.account().await });
    while server.seen(ACCOUNT).is_empty() {
        tokio::task::yield_now().await;
    }
    hold_session.add_permits(1);
    renewing.await.unwrap().unwrap();
    hold_account.add_permits(1);
    asking.await.unwrap().unwrap();
    session.account().await.unwrap();
    assert_eq!(server.seen(SESSION).len(), 2);
}

#[tokio::test]
async fn a_refused_session_is_renewed_once_and_the_request_repeated() {
    for (status, body) in [(401, "UNAUTHORIZED"), (401, ""), (403, "FORBIDDEN"), (403, "\"forbidden\"")] {
        let server = Server::with_sessions(move |seen| match seen.session() {
            "S1" => Reply::new(status, body),
            _ => Reply::new(200, "{}"),
        })
        .await;
        server.client().session(token("a")).account().await.unwrap();
        assert_eq!(server.paths(), [SESSION, ACCOUNT, SESSION, ACCOUNT], "{status} {body}");
    }
}

#[tokio::test]
async fn a_second_refusal_is_final() {
    for (status, body, kind) in
        [(401, "", AppleErrorKind::Unauthorized), (403, "FORBIDDEN", AppleErrorKind::Forbidden)]
    {
        let server = Server::with_sessions(move |_| Reply::new(status, body)).await;
        let error = server.client().session(token("a")).account().await.unwrap_err();
        assert_eq!((error.kind, error.endpoint, error.status), (kind, Endpoint::Account, Some(status)));
        assert_eq!(server.paths(), [SESSION, ACCOUNT, SESSION, ACCOUNT]);
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_renewed_is_the_answer() {
    let server = Server::start(|seen| match (&*seen.path, seen.nth) {
        (SESSION, 0) => Reply::session("S1"),
        (SESSION, _) => Reply::new(403, "signature_invalid"),
        _ => Reply::new(401, ""),
    })
    .await;
    let error = server.client().session(token("a")).account().await.unwrap_err();
    assert_eq!((error.kind, error.endpoint), (AppleErrorKind::SignatureInvalid, Endpoint::Session));
    assert_eq!(server.paths(), [SESSION, ACCOUNT, SESSION]);
}

#[tokio::test]
async fn what_a_new_session_cannot_cure_opens_none() {
    for (status, body) in [
        (403, "T_C_NOT_SIGNED"),
        (401, "T_C_NOT_SIGNED"),
        (403, "ACCESS_DENIED"),
        (401, "ACCESS_DENIED"),
        (403, "APPLE_SEED_FOR_IT_TURNED_OFF"),
        (403, ""),
        (403, "token_rejected"),
        (400, "FORBIDDEN"),
        (404, ""),
        (429, ""),
        (500, "FORBIDDEN"),
    ] {
        let server = Server::with_sessions(move |_| Reply::new(status, body)).await;
        server.client().session(token("a")).account().await.unwrap_err();
        assert_eq!(server.paths(), [SESSION, ACCOUNT], "{status} {body}");
    }
}

#[tokio::test]
async fn a_dead_session_is_not_sent_again() {
    let server = Server::start(|seen| match (&*seen.path, seen.nth) {
        (SESSION, 1) => Reply::new(503, ""),
        (SESSION, nth) => Reply::session(&format!("S{}", nth + 1)),
        _ => account_for(seen, &["S3"]),
    })
    .await;
    let session = server.client().session(token("a"));
    session.account().await.unwrap_err();
    session.account().await.unwrap();
    assert_eq!(server.paths(), [SESSION, ACCOUNT, SESSION, SESSION, ACCOUNT]);
}

#[tokio::test]
async fn a_200_without_a_session_is_a_refusal() {
    for (body, kind) in [
        (r#"{"auth_session_token":""}"#, AppleErrorKind::Unauthorized),
        (r#"{"auth_session_token":null}"#, AppleErrorKind::Unauthorized),
        ("{}", AppleErrorKind::Unauthorized),
        (r#"{"auth_session_token":7}"#, AppleErrorKind::NotUnderstood),
        (r#"{"auth_session_token":"a\r\nb"}"#, AppleErrorKind::NotUnderstood),
        ("<html>", AppleErrorKind::NotUnderstood),
        ("", AppleErrorKind::NotUnderstood),
    ] {
        let server = Server::start(move |_| Reply::new(200, body)).await;
        let error = server.client().session(token("a")).authenticate().await.unwrap_err();
        assert_eq!((error.kind, error.status), (kind, Some(200)), "{body}");
        assert_eq!(server.paths(), [SESSION], "{body}");
    }
}

#[tokio::test]
async fn authenticating_always_asks_again() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S3"])).await;
    let session = server.client().session(token("a"));
    for _ in 0..3 {
        session.authenticate().await.unwrap();
    }
    session.account().await.unwrap();
    assert_eq!(server.paths(), [SESSION, SESSION, SESSION, ACCOUNT]);
}

#[tokio::test]
async fn a_verification_is_never_one_that_was_under_way_before() {
    let hold = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&hold);
    let server = Server::start(move |seen| match seen.nth {
        0 => Reply::session("S1").held(&held),
        _ => Reply::new(403, "token_rejected"),
    })
    .await;
    let session = server.client().session(token("a"));
    let first = session.clone();
    let first = tokio::spawn(async move { first.authenticate().await });
    while server.seen(SESSION).is_empty() {
        tokio::task::yield_now().await;
    }
    let mut second = Box::pin(session.authenticate());
    tokio::select! {
        biased;
        _ = &mut second => panic!("the first one is still under way"),
        () = std::future::ready(()) => hold.add_permits(1),
    }
    assert_eq!(second.await.unwrap_err().kind, AppleErrorKind::TokenRejected);
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_failed_verification_leaves_a_live_session_alone() {
    let server = Server::start(|seen| match (&*seen.path, seen.nth) {
        (SESSION, 0) => Reply::session("S1"),
        (SESSION, _) => Reply::new(503, ""),
        _ => account_for(seen, &["S1"]),
    })
    .await;
    let session = server.client().session(token("a"));
    session.authenticate().await.unwrap();
    session.authenticate().await.unwrap_err();
    session.account().await.unwrap();
}

const CALLERS: usize = 24;

async fn all(session: &Session) -> Vec<Result<(), AppleError>> {
    let mut calls = JoinSet::new();
    for _ in 0..CALLERS {
        let session = session.clone();
        calls.spawn(async move { session.account().await.map(drop) });
    }
    calls.join_all().await
}

/// A client whose renewal is held back until all callers were refused and wait for it: the hook runs in the same step
/// in which a refused caller joins the queue, and these tests have one thread.
async fn crowd(renewal: impl Fn() -> Reply + Send + Sync + 'static) -> (Server, Session) {
    let (hold, together) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (held, gathered, arrived) = (Arc::clone(&hold), Arc::clone(&together), AtomicUsize::new(0));
    let server = Server::start(move |seen| match (&*seen.path, seen.nth, seen.session()) {
        (SESSION, 0, _) => Reply::session("S1"),
        (SESSION, 1, _) => renewal().held(&held),
        (SESSION, _, _) => Reply::session("SX"),
        (_, _, "S1") => {
            if arrived.fetch_add(1, Ordering::SeqCst) + 1 == CALLERS {
                gathered.add_permits(CALLERS);
            }
            Reply::new(401, "").held(&gathered)
        }
        _ => account_for(seen, &["S2"]),
    })
    .await;
    let refused = AtomicUsize::new(0);
    let config = config_with(&server.url, |config| {
        config.on_request_outcome = Some(Arc::new(move |answer| {
            if answer.status == Some(401) && refused.fetch_add(1, Ordering::SeqCst) + 1 == CALLERS {
                hold.add_permits(1);
            }
        }))
    });
    let session = Client::new(config).unwrap().session(token("a"));
    session.authenticate().await.unwrap();
    (server, session)
}

#[tokio::test]
async fn many_callers_with_a_dead_session_open_one() {
    let (server, session) = crowd(|| Reply::session("S2")).await;
    assert!(all(&session).await.iter().all(Result::is_ok));
    assert_eq!(server.seen(SESSION).len(), 2);
    assert_eq!(server.seen(ACCOUNT).len(), 2 * CALLERS);
}

#[tokio::test]
async fn many_callers_without_a_session_open_one() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1"])).await;
    let session = server.client().session(token("a"));
    assert!(all(&session).await.iter().all(Result::is_ok));
    assert_eq!(server.seen(SESSION).len(), 1);
}

#[tokio::test]
async fn a_failed_renewal_is_the_answer_of_all_who_waited_for_it() {
    let (server, session) = crowd(|| Reply::new(403, "token_rejected")).await;
    for result in all(&session).await {
        assert_eq!(result.unwrap_err().kind, AppleErrorKind::TokenRejected);
    }
    assert_eq!(server.seen(SESSION).len(), 2);
    assert_eq!(server.seen(ACCOUNT).len(), CALLERS);
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_its_place_to_the_next() {
    let hold = Arc::new(Semaphore::new(0));
    let server = Server::start(move |seen| match (&*seen.path, seen.nth) {
        (SESSION, 0) => Reply::session("S1").held(&hold),
        (SESSION, _) => Reply::session("S2"),
        _ => account_for(seen, &["S2"]),
    })
    .await;
    let session = server.client().session(token("a"));
    let impatient = session.clone();
    let impatient = tokio::spawn(async move { impatient.account().await });
    while server.seen(SESSION).is_empty() {
        tokio::task::yield_now().await;
    }
    let patient = session.clone();
    let patient = tokio::spawn(async move { patient.account().await });
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    patient.await.unwrap().unwrap();
    assert_eq!(server.seen(SESSION).len(), 2);
}

#[tokio::test]
async fn callers_survive_rotation_that_kills_the_old_session_at_once() {
    // The server honors only the newest session and rotates with every good answer.
    let live = Mutex::new("S1".to_owned());
    let server = Server::start(move |seen| {
        let mut live = live.lock().unwrap();
        if seen.path == SESSION {
            *live = format!("S{}", seen.nth + 1);
            return Reply::session(&live);
        }
        if seen.session() != *live {
            return Reply::new(403, "FORBIDDEN");
        }
        *live = format!("R{}", seen.nth);
        Reply::new(200, "{}").header("x-adm-auth-session", &live)
    })
    .await;
    let session = server.client().session(token("a"));
    for _ in 0..50 {
        session.account().await.unwrap();
    }
    assert_eq!(server.seen(SESSION).len(), 1);
    assert_eq!(server.seen(ACCOUNT).len(), 50);
}
