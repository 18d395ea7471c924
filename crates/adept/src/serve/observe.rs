//! What is written down and counted of requests outside Graph (which does so itself), and the operator's own listener.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use axum_server::Handle;
use tracing::Instrument;

use super::{
    checkup::Checkup,
    health,
    metrics::{CONTENT_TYPE, Metrics, Observed},
};
use crate::{app::App, domain::ClientAddress};

/// Counts and names requests.
#[derive(Clone)]
pub(super) struct Observer {
    pub(super) counters: Metrics,
    pub(super) app: Arc<App>,
}

/// Gives a request an id in the log, and counts it when it is answered.
pub(super) async fn observe(State(observer): State<Observer>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let operation = operation(request.uri().path());
    let address = request.extensions().get::<ClientAddress>().map(|client| tracing::field::display(client.0));
    let span = tracing::info_span!("request", request_id = %observer.app.clock().new_id(), address,
        tenant = tracing::field::Empty, client = tracing::field::Empty);
    async {
        let response = next.run(request).await;
        let (status, took) = (response.status().as_u16(), started.elapsed());
        observer.counters.answered(operation, status, took);
        if response.status().is_success() {
            tracing::debug!(operation, status, ?took, "answered");
        } else {
            tracing::info!(operation, status, ?took, "answered");
        }
        response
    }
    .instrument(span)
    .await
}

/// The name of what is routed here, in logs and metrics.
fn operation(path: &str) -> &'static str {
    match path {
        "/livez" => "health.live",
        "/readyz" => "health.ready",
        "/version" => "health.version",
        _ if path.ends_with("/token") => "oauth.token",
        _ if path.ends_with("/keys") => "oauth.keys",
        _ if path.ends_with("/openid-configuration") => "oauth.discovery",
        _ => "none",
    }
}

#[derive(Clone)]
struct Scraped {
    app: Arc<App>,
    checkup: Arc<Checkup>,
    counters: Metrics,
    served: Handle<SocketAddr>,
}

/// `/metrics` and the health addresses in detail. `served` is the public listener's.
pub(super) fn operator_router(
    app: Arc<App>,
    checkup: Arc<Checkup>,
    counters: Metrics,
    served: Handle<SocketAddr>,
) -> Router {
    let scraped = Scraped { app, checkup: Arc::clone(&checkup), counters, served };
    Router::new().route("/metrics", get(scrape)).with_state(scraped).merge(health::router(checkup, true))
}

async fn scrape(State(scraped): State<Scraped>) -> Response {
    let report = scraped.checkup.report().await;
    let counted = scraped.app.counters.all();
    let observed = Observed {
        report: &report,
        counted: &counted,
        sync_interval: scraped.app.sync.interval(),
        erasure_pending: scraped.app.erasures.pending(),
        connections: scraped.served.connection_count(),
    };
    match scraped.counters.text(&observed) {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
