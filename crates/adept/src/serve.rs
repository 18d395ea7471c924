//! The running service: listeners, what answers on them, what runs in the background, and how all of it stops.
//!
//! Reads no configuration and opens no storage; `cli` hands in what it opened.

pub mod checkup;
pub mod client_address;
mod connection;
mod connections;
mod displaced;
pub mod forwarded;
pub mod health;
mod limits;
mod listener;
mod masked;
pub mod metrics;
mod observe;
pub mod probes;
pub mod signals;
mod slow_readers;
pub mod telemetry;
mod timed_stream;
pub mod tls;
pub mod token_expiry_log;
mod unread;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use axum_server::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};

pub use listener::Listener;
pub use tls::Trust;

use crate::{
    app::{App, Purpose},
    auth::Auth,
    graph::{self, Graph, RequestLimits},
    oauth::{self, OAuth},
};
use checkup::Checkup;
use connection::Connection;
use connections::Connections;
use forwarded::TrustedProxies;
use limits::Timeouts;
use metrics::Metrics;
use tls::{Tls, TlsError};
use unread::drain_unread;

/// How long requests may still run once the service is asked to stop.
const FINISH: Duration = Duration::from_secs(25);
/// How long the background then may take to give back what it holds.
const SETTLE: Duration = Duration::from_secs(2);
/// How long the database then may take to be closed. All in all a stop ends within 28 s.
const CLOSE: Duration = Duration::from_millis(800);

/// Connections to the operator's listener, so that probes and metrics are answered whatever clients do to the other one.
const OPERATORS: usize = 100;

/// Shorter answers are not worth compressing, in bytes.
const LEAST_COMPRESSED: u16 = 1024;

/// What a service is made of.
pub struct Parts {
    /// What it does.
    pub app: Arc<App>,
    /// Who may use it. Its public URL is the service's.
    pub auth: Arc<Auth>,
    /// Where it listens.
    pub listener: Listener,
    /// Its certificate; none for plain HTTP.
    pub tls: Option<tls::Source>,
    /// Where the operator's metrics are; none for nowhere.
    pub metrics: Option<Listener>,
    /// Connections at once.
    pub max_connections: usize,
    /// The operator's proxies in front of it.
    pub proxies: TrustedProxies,
    /// Whether callers of Graph are throttled by its documented figures.
    pub throttled: bool,
    /// How many requests to Graph a minute the operator admits.
    pub limits: RequestLimits,
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A service that answers. Dropping it stops it at once; [`Running::stop`] lets requests finish.
pub struct Running {
    address: SocketAddr,
    metrics_url: Option<String>,
    trust: Option<Trust>,
    app: Arc<App>,
    auth: Arc<Auth>,
    shutdown: CancellationToken,
    servers: Vec<Handle<SocketAddr>>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Starts everything; from here on it answers.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts { app, auth, listener, tls, metrics, max_connections, proxies, throttled, limits } = parts;
        let clock = app.clock().clone();
        let tls = match tls {
            Some(source) => Some(Arc::new(Tls::open(source, clock.now())?)),
            None => None,
        };
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let checkup = Arc::new(Checkup::new(Arc::clone(&app.watchdog), clock.clone()));
        let counters = Metrics::default();
        let timeouts = Timeouts::default();

        let address = listener.address();
        let handle = Handle::new();
        let metrics_url = metrics.as_ref().map(|listener| format!("http://{}", listener.address()));
        let mut servers = vec![handle.clone()];
        if let Some(listener) = metrics {
            let operators = observe::operator_router(
                Arc::clone(&app),
                Arc::clone(&checkup),
                counters.clone(),
                handle.clone(),
            );
            let handle = Handle::new();
            servers.push(handle.clone());
            let operators = client_address::noted(operators, proxies.clone());
            let connections = Connections::new(OPERATORS, proxies.clone());
            tasks.spawn(listener.serve(operators, None, handle, connections, timeouts));
        }
        tasks.spawn(Arc::clone(&checkup).run(Arc::clone(&app), shutdown.clone()));
        let router = public_router(&app, &auth, (throttled, limits), checkup, counters, timeouts);
        let connections = Connections::new(max_connections, proxies.clone());
        let router = client_address::noted(router, proxies);
        let rustls = tls.as_ref().map(|tls| tls.rustls());
        tasks.spawn(listener.serve(router, rustls, handle, connections, timeouts));

