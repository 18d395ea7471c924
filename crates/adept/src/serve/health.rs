//! `/livez`, `/readyz` and `/version`: whether the process runs, whether it can work, and what it is.
//!
//! Anyone may ask, so the public answers name no tenant, setting or token. The metrics listener, which is the operator's,
//! also lists every token. No answer waits for the database; see [`Checkup`].

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::checkup::{Checkup, Report};
use crate::app::{Health, SchedulerState, TokenHealth};

/// The three addresses; `in_detail` for the operator, with every token.
pub fn router(checkup: Arc<Checkup>, in_detail: bool) -> Router {
    let ready = move |State(checkup): State<Arc<Checkup>>| async move { ready(&checkup, in_detail).await };
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .with_state(checkup)
}

/// Dead is only what a restart helps: a database that is gone is no reason.
async fn live(State(checkup): State<Arc<Checkup>>) -> (StatusCode, &'static str) {
    match checkup.scheduler() {
        SchedulerState::Running | SchedulerState::Stuck => (StatusCode::OK, "ok\n"),
        SchedulerState::Dead => (StatusCode::SERVICE_UNAVAILABLE, "the scheduler is stuck\n"),
    }
}

async fn version() -> Json<Value> {
    Json(json!({ "name": "adept", "version": env!("CARGO_PKG_VERSION") }))
}

async fn ready(checkup: &Checkup, in_detail: bool) -> Response {
    let report = checkup.report().await;
    let health = &report.health;
    let reasons = reasons(health, in_detail);
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({
        "status": if reasons.is_empty() { "ready" } else { "unavailable" },
        "reasons": reasons,
        "scheduler": scheduler(&report),
        "tokensInTrouble": health.tokens.iter().filter(|token| token.standing.in_trouble()).count(),
    });
    if in_detail {
        body["tokens"] = health.tokens.iter().map(detail).collect();
    }
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], (status, Json(body))).into_response()
}

/// A stuck scheduler is no reason to take requests away from this process: they go on.
fn scheduler(report: &Report) -> String {
    match report.scheduler {
        SchedulerState::Running => "running".to_owned(),
        SchedulerState::Stuck | SchedulerState::Dead => format!("stuck since {:.0}", report.last_round),
    }
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::app::{Clock, Watchdog};

    async fn body(response: Response) -> Value {
        let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// What is shown of a scheduler that has hung for so many seconds.
    fn hung_for(seconds: u64) -> Arc<Checkup> {
        let watchdog = Watchdog::since(Instant::now() - Duration::from_secs(seconds));
        let clock = Clock::fixed("2026-11-28T12:00:00Z".parse().unwrap());
        Arc::new(Checkup::new(Arc::new(watchdog), clock))
    }

    #[tokio::test]
    async fn a_scheduler_that_hangs_shows_in_readyz_and_after_five_minutes_in_livez() {
        assert_eq!(body(ready(&hung_for(50), false).await).await["scheduler"], "running");
        let since = "stuck since 2026-11-28T11:58:5";
        for shown in [ready(&hung_for(61), false).await, ready(&hung_for(61), true).await] {
            let shown = body(shown).await["scheduler"].clone();
            assert!(shown.as_str().unwrap().starts_with(since), "{shown}");
        }
        assert_eq!(live(State(hung_for(61))).await.0, StatusCode::OK);
        assert_eq!(live(State(hung_for(300))).await.0, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn who_asks_before_anything_is_known_is_answered_within_a_second() {
        let checkup = Checkup::new(Arc::default(), Clock::system());
        let begun = Instant::now();
        let response = ready(&checkup, false).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}
