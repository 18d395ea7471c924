//! Storage: the only SQL of the service. It answers with `domain`'s words and opens sealed values; it decides nothing.
//!
//! Absence is `Option`, not an error; times and ids are passed in. Every write of a setting's learned state says under
//! which token generation, lease epoch and cursor revision it was learned, and touches one row or nothing.

mod absent;
mod apple_sessions;
mod assignment;
mod audit;
mod clients;
mod created_requests;
mod db;
mod deployment;
mod desired;
mod device_events;
mod devices;
mod error;
mod filter;
mod health;
mod keys;
mod list;
mod onboarding;
mod profiles;
mod sealing;
mod settings;
mod sync;
mod sync_runs;
mod tenants;
mod verification;

use std::path::PathBuf;

pub use absent::{AbsentAction, FetchEnd, FullFetchMove, ListedDevice};
pub use apple_sessions::{AppleSession, SessionKept, TokenRow};
pub use assignment::{
    Assigned, AssignmentClaim, AssignmentEnd, Begun, DeviceResult, DeviceStory, Held, InFlightCall, Plan,
    PlannedProfile, Released, ScanPosition, Shown, ShownDevice, WaitingDevices, WorkDevice,
};
pub use clients::ClientRow;
pub use created_requests::{CREATES_REMEMBERED, EntityCreated};
pub use db::DatabaseOptions;
pub use deployment::SigningKeyRow;
pub use desired::{DesiredChange, DeviceWrites};
pub use error::Error;
pub use health::SettingHealth;
pub use keys::{KeyAdded, KeyPairRow, KeyStatus, NewKeyPair};
pub use list::{ListQuery, Listed, Position};
pub use onboarding::{NewToken, Onboarding, StoredToken, TokenChange, TokenChanged};
pub use profiles::{PasswordChange, ProfileDeleted};
pub use sealing::{SealingKey, SealingKeyError};
pub use settings::Created;
pub use sync::{BETWEEN_SYNCS, Claim, CursorMove, CursorPlace, Lease, SyncEnd};
pub use sync_runs::RunPart;
pub use tenants::TenantRow;
pub use verification::TokenVerification;

use db::Db;

/// The schema's steps, in order; each ran once on each database.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "initial", include_str!("../migrations/0001_initial.sql")),
    (2, "profiles", include_str!("../migrations/0002_profiles.sql")),
    (3, "audit_index", include_str!("../migrations/0003_audit_index.sql")),
    (4, "sync_history", include_str!("../migrations/0004_sync_history.sql")),
    (5, "apple_sessions", include_str!("../migrations/0005_apple_sessions.sql")),
    (6, "deleted_devices", include_str!("../migrations/0006_deleted_devices.sql")),
    (7, "assignment", include_str!("../migrations/0007_assignment.sql")),
    (8, "calls_under_way", include_str!("../migrations/0008_calls_under_way.sql")),
    (9, "faults_of_profile_calls", include_str!("../migrations/0009_faults_of_profile_calls.sql")),
    (10, "refusals_and_rests", include_str!("../migrations/0010_refusals_and_rests.sql")),
    (11, "apple_profiles_of_a_tenant", include_str!("../migrations/0011_apple_profiles_of_a_tenant.sql")),
];

/// How to open the storage.
#[derive(Clone, Debug)]
pub struct StorageOptions {
    /// Which database.
    pub database: DatabaseOptions,
    /// The sealing key's file.
    pub sealing_key_file: PathBuf,
    /// Whether the key may be made when the database holds nothing that was ever sealed. Replicas share a key, so
    /// with PostgreSQL an existing one must be given.
    pub may_create_sealing_key: bool,
}

/// Why the storage did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Database(#[from] Error),
    /// The sealing key.
    #[error(transparent)]
    SealingKey(#[from] SealingKeyError),
    /// The key file is not the one this database was sealed with.
    #[error(
        "the sealing key {file} (id {id}) is not the one this database was sealed with: {cause}. Nothing was changed; \
         restore the key file that belongs to this database"
    )]
    WrongSealingKey {
        /// The file.
        file: PathBuf,
        /// Its id.
        id: String,
        /// What did not open.
        cause: String,
    },
}

/// The open storage. Cheap to clone.
#[derive(Clone)]
pub struct Storage {
    db: Db,
    key: std::sync::Arc<SealingKey>,
    default_tenant: adept_domain::TenantId,
    /// Devices that were added since the table was settled last.
    grown: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Storage {
    /// Opens and migrates the database, and verifies that the sealing key is the right one. `fresh_tenant` becomes the
    /// default tenant if the database has none yet. A database that cannot be written is opened for reading.
    pub async fn open(
        options: &StorageOptions,
        now: jiff::Timestamp,
        fresh_tenant: adept_domain::TenantId,
    ) -> Result<Self, OpenError> {
        let db = Db::open(&options.database).await?;
        match db.migrate(MIGRATIONS).await {
            Ok(()) => {}
            Err(Error::Unavailable(_)) if deployment::is_migrated(&db).await => {}
            Err(other) => return Err(other.into()),
        }
        let key = deployment::sealing_key(&db, options).await?;
        let default_tenant = deployment::default_tenant(&db, now, fresh_tenant).await?;
        Ok(Self { db, key: std::sync::Arc::new(key), default_tenant, grown: Default::default() })
    }

    /// Opens what is there and changes nothing: no migration, no key, no tenant is made.
    pub async fn inspect(options: &StorageOptions) -> Result<Self, OpenError> {
        let db = Db::open(&DatabaseOptions { create: false, ..options.database.clone() }).await?;
        if !deployment::is_migrated(&db).await {
            let cause = "its schema is missing or older than this version; `adept migrate` or `adept serve` applies it";
            return Err(Error::Migration(cause.to_owned()).into());
        }
        let key = deployment::existing_sealing_key(&db, options).await?;
        let tenant = deployment::stored_default_tenant(&db).await?;
        let default_tenant = tenant
            .ok_or_else(|| Error::Corrupt("it has no default tenant; start `adept serve` once".to_owned()))?;
        Ok(Self { db, key: std::sync::Arc::new(key), default_tenant, grown: Default::default() })
    }

    /// Applies missing migrations and nothing else.
    pub async fn migrate(options: &DatabaseOptions) -> Result<(), Error> {
        let db = Db::open(options).await?;
        let migrated = db.migrate(MIGRATIONS).await;
        db.close().await;
        migrated
    }

    /// The tenant that was made with the database.
    pub fn default_tenant(&self) -> adept_domain::TenantId {
        self.default_tenant
    }

    /// The id of the sealing key in use.
    pub fn sealing_key_id(&self) -> String {
        self.key.id()
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.db.close().await;
    }
}
