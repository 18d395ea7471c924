//! `/metrics`: what the service counts itself, and what a scrape shows of the database.
//!
//! Labels come from fixed sets or from the operator's own settings; nothing that a caller sends becomes one.

use std::{fmt, sync::atomic::AtomicU64, time::Duration};

use jiff::Timestamp;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::checkup::Report;
use crate::{
    app::{AssignmentStatus, Counted, Health, TokenHealth},
    domain::{SettingId, TenantId, TokenStanding, TokenState},
};

/// The format of the text. Source: OpenMetrics 1.0.0.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the duration histogram. An upload waits at most 20 s for Apple.
const SECONDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 10.0, 20.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    status: u32,
}

/// The labels of a value that is shown by one scrape.
type Labels = Vec<(&'static str, String)>;

type OperationLabel = [(&'static str, &'static str); 1];

/// The counters of this process.
#[derive(Clone)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    durations: Family<OperationLabel, Histogram, fn() -> Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(SECONDS);
        Self { requests: Family::default(), durations: Family::new_with_constructor(buckets) }
    }
}

/// What a scrape shows of the application, beside the counters.
pub struct Observed<'a> {
    /// How the service stands.
    pub report: &'a Report,
    /// What was counted since the start.
    pub counted: &'a [(Counted, u64)],
    /// Time between two syncs of a setting.
    pub sync_interval: Duration,
    /// For how long an erased secret has been waiting to leave SQLite's log.
    pub erasure_pending: Duration,
    /// Open connections.
    pub connections: usize,
}

impl Metrics {
    /// Counts a request that was answered.
    pub fn answered(&self, operation: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { operation, status: status.into() }).inc();
        self.durations.get_or_create(&[("operation", operation)]).observe(took.as_secs_f64());
    }

    /// The text of a scrape.
    pub fn text(&self, observed: &Observed<'_>) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("adept");
        registry.register("requests", "Requests answered, by operation and status", self.requests.clone());
        registry.register(
            "request_duration_seconds",
            "Seconds from a request's head to the answer's head",
            self.durations.clone(),
        );
        gauge(&mut registry, "connections", "Open client connections", observed.connections);
        let help = "Seconds since the scheduler last ended a round; over 60 it is stuck";
        age(&mut registry, "scheduler_round_age_seconds", help, observed.report.round_age);
        if let Some(since) = observed.report.details_age {
            let help = "Seconds since what is shown of tokens and devices was read from the database";
            age(&mut registry, "snapshot_age_seconds", help, since);
        }
        register_tokens(&mut registry, &observed.report.health);
        let help = "Seconds between two syncs of a setting";
        gauge(&mut registry, "sync_interval_seconds", help, observed.sync_interval.as_secs());
        let help =
            "Seconds for which an erased secret has been in SQLite's log; over 60 it could not be removed";
        age(&mut registry, "erasure_pending_seconds", help, observed.erasure_pending);
        register_counted(&mut registry, observed.counted);
        register_assignment(&mut registry, &observed.report.assignment);
        let mut text = String::new();
        text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: impl TryInto<i64>) {
    let gauge: Gauge = Gauge::default();
    gauge.set(value.try_into().unwrap_or(i64::MAX));
    registry.register(name, help, gauge);
}

fn age(registry: &mut Registry, name: &str, help: &str, age: Duration) {
    let gauge: Gauge<f64, AtomicU64> = Gauge::default();
    gauge.set(age.as_secs_f64());
    registry.register(name, help, gauge);
}

fn gauges(registry: &mut Registry, name: &str, help: &str, values: impl Iterator<Item = (Labels, i64)>) {
    let family = Family::<Labels, Gauge>::default();
    for (labels, value) in values {
        family.get_or_create(&labels).set(value);
    }
    registry.register(name, help, family);
}