        let trust = tls.as_ref().and_then(|tls| tls.trust().cloned());
        if let Some(tls) = tls {
            tasks.spawn(tls.keep_fresh(clock.clone(), shutdown.clone()));
        }
        tasks.spawn(token_expiry_log::run(Arc::clone(&app), clock, shutdown.clone()));
        tasks.spawn(Arc::clone(&app.scheduler).run(shutdown.clone()));
        tasks.spawn(prepare(Arc::clone(&auth), shutdown.clone()));
        tasks.spawn(Arc::clone(&app.access_audit).run(shutdown.clone()));
        Ok(Self { address, metrics_url, trust, app, auth, shutdown, servers, tasks })
    }

    /// The public URL.
    pub fn url(&self) -> &str {
        self.auth.public_url().as_str()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics are.
    pub fn metrics_url(&self) -> Option<&str> {
        self.metrics_url.as_deref()
    }

    /// The local authority that clients have to trust; none with the operator's certificates or plain HTTP.
    pub fn trust(&self) -> Option<&Trust> {
        self.trust.as_ref()
    }

    /// What it does, to be called without HTTP.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Stops: no new connections, requests get 25 seconds to finish, the background gives back what it holds. Ends within
    /// 28 seconds, also when the database never answers.
    pub async fn stop(mut self) {
        for server in &self.servers {
            server.graceful_shutdown(Some(FINISH));
        }
        self.shutdown.cancel();
        let settled =
            tokio::time::timeout(FINISH + SETTLE, async { while self.tasks.join_next().await.is_some() {} });
        if settled.await.is_err() {
            tracing::warn!("some work did not end in time and was dropped");
        }
        self.tasks.abort_all();
        let close = async {
            if let Err(error) = self.app.access_audit.flush().await {
                tracing::warn!(%error, "the last sign-ins and refused requests are not in the audit log");
            }
            self.app.close().await;
        };
        if tokio::time::timeout(CLOSE, close).await.is_err() {
            tracing::warn!("the database did not end in time and was left as it is; nothing stored is lost");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.servers.iter().for_each(Handle::shutdown);
    }
}

fn public_router(
    app: &Arc<App>,
    auth: &Arc<Auth>,
    (throttled, limits): (bool, RequestLimits),
    checkup: Arc<Checkup>,
    counters: Metrics,
    timeouts: Timeouts,
) -> Router {
    let counted = {
        let counters = counters.clone();
        Arc::new(move |operation: &'static str, status: u16, took: Duration| {
            counters.answered(operation, status, took);
        })
    };
    let graph = Graph {
        app: Arc::clone(app),
        auth: Arc::clone(auth),
        public_url: auth.public_url().as_str().to_owned(),
        throttled,
        limits,
        on_request: counted,
        on_caller: Arc::new(|extensions| {
            if let Some(connection) = extensions.get::<Arc<Connection>>() {
                connection.has_good_bearer();
            }
        }),
    };
    let oauth = oauth::router(OAuth { auth: Arc::clone(auth), app: Arc::clone(app) });
    let around = observe::Observer { counters, app: Arc::clone(app) };
    let outside = oauth
        .merge(health::router(checkup, false))
        .layer(middleware::from_fn_with_state(around, observe::observe));
    for_clients(graph::router(graph, outside))
        .layer(middleware::from_fn_with_state(timeouts, limits::no_slow_bodies))
}

/// What every request of a client passes: limits of its own at the database, its body read to the end, a short answer.
pub fn for_clients(router: Router) -> Router {
    let long = SizeAbove::new(LEAST_COMPRESSED).and(NotForContentType::IMAGES);
    router
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(long))
        .layer(middleware::from_fn(for_a_request))
        .layer(middleware::from_fn(drain_unread))
}

/// Requests have connections to the database and time limits of their own.
async fn for_a_request(request: Request, next: Next) -> Response {
    Purpose::Request.scope(next.run(request)).await
}

/// Makes the signing key ahead of the first sign-in, which would otherwise wait for it.
async fn prepare(auth: Arc<Auth>, shutdown: CancellationToken) {
    let prepared = tokio::select! {
        prepared = auth.prepare() => prepared,
        () = shutdown.cancelled() => return,
    };
    if let Err(cause) = prepared {
        tracing::error!(cause, "there is no signing key: nobody can sign in until the database can be used");
    }
}
