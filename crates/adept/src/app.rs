//! What the service does, independent of how it is asked: onboarding, keys, devices, synchronization.
//!
//! Every check comes before any effect; a change is one transaction; no call to Apple and no RSA work happens while a
//! transaction is open. Nothing here knows HTTP, JSON shapes or SQL.

mod apple;
mod apple_session;
mod assignment;
mod audit;
mod clock;
mod devices;
mod error;
mod failpoint;
mod health;
mod keyed_mutex;
mod keys;
mod lease_watch;
mod onboarding;
mod open_token;
mod profiles;
mod purge_times;
mod schedule;
mod settings;
mod supervise;
mod sync;
mod verify;

use std::{
    num::NonZero,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use adept_apple::{client::Client, key_pair::PrivateKey};
use tokio::sync::{Mutex, Notify, Semaphore};
use uuid::Uuid;

pub use apple::AppleOptions;
pub use assignment::AssignmentStatus;
pub use clock::{Clock, Ids};
pub use devices::AppleLookup;
pub use devices::DeviceExplanation;
pub use devices::Imported;
pub use error::Error;
pub use health::{DatabaseProbe, Health, TokenHealth};
pub use onboarding::TokenUpload;
pub use settings::Purged;
pub use supervise::{SchedulerState, Watchdog};
pub use sync::SyncCounted;

pub use crate::storage::{ListQuery, Listed, Position, Purpose};
use crate::{
    domain::{AuditEvent, AuditResource, Change, KeyPairId, Origin, Setting},
    storage::Storage,
};

/// How the service behaves.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// Settings a tenant may have: `maximumDepTokens`.
    pub maximum_dep_tokens: i32,
    /// Time between two syncs of a setting.
    pub sync_interval: Duration,
    /// Time between two fetches of everything that deltas should have told.
    pub full_fetch_interval: Duration,
    /// How long a process owns a setting's sync without renewing its lease.
    pub lease: Duration,
    /// Settings whose waits for Apple overlap in this process.
    pub parallel_syncs: usize,
    /// Where devices enroll, with `{settingId}` and `{tenantId}` where wanted; none while the operator has not said so.
    pub mdm_url: Option<String>,
    /// What Apple is told of every profile alike.
    pub shared_profile_options: SharedProfileOptions,
}

/// What Apple is told of every profile alike, where it is configured; no text is empty.
#[derive(Clone, Debug, Default)]
pub struct SharedProfileOptions {
    /// `org_magic`: the same for all services of one organization, at most 256 characters.
    pub org_magic: Option<String>,
    /// `support_email_address`: at most 250 characters.
    pub support_email_address: Option<String>,
    /// `language`: ISO 639, two or three letters.
    pub language: Option<String>,
    /// `region`: ISO 3166-1, two capital letters.
    pub region: Option<String>,
    /// `anchor_certs`: DER in base64. With any, devices trust no other root at the enrollment URL.
    pub anchor_certs: Vec<String>,
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            maximum_dep_tokens: 100,
            sync_interval: Duration::from_secs(30 * 60),
            full_fetch_interval: Duration::from_secs(7 * 24 * 60 * 60),
            lease: Duration::from_secs(30),
            parallel_syncs: 64,
            mdm_url: None,
            shared_profile_options: SharedProfileOptions::default(),
        }
    }
}

/// The service. Always behind an `Arc`.
pub struct App {
    storage: Storage,
    apple: Client,
    answers: Arc<apple::Answers>,
    results: assignment::AssignmentCounts,
    clock: Clock,
    ids: Ids,
    options: AppOptions,
    /// One slot per core: RSA work beyond that only makes everything slower.
    rsa: Arc<Semaphore>,
    /// Parsed private keys; parsing one costs half an RSA operation. aws-lc zeroizes them when they are dropped.
    private_keys: moka::sync::Cache<KeyPairId, Arc<PrivateKey>>,
    upload_mutex: keyed_mutex::KeyedMutex,
    sync_slots: Arc<Semaphore>,
    wake_sync: Notify,
    sync_leases: lease_watch::LeaseWatch,
    assignment_leases: lease_watch::LeaseWatch,
    sync_counts: sync::SyncCounts,
    watchdog: Arc<Watchdog>,
    purge_times: Arc<purge_times::PurgeTimes>,
    shared_profile_options: Mutex<schedule::SharedProfileOptionsSeen>,
    /// A newer program made the schema such that this one may not write.
    schema_refused: AtomicBool,
}

