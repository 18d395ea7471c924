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

use crate::{
    app::{AssignmentStatus, Counted, Health},
    domain::{TokenStanding, TokenState},
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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChangeLabel {
    change: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    tenant: String,
    setting: String,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    tenant: String,
    setting: String,
    name: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    asked: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SettingLabels {
    tenant: String,
    setting: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WaitingLabels {
    tenant: String,
    setting: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AppleLabels {
    endpoint: &'static str,
    code: String,
}

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
    /// Tokens and database.
    pub health: &'a Health,
    /// What was counted since the start.
    pub counted: &'a [(Counted, u64)],
    /// How assignment stands.
    pub assignment: &'a AssignmentStatus,
    /// Time between two syncs of a setting.
    pub sync_interval: Duration,
    /// Open connections.
    pub connections: usize,
    /// Time since the scheduler's last round ended.
    pub round_age: Duration,
    /// Time since tokens and assignment were read; none before the first time.
    pub details_age: Option<Duration>,
}

impl Metrics {
    /// Counts a request that was answered.
    pub fn answered(&self, operation: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { operation, status: status.into() }).inc();
        self.durations.get_or_create(&OperationLabel { operation }).observe(took.as_secs_f64());
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
        let connections: Gauge = Gauge::default();
        connections.set(i64::try_from(observed.connections).unwrap_or(i64::MAX));
        registry.register("connections", "Open client connections", connections);
        register_ages(&mut registry, observed);
        register_tokens(&mut registry, observed.health);
        let interval: Gauge = Gauge::default();
        interval.set(i64::try_from(observed.sync_interval.as_secs()).unwrap_or(i64::MAX));
        registry.register("sync_interval_seconds", "Seconds between two syncs of a setting", interval);
        register_counted(&mut registry, observed.counted);
        register_assignment(&mut registry, observed.assignment);
        let mut text = String::new();
        text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

fn register_ages(registry: &mut Registry, observed: &Observed<'_>) {
    let round: Gauge<f64, AtomicU64> = Gauge::default();
    round.set(observed.round_age.as_secs_f64());
    let help = "Seconds since the scheduler last ended a round; over 60 it is stuck";
    registry.register("scheduler_round_age_seconds", help, round);
    if let Some(age) = observed.details_age {
        let details: Gauge<f64, AtomicU64> = Gauge::default();
        details.set(age.as_secs_f64());
        let help = "Seconds since what is shown of tokens and devices was read from the database";
        registry.register("snapshot_age_seconds", help, details);
    }
}

fn register_counted(registry: &mut Registry, counted: &[(Counted, u64)]) {
    let apple = Family::<AppleLabels, Counter>::default();
    let results = Family::<ResultLabels, Counter>::default();
    let repeated: Counter = Counter::default();
    let drift = Family::<ChangeLabel, Counter>::default();
    for change in ["added", "changed", "removed"] {
        drift.get_or_create(&ChangeLabel { change }).inc_by(0);
    }
    for (counted, count) in counted.iter().cloned() {
        match counted {
            Counted::AppleAnswer(endpoint, code) => {
                apple.get_or_create(&AppleLabels { endpoint, code }).inc_by(count)
            }
            Counted::DeviceResult(asked, result) => {
                results.get_or_create(&ResultLabels { asked, result }).inc_by(count)
            }
            Counted::RepeatedCursor => repeated.inc_by(count),
            Counted::Drift(change) => drift.get_or_create(&ChangeLabel { change }).inc_by(count),
        };
    }
    registry.register("apple_answers", "Answers of Apple's service, by endpoint and code", apple);
    registry.register("repeated_cursors", "Syncs that Apple ended by a repeated cursor", repeated);
    registry.register("drifted_devices", "Devices whose change only a full resync found", drift);
    registry.register("device_results", "Devices by operation and Apple's result", results);
}

fn register_assignment(registry: &mut Registry, assignment: &AssignmentStatus) {
    let waiting = Family::<WaitingLabels, Gauge>::default();
    for devices in &assignment.waiting {
        let labels = WaitingLabels {
            tenant: devices.key.tenant.to_string(),
            setting: devices.key.id.to_string(),
            state: devices.state,
        };
        waiting.get_or_create(&labels).set(devices.devices);
    }
    registry.register("waiting_devices", "Devices whose assignment is tried again, now or later", waiting);
    let foreign = Family::<SettingLabels, Gauge>::default();
    for (key, devices) in &assignment.foreign {
        let labels = SettingLabels { tenant: key.tenant.to_string(), setting: key.id.to_string() };
        foreign.get_or_create(&labels).set(*devices);
    }
    registry.register("foreign_devices", "Devices with a foreign profile at the last complete scan", foreign);
}

fn register_tokens(registry: &mut Registry, health: &Health) {
    let expirations = Family::<TokenLabels, Gauge>::default();
    let states = Family::<StateLabels, Gauge>::default();
    let syncs = Family::<TokenLabels, Gauge>::default();
    let devices = Family::<TokenLabels, Gauge>::default();
    let failures = Family::<TokenLabels, Gauge>::default();
    let up: Gauge = Gauge::default();
    up.set(i64::from(health.writable.is_ok()));
    for token in &health.tokens {
        let labels = || TokenLabels {
            tenant: token.tenant.to_string(),
            setting: token.setting.to_string(),
            name: token.name.clone().unwrap_or_default(),
        };
        set(&expirations, labels(), token.expires_at);
        set(&syncs, labels(), token.last_success);
        devices.get_or_create(&labels()).set(token.devices);
        failures.get_or_create(&labels()).set(token.failures);
        let stands = match token.standing {
            TokenStanding::State(state) => state,
            TokenStanding::Expiring { .. } | TokenStanding::Unverified | TokenStanding::Failing => {
                token.state
            }
        };
        for state in TokenState::ALL {
            let TokenLabels { tenant, setting, name } = labels();
            let labels = StateLabels { tenant, setting, name, state: state.as_str() };
            states.get_or_create(&labels).set(i64::from(state == stands));
        }
    }
    registry.register("database_writable", "1 while the database takes writes", up);
    registry.register(
        "token_expiration_timestamp_seconds",
        "When a setting's server token ends, in seconds since 1970",
        expirations,
    );
    registry.register("token_state", "1 for the state a setting's server token is in, otherwise 0", states);
    registry.register(
        "last_successful_sync_timestamp_seconds",
        "When a setting was last synced with success, in seconds since 1970",
        syncs,
    );
    registry.register("failed_syncs", "Syncs of a setting that failed in a row", failures);
    registry.register("devices", "Devices that Apple lists for a setting", devices);
}

/// What is unknown is omitted: no time is better than 1970.
fn set(family: &Family<TokenLabels, Gauge>, labels: TokenLabels, time: Option<Timestamp>) {
    if let Some(time) = time {
        family.get_or_create(&labels).set(time.as_second());
    }
}
