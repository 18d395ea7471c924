//! A scripted server for the client's tests: one function decides every answer, and every request is kept.

use std::sync::{Arc, Mutex};

use adept_apple::{
    client::{Client, ClientConfig},
    secret::Secret,
    token::ServerToken,
};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use jiff::Timestamp;
use tokio::sync::Semaphore;

/// The client's clock and the server's `Date` stand still here.
pub(crate) const NOW: &str = "2026-03-01T12:00:00Z";
pub(crate) const NOW_IN_HTTP: &str = "Sun, 01 Mar 2026 12:00:00 GMT";

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How many requests for this path came before.
    pub(crate) nth: usize,
}

impl Seen {
    /// A header's text; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn session(&self) -> &str {
        self.header("x-adm-auth-session")
    }
}

/// What to answer.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    hold: Option<Arc<Semaphore>>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("date", NOW_IN_HTTP.to_owned())], body: body.into(), hold: None }
    }

    pub(crate) fn session(session: &str) -> Self {
        Self::new(200, format!(r#"{{"auth_session_token":"{session}"}}"#))
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Waits for a permit before it goes out.
    pub(crate) fn held(mut self, hold: &Arc<Semaphore>) -> Self {
        self.hold = Some(Arc::clone(hold));
        self
    }
}

pub(crate) struct Server {
    pub(crate) url: String,
    log: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Serves until the test's runtime ends.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::<Seen>::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&log));
        let app = Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let reply = {
                let mut log = kept.lock().unwrap();
                let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
                let nth = log.iter().filter(|seen| seen.path == path).count();
                let seen = Seen { method, path, query, headers, body, nth };
                log.push(seen.clone());
                answer(&seen)
            };
            async move {
                if let Some(hold) = &reply.hold {
                    hold.acquire().await.unwrap().forget();
                }
                let builder = Response::builder().status(reply.status);
                let builder =
                    reply.headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value));
                builder.body(Body::from(reply.body)).unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, log }
    }

    /// A server that opens session `S<n>` for the n-th time and answers everything else by `answer`.
    pub(crate) async fn with_sessions(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(move |seen| match &*seen.path {
            "/session" => Reply::session(&format!("S{}", seen.nth + 1)),
            _ => answer(seen),
        })
        .await
    }

    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        self.log.lock().unwrap().iter().filter(|seen| seen.path == path).cloned().collect()
    }

    /// The paths asked for, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.log.lock().unwrap().iter().map(|seen| seen.path.clone()).collect()
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(config(&self.url)).unwrap()
    }
}

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn config(url: &str) -> ClientConfig {
    // Another test of this process may have been first; either provider will do.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut config = ClientConfig::new("Test/1.0");
    config.base_url = url.to_owned();
    config.clock = Arc::new(now);
    config
}

/// The same with changes.
pub(crate) fn config_with(url: &str, change: impl FnOnce(&mut ClientConfig)) -> ClientConfig {
    let mut config = config(url);
    change(&mut config);
    config
}

pub(crate) fn token(name: &str) -> Arc<ServerToken> {
    let secret = |prefix: &str| Secret::new(format!("{prefix}_{name}"));
    Arc::new(ServerToken {
        consumer_key: secret("CK"),
        consumer_secret: secret("CS"),
        access_token: secret("AT"),
        access_secret: secret("AS"),
        access_token_expiry: "2026-12-31T00:00:00Z".parse().unwrap(),
    })
}
