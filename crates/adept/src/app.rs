//! What the service does, independent of how it is asked: onboarding, keys, devices, synchronization.
//!
//! Every check comes before any effect; a change is one transaction; no call to Apple and no RSA work happens while a
//! transaction is open. Nothing here knows HTTP, JSON shapes or SQL.

mod access_audit;
mod apple;
mod apple_access;
mod apple_session;
mod assignment;
mod audit;
mod clock;
mod cores;
mod counters;
mod devices;
mod erasures;
mod error;
mod failpoint;
mod health;
mod keyed_mutex;
mod keys;
mod lease_watch;
mod open_budget;
mod open_token;
mod profiles;
mod purge;
mod schedule;
mod settings;
mod shared_profile_options;
mod supervise;
mod sync;
mod sync_requests;
mod token_checks;
mod token_uploads;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use jiff::SignedDuration;
use tokio::sync::{Mutex, Notify, Semaphore};

pub use access_audit::{Access, AccessAudit};
pub use apple::AppleOptions;
pub use apple_access::AppleAccess;
pub use assignment::{AssignmentRunner, AssignmentStatus};
pub use audit::{AuditLog, event as audit_event};
pub use clock::Clock;
pub use counters::{Counted, Counters};
pub use devices::{AppleLookup, DeviceExplanation, Devices, Imported};
pub use erasures::{Erasures, Scrubbed};
pub use error::Error;
pub use health::{DatabaseProbe, Health, HealthChecks, TokenHealth};
pub use profiles::Profiles;
pub use purge::{Purge, Purged};
pub use schedule::Scheduler;
pub use settings::Settings;
pub use shared_profile_options::SharedOptions;
pub use supervise::{SchedulerState, Watchdog};
pub use sync::SyncRunner;
pub use token_uploads::{TokenUpload, Tokens};

pub use crate::storage::{
    FairSemaphore, ListQuery, Listed, Permit, Position, PrivateFileError, Purpose, in_share_of, read_private,
};
use crate::{
    domain::{
        OPEN_FAILURES, OpenBudget, RELEASES_A_DAY,
        deadline::{LONGEST_REST, Lengths, SESSION_CLAIM},
    },
    storage::Storage,
};

/// How the service behaves.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// Settings a tenant may have: `maximumDepTokens`.
    pub maximum_dep_tokens: i32,
    /// Uploads that cannot be opened which a caller may send at once with a key pair; 0: no limit.
    pub open_failures: u32,
    /// Devices whose release a tenant may request within a day.
    pub max_release: u32,
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
            open_failures: OPEN_FAILURES,
            max_release: RELEASES_A_DAY,
            sync_interval: Duration::from_secs(30 * 60),
            full_fetch_interval: Duration::from_secs(7 * 24 * 60 * 60),
            lease: Duration::from_secs(30),
            parallel_syncs: 64,
            mdm_url: None,
            shared_profile_options: SharedProfileOptions::default(),
        }
    }
}

/// The service: each part's fields are all that it can reach. Always behind an `Arc`.
pub struct App {
    /// Onboarding settings, their key pairs, and syncs that people ask for.
    pub settings: Settings,
    /// Server tokens: their uploads, and what Apple says of those in use.
    pub tokens: Arc<Tokens>,
    /// Devices as callers see them.
    pub devices: Devices,
    /// Enrollment profiles, and which devices they are for.
    pub profiles: Profiles,
    /// Synchronization.
    pub sync: Arc<SyncRunner>,
    /// Assignment.
    pub assignment: Arc<AssignmentRunner>,
    /// What Apple is told of every profile alike.
    pub shared_profile_options: Arc<SharedOptions>,
    /// When which of them runs.
    pub scheduler: Arc<Scheduler>,
    /// Removes what was kept long enough.
    pub purge: Arc<Purge>,
    /// Scrubs the files of what was erased.
    pub erasures: Arc<Erasures>,
    /// The audit log.
    pub audit: AuditLog,
    /// Sign-ins and refused requests, on their way into it.
    pub access_audit: Arc<AccessAudit>,
    /// How database and tokens stand.
    pub health: HealthChecks,
    /// The gate to Apple.
    pub apple: AppleAccess,
    /// What was counted since the start.
    pub counters: Counters,
    /// What sees whether the scheduler still works.
    pub watchdog: Arc<Watchdog>,
    storage: Storage,
    clock: Clock,
}