impl App {
    /// Puts the service together. `options.lease` must be at least ten seconds in production; tests use less.
    pub fn new(
        storage: Storage,
        apple: &AppleOptions,
        clock: Clock,
        options: AppOptions,
    ) -> Result<Arc<Self>, adept_apple::client::ClientConfigError> {
        let answers = Arc::new(apple::Answers::default());
        // The last byte of an id is random.
        let lot = Ids.uuid(&clock).as_bytes()[15];
        let purge_times = Arc::new(purge_times::PurgeTimes::new(&clock, lot));
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Arc::new(Self {
            apple: apple.client(&clock, &answers, &purge_times)?,
            purge_times,
            answers,
            results: assignment::AssignmentCounts::default(),
            storage,
            clock,
            ids: Ids,
            rsa: Arc::new(Semaphore::new(cores)),
            private_keys: moka::sync::Cache::builder()
                .max_capacity(64)
                .time_to_idle(Duration::from_secs(600))
                .build(),
            upload_mutex: keyed_mutex::KeyedMutex::default(),
            sync_slots: Arc::new(Semaphore::new(options.parallel_syncs)),
            wake_sync: Notify::new(),
            sync_leases: lease_watch::LeaseWatch::default(),
            assignment_leases: lease_watch::LeaseWatch::default(),
            sync_counts: sync::SyncCounts::default(),
            watchdog: Arc::default(),
            shared_profile_options: Mutex::default(),
            schema_refused: AtomicBool::new(false),
            options,
        }))
    }

    /// The time by which the service acts.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where new ids come from.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// The storage, for the parts that authenticate callers.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Closes the database; SQLite folds its log into the file. Nothing can be asked afterwards.
    pub async fn close(&self) {
        self.storage.close().await;
    }

    /// What sees whether the scheduler still works.
    pub fn watchdog(&self) -> &Arc<Watchdog> {
        &self.watchdog
    }

    /// `maximumDepTokens`.
    pub fn maximum_dep_tokens(&self) -> i32 {
        self.options.maximum_dep_tokens
    }

    /// Runs CPU-bound cryptography on a blocking thread, at most one task per core at a time.
    async fn on_core<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let stopped =
            |e: &dyn std::fmt::Display| Error::Internal { cause: format!("a blocking task stopped: {e}") };
        let _slot = self.rsa.acquire().await.map_err(|e| stopped(&e))?;
        tokio::task::spawn_blocking(work).await.map_err(|e| stopped(&e))
    }

    fn event(
        &self,
        origin: Option<&Origin>,
        activity: &'static str,
        operation: &'static str,
        setting: &Setting,
        changes: Vec<Change>,
    ) -> AuditEvent {
        let resource = AuditResource {
            kind: "DepOnboardingSetting",
            id: setting.id.to_string(),
            name: setting.token_name.clone(),
        };
        self.event_about(resource, origin, activity, operation, changes)
    }

    fn event_about(
        &self,
        resource: AuditResource,
        origin: Option<&Origin>,
        activity: &'static str,
        operation: &'static str,
        changes: Vec<Change>,
    ) -> AuditEvent {
        let id = self.ids.uuid(&self.clock);
        AuditEvent {
            id,
            at: self.clock.now(),
            actor: origin.map(|origin| origin.caller.clone()),
            activity,
            operation,
            resource,
            changes,
            correlation: origin.map_or(id, |origin| origin.request),
        }
    }
}

/// An id for a new row; sorts by time.
impl Ids {
    /// A fresh UUIDv7.
    pub fn uuid(&self, clock: &Clock) -> Uuid {
        self.at(clock.now())
    }
}
