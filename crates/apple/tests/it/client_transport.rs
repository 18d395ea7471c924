//! Bad roads: cut connections, slow ones, wrong ones, too much of an answer, and bases that no client is made for.

use std::{sync::Arc, time::Duration};

use adept_apple::{
    client::{Client, ClientConfigError},
    error::{AppleError, AppleErrorKind as Kind, Endpoint},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Semaphore,
};

use crate::client_server::{Reply, Server, config, config_with, token};

/// What the client makes of these bytes; the connection ends after them, or stays open when `linger`.
async fn answered(bytes: &str, linger: bool) -> AppleError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bytes = bytes.to_owned();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            // One read is enough: the request is short, and what it says does not matter here.
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
            if linger {
                open.push(stream);
            }
        }
    });
    let config = config_with(&url, |config| config.timeout = Duration::from_millis(300));
    Client::new(config).unwrap().session(token("a")).authenticate().await.unwrap_err()
}

#[tokio::test]
async fn a_cut_connection_is_unreachable() {
    for bytes in [
        "",
        "HTTP/1.1 200 O",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"auth_session",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"aut",
        "no http at all\r\n\r\n",
    ] {
        let error = answered(bytes, false).await;
        assert_eq!((error.kind, error.is_unsent), (Kind::Unreachable, false), "{bytes}: {error:?}");
    }
}

#[tokio::test]
async fn a_refusal_counts_even_when_its_body_is_cut() {
    let error = answered("HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 100\r\n\r\noh", false).await;
    assert_eq!((error.kind, error.status), (Kind::ServerError, Some(503)));
    assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn silence_and_a_body_that_never_ends_are_a_timeout() {
    for bytes in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"auth"] {
        let error = answered(bytes, true).await;
        assert_eq!(error.kind, Kind::Timeout, "{bytes}: {error:?}");
    }
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Client::new(config(&url)).unwrap().session(token("a")).authenticate().await.unwrap_err();
    assert_eq!((error.kind, error.endpoint, error.status), (Kind::Unreachable, Endpoint::Session, None));
    assert!(error.is_unsent);
    assert_eq!(error.to_string(), "Apple could not be reached or cut the connection (GET /session)");
    assert!(error.detail.is_some_and(|detail| !detail.contains("127.0.0.1/")));
}

#[tokio::test]
async fn a_call_that_is_cut_tells_whether_it_was_made() {
    let never = Arc::new(Semaphore::new(0));
    for (held, endpoint) in [("/session", Endpoint::Session), ("/account", Endpoint::Account)] {
        let never = Arc::clone(&never);
        let server = Server::start(move |seen| {
            let reply = Reply::session("S");
            if seen.path == held { reply.held(&never) } else { reply }
        })
        .await;
        let session = Client::new(config(&server.url)).unwrap().session(token("a"));
        let error = session.within(Duration::from_millis(300)).account().await.unwrap_err();
        assert_eq!((error.kind, error.endpoint), (Kind::Timeout, endpoint));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(|_| Reply::session("STOLEN")).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/session", elsewhere.url);
        let server = Server::start(move |_| Reply::new(status, "").header("location", &location)).await;
        let error = server.client().session(token("a")).authenticate().await.unwrap_err();
        assert_eq!((error.kind, error.status), (Kind::Redirected, Some(status)));
    }
    assert!(elsewhere.paths().is_empty());
}

#[tokio::test]
async fn html_with_status_200_is_not_understood() {
    let server = Server::with_sessions(|_| {
        Reply::new(200, "<html>Welcome to the hotel</html>").header("content-type", "text/html")
    })
    .await;
    let session = server.client().session(token("a"));
    let error = session.sync_devices("c", 10).await.unwrap_err();
    assert_eq!((error.kind, error.status), (Kind::NotUnderstood, Some(200)));
    assert_eq!(error.detail.as_deref(), Some("33 bytes of text/html"));
}

