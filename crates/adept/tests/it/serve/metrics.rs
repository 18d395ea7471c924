//! `/metrics`: the names and labels that dashboards and alerts are built on.

use std::time::Duration;

use adept::{
    app::{AssignmentStatus, Counted, Health, SchedulerState, TokenHealth},
    domain::{SettingId, SettingKey, TenantId, TokenStanding, TokenState},
    serve::{
        checkup::Report,
        metrics::{Metrics, Observed},
    },
    storage::WaitingDevices,
};
use uuid::Uuid;

use super::started::Started;
use crate::support::database::noon;

/// The text of a scrape that shows these counts and no token.
pub fn text_of(counted: &[(Counted, u64)]) -> String {
    text_with(&Metrics::default(), Vec::new(), counted)
}

fn text(metrics: &Metrics, tokens: Vec<TokenHealth>) -> String {
    let counted = [
        (Counted::AppleAnswer("/account", "200".to_owned()), 7),
        (Counted::AppleAnswer("/account", "Forbidden".to_owned()), 1),
        (Counted::DeviceResult("assign", "SUCCESS"), 998),
        (Counted::DeviceResult("assign", "FAILED"), 2),
    ];
    text_with(metrics, tokens, &counted)
}

fn text_with(metrics: &Metrics, tokens: Vec<TokenHealth>, counted: &[(Counted, u64)]) -> String {
    let health = Health { readable: Ok(()), writable: Err("full".to_owned()), tokens };
    let key = SettingKey::new(TenantId(Uuid::from_u128(1)), SettingId(Uuid::from_u128(2)));
    let assignment = AssignmentStatus {
        waiting: vec![WaitingDevices { key, state: "FAILED", devices: 2 }],
        foreign: vec![(key, 3)],
    };
    let report = Report {
        health,
        assignment,
        scheduler: SchedulerState::Running,
        last_round: noon(),
        round_age: Duration::from_millis(1500),
        details_age: Some(Duration::from_millis(250)),
    };
    metrics
        .text(&Observed {
            report: &report,
            counted,
            sync_interval: Duration::from_secs(1800),
            erasure_pending: Duration::from_millis(1250),
            connections: 3,
        })
        .unwrap()
}

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
}

#[test]
fn every_token_has_its_end_state_sync_and_devices() {
    let token = |name: Option<&str>, known: bool| TokenHealth {
        tenant: TenantId(Uuid::from_u128(1)),
        setting: SettingId(Uuid::from_u128(2)),
        name: name.map(str::to_owned),
        state: if known { TokenState::Ok } else { TokenState::None },
        standing: TokenStanding::State(if known { TokenState::Ok } else { TokenState::None }),
        checked_at: known.then(noon),
        expires_at: known.then(noon),
        last_success: known.then(noon),
        failures: 0,
        devices: 2500,
    };
    let text = text(&Metrics::default(), vec![token(Some("Head \"office\""), true)]);
    let labels = "tenant=\"00000000-0000-0000-0000-000000000001\",\
                  setting=\"00000000-0000-0000-0000-000000000002\",name=\"Head \\\"office\\\"\"";
    has(&text, &format!("adept_token_expiration_timestamp_seconds{{{labels}}} 1795435200"));
    has(&text, &format!("adept_last_successful_sync_timestamp_seconds{{{labels}}} 1795435200"));
    has(&text, &format!("adept_devices{{{labels}}} 2500"));
    for state in TokenState::ALL {
        let value = i32::from(state == TokenState::Ok);
        has(&text, &format!("adept_token_state{{{labels},state=\"{}\"}} {value}", state.as_str()));
    }
    has(&text, "adept_device_results_total{asked=\"assign\",result=\"FAILED\"} 2");
    let waiting = labels.split(",name=").next().unwrap();
    has(&text, &format!("adept_waiting_devices{{{waiting},state=\"FAILED\"}} 2"));
    has(&text, &format!("adept_foreign_devices{{{waiting}}} 3"));
    has(&text, "adept_database_writable 0");
    has(&text, "adept_connections 3");
    has(&text, "adept_scheduler_round_age_seconds 1.5");
    has(&text, "adept_snapshot_age_seconds 0.25");
    has(&text, "adept_apple_answers_total{endpoint=\"/account\",code=\"200\"} 7");
    has(&text, "adept_apple_answers_total{endpoint=\"/account\",code=\"Forbidden\"} 1");
    assert!(text.ends_with("# EOF\n"));

    let without = super::metrics::text(&Metrics::default(), vec![token(None, false)]);
    assert!(!without.contains("adept_token_expiration_timestamp_seconds{"), "no time is better than 1970");
}

#[test]
fn requests_are_counted_by_operation_and_status() {
    let metrics = Metrics::default();
    metrics.answered("depOnboardingSetting.list", 200, Duration::from_millis(3));
    metrics.answered("depOnboardingSetting.list", 200, Duration::from_secs(30));
    let text = text(&metrics, Vec::new());
    has(&text, "adept_requests_total{operation=\"depOnboardingSetting.list\",status=\"200\"} 2");
    let bucket = |le: &str| {
        format!(
            "adept_request_duration_seconds_bucket{{le=\"{le}\",operation=\"depOnboardingSetting.list\"}}"
        )
    };
    has(&text, &format!("{} 1", bucket("0.005")));
    has(&text, &format!("{} 1", bucket("20.0")));
    has(&text, &format!("{} 2", bucket("+Inf")));
}

#[tokio::test]
async fn a_scrape_shows_what_was_asked() {
    let service = Started::new().await;
    service.get("/livez").await;
    service.get("/beta/deviceManagement").await;
    let tenant = service.storage().default_tenant();
    service.token(tenant, &[]).await;
    let scrape = service.operator("/metrics").await;
    assert_eq!(scrape.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    has(&scrape.text, "adept_requests_total{operation=\"health.live\",status=\"200\"} 1");
    has(&scrape.text, "adept_requests_total{operation=\"oauth.token\",status=\"400\"} 1");
    assert!(scrape.text.contains("status=\"401\"} 1"), "{}", scrape.text);
    has(&scrape.text, "adept_database_writable 1");
}
