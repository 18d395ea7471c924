//! `/livez`, `/readyz` and `/version`: whether the process runs, whether it can work, and what it is.
//!
//! Anyone may ask, so the public answers name no tenant, setting or token, and the database is asked at most once a
//! second. The metrics listener, which is the operator's, also lists every token.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::app::{App, Health, TokenHealth};

/// How old a health report may be.
const FRESH: Duration = Duration::from_secs(1);

/// Asks the application how it is, for many askers at once.
pub struct Checkup {
    app: Arc<App>,
    last: Mutex<Option<(Instant, Arc<Health>)>>,
}

impl Checkup {
    /// A checkup of `app`.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, last: Mutex::new(None) }
    }

    /// A report that is at most a second old.
    pub async fn health(&self) -> Arc<Health> {
        let mut last = self.last.lock().await;
        if let Some((at, health)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return Arc::clone(health);
        }
        let health = Arc::new(self.app.health().await);
        *last = Some((Instant::now(), Arc::clone(&health)));
        health
    }
}

/// The three addresses, without details.
pub fn public_router(checkup: Arc<Checkup>) -> Router {
    Router::new().route("/readyz", get(ready)).with_state(checkup).merge(bare_router())
}

/// The three addresses for the operator, with every token.
pub fn operator_router(checkup: Arc<Checkup>) -> Router {
    Router::new().route("/readyz", get(ready_in_detail)).with_state(checkup).merge(bare_router())
}

fn bare_router() -> Router {
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/version", get(version))
}

async fn version() -> Json<Value> {
    Json(json!({ "name": "adept", "version": env!("CARGO_PKG_VERSION") }))
}

async fn ready(State(checkup): State<Arc<Checkup>>) -> Response {
    let health = checkup.health().await;
    answer(&health, None)
}

async fn ready_in_detail(State(checkup): State<Arc<Checkup>>) -> Response {
    let health = checkup.health().await;
    let tokens = health.tokens.iter().map(detail).collect();
    answer(&health, Some(tokens))
}

fn answer(health: &Health, details: Option<Vec<Value>>) -> Response {
    let reasons = reasons(health, details.is_some());
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({
        "status": if reasons.is_empty() { "ready" } else { "unavailable" },
        "reasons": reasons,
        "tokensInTrouble": health.tokens.iter().filter(|token| token.standing.in_trouble()).count(),
    });
    if let Some(details) = details {
        body["tokens"] = details.into();
    }
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], (status, Json(body))).into_response()
}

/// Why the service cannot do all its work. A token in trouble is no reason: other settings go on, and no restart helps.
fn reasons(health: &Health, with_cause: bool) -> Vec<String> {
    let because = |sentence: &str, cause: &String| {
        if with_cause { format!("{sentence} ({cause})") } else { sentence.to_owned() }
    };
    match (&health.readable, &health.writable) {
        (Err(cause), _) => {
            vec![because("The database does not answer: nothing can be read or changed.", cause)]
        }
        (Ok(()), Err(cause)) => {
            vec![because("The database is read-only, full or locked: reads work, changes do not.", cause)]
        }
        (Ok(()), Ok(())) => Vec::new(),
    }
}

fn detail(token: &TokenHealth) -> Value {
    json!({
        "tenant": token.tenant.to_string(),
        "setting": token.setting.to_string(),
        "name": token.name,
        "state": token.standing.as_str(),
        "means": token.standing.sentence(),
        "checked": token.checked_at.map(|time| time.to_string()),
        "expires": token.expires_at.map(|time| time.to_string()),
        "lastSuccessfulSync": token.last_success.map(|time| time.to_string()),
        "lastSyncErrorCode": token.state.sync_error_code(),
        "failedSyncs": token.failures,
        "devices": token.devices,
    })
}