#[tokio::test]
async fn of_a_long_error_body_only_the_start_is_read() {
    let server = Server::with_sessions(|_| Reply::new(403, vec![b'x'; 1024 * 1024])).await;
    let error = server.client().session(token("a")).account().await.unwrap_err();
    assert_eq!((error.kind, error.code), (Kind::Forbidden, None));
    assert_eq!(error.detail.map(|detail| detail.len()), Some(1024));
}

#[tokio::test]
async fn a_success_over_the_limit_is_dropped() {
    let padded = |length: usize| format!("{{\"server_name\":\"{}\"}}", "x".repeat(length));
    let server = Server::with_sessions(move |_| Reply::new(200, padded(2000))).await;
    let limited =
        |max_body| Client::new(config_with(&server.url, |config| config.max_body = max_body)).unwrap();
    let error = limited(2000).session(token("a")).account().await.unwrap_err();
    assert_eq!((error.kind, error.status), (Kind::BodyTooLarge, Some(200)));
    limited(2018).session(token("a")).account().await.unwrap();
}

#[tokio::test]
async fn a_success_of_unknown_length_is_measured_while_it_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        // Endless, until the client hangs up.
        while stream.write_all(b"4\r\n    \r\n").await.is_ok() {}
    });
    let client = Client::new(config_with(&url, |config| config.max_body = 5000)).unwrap();
    assert_eq!(client.session(token("a")).authenticate().await.unwrap_err().kind, Kind::BodyTooLarge);
}

#[tokio::test]
async fn the_time_limit_covers_a_held_answer() {
    let never = Arc::new(Semaphore::new(0));
    let server = Server::start(move |_| Reply::session("S1").held(&never)).await;
    let config = config_with(&server.url, |config| config.timeout = Duration::from_millis(200));
    let error = Client::new(config).unwrap().session(token("a")).authenticate().await.unwrap_err();
    assert_eq!(error.kind, Kind::Timeout);
}

#[tokio::test]
async fn a_base_url_may_have_a_path() {
    let server = Server::start(|_| Reply::session("S1")).await;
    let client = Client::new(config(&format!("{}/apple/", server.url))).unwrap();
    client.session(token("a")).authenticate().await.unwrap();
    assert_eq!(server.paths(), ["/apple/session"]);
}

#[tokio::test]
async fn plain_http_leaves_this_machine_only_by_consent() {
    for base_url in ["http://127.0.0.1:1", "http://127.8.8.8/x", "http://[::1]:1", "http://LOCALHOST:1"] {
        assert!(Client::new(config(base_url)).is_ok(), "{base_url}");
    }
    // A machine without CA certificates makes no client for https, but not because of the address.
    let refused = Client::new(config("https://a.test")).err();
    assert!(matches!(refused, None | Some(ClientConfigError::Tls(_))));
    for base_url in ["http://a.test", "http://10.0.0.1", "http://localhost.a.test", "http://0.0.0.0:1"] {
        assert!(matches!(Client::new(config(base_url)), Err(ClientConfigError::PlainHttp(_))), "{base_url}");
        assert!(
            Client::new(config_with(base_url, |config| config.allow_plain_http = true)).is_ok(),
            "{base_url}"
        );
    }
}

#[tokio::test]
async fn an_unusable_configuration_makes_no_client() {
    for base_url in [
        "",
        "apple",
        "ftp://a.test",
        "https://u@a.test",
        "https://:p@a.test",
        "https://a.test?x",
        "https://a.test#x",
    ] {
        assert!(matches!(Client::new(config(base_url)), Err(ClientConfigError::BaseUrl(_))), "{base_url}");
    }
    for user_agent in ["", " ", "a\nb", "ü"] {
        let config = config_with("http://localhost", |config| config.user_agent = user_agent.to_owned());
        assert!(matches!(Client::new(config), Err(ClientConfigError::UserAgent)), "{user_agent}");
    }
    for base_url in ["http://localhost", "https://localhost"] {
        let config = config_with(base_url, |config| config.extra_roots = vec![b"not a certificate".to_vec()]);
        assert!(matches!(Client::new(config), Err(ClientConfigError::Tls(_))), "{base_url}");
    }
}