fn register_counted(registry: &mut Registry, counted: &[(Counted, u64)]) {
    let [apple, results, drift, sign_ins, failed_opens, limited] =
        [(); 6].map(|()| Family::<Labels, Counter>::default());
    let repeated: Counter = Counter::default();
    for change in ["added", "changed", "removed"] {
        drift.get_or_create(&vec![("change", change.to_owned())]).inc_by(0);
    }
    for result in ["granted", "refused", "limited", "unavailable"] {
        sign_ins.get_or_create(&vec![("result", result.to_owned())]).inc_by(0);
    }
    for reason in ["unreadable", "over_budget"] {
        failed_opens.get_or_create(&vec![("reason", reason.to_owned())]).inc_by(0);
    }
    for (counted, count) in counted.iter().cloned() {
        match counted {
            Counted::AppleAnswer(endpoint, code) => {
                apple.get_or_create(&vec![("endpoint", endpoint.to_owned()), ("code", code)]).inc_by(count)
            }
            Counted::DeviceResult(asked, result) => {
                let labels = vec![("asked", asked.to_owned()), ("result", result.to_owned())];
                results.get_or_create(&labels).inc_by(count)
            }
            Counted::SignIn(result) => {
                sign_ins.get_or_create(&vec![("result", result.to_owned())]).inc_by(count)
            }
            Counted::FailedOpen(reason) => {
                failed_opens.get_or_create(&vec![("reason", reason.to_owned())]).inc_by(count)
            }
            Counted::LimitedRequest(by) => limited.get_or_create(&vec![("by", by.to_owned())]).inc_by(count),
            Counted::RepeatedCursor => repeated.inc_by(count),
            Counted::Drift(change) => drift.get_or_create(&vec![("change", change.to_owned())]).inc_by(count),
        };
    }
    registry.register("apple_answers", "Answers of Apple's service, by endpoint and code", apple);
    registry.register("repeated_cursors", "Syncs that Apple ended by a repeated cursor", repeated);
    registry.register("drifted_devices", "Devices whose change only a full resync found", drift);
    let help = "Requests over a limit of the operator's, by what it limits";
    registry.register("limited_requests", help, limited);
    registry.register("sign_ins", "Requests for a token, by how they ended", sign_ins);
    let help = "Uploads of server tokens sealed to a key pair of ours that were not opened, by reason";
    registry.register("failed_opens", help, failed_opens);
    registry.register("device_results", "Devices by operation and Apple's result", results);
}

fn of_setting(tenant: TenantId, setting: SettingId) -> Labels {
    vec![("tenant", tenant.to_string()), ("setting", setting.to_string())]
}

fn register_assignment(registry: &mut Registry, assignment: &AssignmentStatus) {
    let waiting = assignment.waiting.iter().map(|devices| {
        let mut labels = of_setting(devices.key.tenant, devices.key.id);
        labels.push(("state", devices.state.to_owned()));
        (labels, devices.devices)
    });
    gauges(registry, "waiting_devices", "Devices whose assignment is tried again, now or later", waiting);
    let foreign = assignment.foreign.iter().map(|(key, devices)| (of_setting(key.tenant, key.id), *devices));
    gauges(registry, "foreign_devices", "Devices with a foreign profile at the last complete scan", foreign);
}

fn of_token(token: &TokenHealth) -> Labels {
    let mut labels = of_setting(token.tenant, token.setting);
    labels.push(("name", token.name.clone().unwrap_or_default()));
    labels
}

fn register_tokens(registry: &mut Registry, health: &Health) {
    let tokens = || health.tokens.iter();
    // What is unknown is omitted: no time is better than 1970.
    let times = |of: fn(&TokenHealth) -> Option<Timestamp>| {
        tokens().filter_map(move |token| Some((of_token(token), of(token)?.as_second())))
    };
    let states = tokens().flat_map(|token| {
        let stands = match token.standing {
            TokenStanding::State(state) => state,
            TokenStanding::Expiring { .. } | TokenStanding::Unverified | TokenStanding::Failing => {
                token.state
            }
        };
        TokenState::ALL.into_iter().map(move |state| {
            let mut labels = of_token(token);
            labels.push(("state", state.as_str().to_owned()));
            (labels, i64::from(state == stands))
        })
    });
    let writable = health.writable.is_ok();
    gauge(registry, "database_writable", "1 while the database takes writes", i64::from(writable));
    let help = "When a setting's server token ends, in seconds since 1970";
    gauges(registry, "token_expiration_timestamp_seconds", help, times(|token| token.expires_at));
    let help = "1 for the state a setting's server token is in, otherwise 0";
    gauges(registry, "token_state", help, states);
    let help = "When a setting was last synced with success, in seconds since 1970";
    gauges(registry, "last_successful_sync_timestamp_seconds", help, times(|token| token.last_success));
    let failures = tokens().map(|token| (of_token(token), token.failures));
    gauges(registry, "failed_syncs", "Syncs of a setting that failed in a row", failures);
    let devices = tokens().map(|token| (of_token(token), token.devices));
    gauges(registry, "devices", "Devices that Apple lists for a setting", devices);
}