impl App {
    /// Puts the service together. `options.lease` must be at least ten seconds in production; tests use less.
    pub fn new(
        storage: Storage,
        apple: &AppleOptions,
        clock: Clock,
        options: AppOptions,
    ) -> Result<Arc<Self>, adept_apple::client::ClientConfigError> {
        let lengths = lengths(&options);
        let counters = Counters::default();
        // The last byte of an id is random.
        let times = Arc::new(purge::PurgeTimes::new(&clock, clock.new_id().as_bytes()[15]));
        let (wake, cores, watchdog) = (Arc::new(Notify::new()), cores::Cores::default(), Arc::default());
        let apple = AppleAccess {
            client: apple.client(&clock, &counters, &times)?,
            tokens: storage.tokens.clone(),
            sessions: storage.apple_sessions.clone(),
            clock: clock.clone(),
            claim: lengths.lease.min(SESSION_CLAIM),
        };
        let leases =
            lease_watch::LeaseKeeper { leases: storage.leases.clone(), clock: clock.clone(), lengths };
        let shared = Arc::new(SharedOptions {
            options: options.shared_profile_options,
            mdm_url: options.mdm_url,
            assignments: storage.assignments.clone(),
            clock: clock.clone(),
            seen: Mutex::default(),
        });
        let access_audit = Arc::new(AccessAudit {
            audit: storage.audit.clone(),
            default_tenant: storage.default_tenant(),
            clock: clock.clone(),
            collected: std::sync::Mutex::default(),
            writing: Mutex::default(),
        });
        let tokens = Arc::new(Tokens {
            tokens: storage.tokens.clone(),
            key_pairs: storage.key_pairs.clone(),
            apple: apple.clone(),
            cores: cores.clone(),
            opens: open_budget::OpenBudgets {
                failed: storage.failed_opens.clone(),
                budget: OpenBudget::of(options.open_failures),
                counters: counters.clone(),
                clock: clock.clone(),
            },
            access_audit: Arc::clone(&access_audit),
            warned: moka::sync::Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_secs(120))
                .build(),
            private_keys: moka::sync::Cache::builder()
                .max_capacity(64)
                .time_to_idle(Duration::from_secs(600))
                .build(),
            mutex: keyed_mutex::KeyedMutex::default(),
            clock: clock.clone(),
            lengths,
            wake: Arc::clone(&wake),
        });
        let sync = Arc::new(SyncRunner {
            syncs: storage.syncs.clone(),
            leases: leases.clone(),
            apple: apple.clone(),
            tokens: Arc::clone(&tokens),
            clock: clock.clone(),
            lengths,
            counters: counters.clone(),
        });
        let assignment = Arc::new(AssignmentRunner {
            assignments: storage.assignments.clone(),
            profiles: storage.profiles.clone(),
            leases,
            apple: apple.clone(),
            shared: Arc::clone(&shared),
            clock: clock.clone(),
            lengths,
            counters: counters.clone(),
        });
        let purge = Arc::new(Purge {
            settings: storage.settings.clone(),
            devices: storage.devices.clone(),
            syncs: storage.syncs.clone(),
            created_requests: storage.created_requests.clone(),
            failed_opens: storage.failed_opens.clone(),
            deployment: storage.deployment.clone(),
            clock: clock.clone(),
            times,
        });
        let erasures = Arc::new(Erasures::new(storage.deployment.clone()));
        let scheduler = Arc::new(Scheduler {
            sync: Arc::clone(&sync),
            assignment: Arc::clone(&assignment),
            purge: Arc::clone(&purge),
            erasures: Arc::clone(&erasures),
            shared: Arc::clone(&shared),
            leases: storage.leases.clone(),
            devices: storage.devices.clone(),
            deployment: storage.deployment.clone(),
            clock: clock.clone(),
            lengths,
            slots: Arc::new(Semaphore::new(options.parallel_syncs)),
            wake: Arc::clone(&wake),
            sync_leases: lease_watch::LeaseWatch::default(),
            assignment_leases: lease_watch::LeaseWatch::default(),
            watchdog: Arc::clone(&watchdog),
            schema_refused: AtomicBool::new(false),
        });
        Ok(Arc::new(Self {
            settings: Settings {
                settings: storage.settings.clone(),
                key_pairs: storage.key_pairs.clone(),
                tokens: storage.tokens.clone(),
                syncs: storage.syncs.clone(),
                cores,
                clock: clock.clone(),
                wake,
                maximum: options.maximum_dep_tokens,
            },
            devices: Devices {
                settings: storage.settings.clone(),
                devices: storage.devices.clone(),
                profiles: storage.profiles.clone(),
                assignments: storage.assignments.clone(),
                apple: apple.clone(),
                shared: Arc::clone(&shared),
                clock: clock.clone(),
            },
            profiles: Profiles {
                settings: storage.settings.clone(),
                profiles: storage.profiles.clone(),
                devices: storage.devices.clone(),
                max_release: options.max_release,
                clock: clock.clone(),
                shared: Arc::clone(&shared),
            },
            audit: AuditLog { audit: storage.audit.clone() },
            access_audit,
            health: HealthChecks {
                settings: storage.settings.clone(),
                deployment: storage.deployment.clone(),
                clock: clock.clone(),
            },
            shared_profile_options: shared,
            tokens,
            sync,
            assignment,
            scheduler,
            purge,
            erasures,
            apple,
            counters,
            storage,
            clock,
            watchdog,
        }))
    }

    /// The time by which the service acts.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The storage, for the parts that authenticate callers.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Closes the database; SQLite folds its log into the file. Nothing can be asked afterwards.
    pub async fn close(&self) {
        self.storage.close().await;
    }
}

/// How far ahead deadlines of a deployment may lie.
fn lengths(options: &AppOptions) -> Lengths {
    let length = |duration| SignedDuration::try_from(duration).unwrap_or(LONGEST_REST);
    Lengths {
        lease: length(options.lease),
        sync_interval: length(options.sync_interval),
        full_resync_interval: length(options.full_fetch_interval),
    }
}
