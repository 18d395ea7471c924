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
mod leases;
mod list;
mod profiles;
mod purge;
mod schema;
mod sealing;
mod setting_state;
mod settings;
mod sync;
mod sync_runs;
mod tenants;
mod tokens;

use std::{path::PathBuf, sync::Arc};

use adept_domain::TenantId;
use jiff::Timestamp;

pub use absent::{AbsentAction, ListedDevice};
pub use apple_sessions::{AppleSession, AppleSessions, SessionKept, TokenRow};
pub use assignment::{
    Assigned, Assignments, Begun, DeviceResult, DeviceStory, InFlightCall, Plan, PlannedProfile,
    RefusedDevices, Released, ScanPosition, ShownDevice, WaitingDevices, WorkDevice, WorkingState,
};
pub use audit::read::AuditLog;
pub use clients::{ClientRow, Clients};
pub use created_requests::{CREATES_REMEMBERED, CreatedRequests, EntityCreated};
pub use db::{DatabaseOptions, Purpose};
pub use deployment::{Deployment, SigningKeyRow};
pub use desired::{DesiredChange, DeviceWrites};
pub use devices::Devices;
pub use error::Error;
pub use health::{Probed, SettingHealth};
pub use keys::{KeyAdded, KeyPairRow, KeyPairs, NewKeyPair};
pub use leases::{Claim, DueSetting, Leases, Work};
pub use list::{ListQuery, Listed, Position};
pub use profiles::{PasswordChange, ProfileDeleted, Profiles};
pub use schema::{SchemaState, SchemaStatus};
pub use sealing::{SealingKey, SealingKeyError};
pub use settings::{Created, Edit, Restored, SettingEdit, Settings};
pub use sync::Syncs;
pub use sync_runs::RunPart;
pub use tenants::{TenantRow, Tenants};
pub use tokens::{NewToken, StoredToken, StoredTokens, TokenChanged, Tokens};

use db::Db;
use devices::Growth;

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

/// The open storage: a repository for each group of tables, so that a service can be given those that it needs. Cheap to clone.
#[derive(Clone)]
pub struct Storage {
    /// Onboarding settings.
    pub settings: Settings,
    /// Server tokens.
    pub tokens: Tokens,
    /// Key pairs.
    pub key_pairs: KeyPairs,
    /// Sessions at Apple.
    pub apple_sessions: AppleSessions,
    /// Who works on which setting.
    pub leases: Leases,
    /// What synchronization learns.
    pub syncs: Syncs,
    /// What assignment works with.
    pub assignments: Assignments,
    /// Devices.
    pub devices: Devices,
    /// Enrollment profiles.
    pub profiles: Profiles,
    /// The audit log.
    pub audit: AuditLog,
    /// Creates that may be repeated.
    pub created_requests: CreatedRequests,
    /// Applications of the built-in issuer.
    pub clients: Clients,
    /// Tenants.
    pub tenants: Tenants,
    /// What belongs to no tenant.
    pub deployment: Deployment,
    db: Db,
    default_tenant: TenantId,
}

impl Storage {
    /// Opens and migrates the database, and verifies that the sealing key is the right one. `fresh_tenant` becomes the
    /// default tenant if the database has none yet. A database that cannot be written is opened for reading.
    pub async fn open(
        options: &StorageOptions,
        now: Timestamp,
        fresh_tenant: TenantId,
    ) -> Result<Self, OpenError> {
        let db = Db::open(&options.database).await?;
        schema::migrate(&db).await?;
        let key = deployment::sealing_key(&db, options).await?;
        let default_tenant = deployment::default_tenant(&db, now, fresh_tenant).await?;
        Ok(Self::of(db, key, default_tenant))
    }

    /// Opens what is there and changes nothing: no migration, no key, no tenant is made.
    pub async fn inspect(options: &StorageOptions) -> Result<Self, OpenError> {
        let db = Db::open(&DatabaseOptions { create: false, ..options.database.clone() }).await?;
        schema::check(&db).await?;
        let key = deployment::existing_sealing_key(&db, options).await?;
        let tenant = deployment::stored_default_tenant(&db).await?;
        let default_tenant = tenant
            .ok_or_else(|| Error::Corrupt("it has no default tenant; start `adept serve` once".to_owned()))?;
        Ok(Self::of(db, key, default_tenant))
    }

    fn of(db: Db, key: SealingKey, default_tenant: TenantId) -> Self {
        let (key, growth) = (Arc::new(key), Growth::default());
        Self {
            settings: Settings { db: db.clone(), key: Arc::clone(&key) },
            tokens: Tokens { db: db.clone(), key: Arc::clone(&key) },
            key_pairs: KeyPairs { db: db.clone(), key: Arc::clone(&key) },
            apple_sessions: AppleSessions { db: db.clone(), key: Arc::clone(&key) },
            leases: Leases { db: db.clone() },
            syncs: Syncs { db: db.clone(), growth: growth.clone() },
            assignments: Assignments { db: db.clone() },
            devices: Devices { db: db.clone(), growth },
            profiles: Profiles { db: db.clone(), key: Arc::clone(&key) },
            audit: AuditLog { db: db.clone() },
            created_requests: CreatedRequests { db: db.clone() },
            clients: Clients { db: db.clone() },
            tenants: Tenants { db: db.clone() },
            deployment: Deployment { db: db.clone(), key },
            db,
            default_tenant,
        }
    }

    /// Applies missing migrations and nothing else.
    pub async fn migrate(options: &DatabaseOptions) -> Result<(), Error> {
        let db = Db::open(options).await?;
        let migrated = schema::apply(&db).await;
        db.close().await;
        migrated
    }

    /// How far a database was migrated; changes nothing and makes nothing.
    pub async fn schema(options: &DatabaseOptions) -> Result<SchemaStatus, Error> {
        let db = Db::open(&DatabaseOptions { create: false, ..options.clone() }).await?;
        let status = schema::status(&db).await;
        db.close().await;
        status
    }

    /// The tenant that was made with the database.
    pub fn default_tenant(&self) -> TenantId {
        self.default_tenant
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.db.close().await;
    }
}
