//! Storage: the only SQL of the service. It answers with `domain`'s words and opens sealed values; it decides nothing.
//!
//! Absence is `Option`, not an error; times and ids are passed in. Every write of a setting's learned state says under
//! which token generation, lease epoch and cursor revision it was learned, and touches one row or nothing.

mod absent;
mod apple_sessions;
mod assignment;
mod audit;
mod clients;
mod column;
mod created_requests;
mod db;
mod deployment;
mod desired;
mod device_counts;
mod device_events;
mod device_lists;
mod devices;
mod erasures;
mod error;
mod filter;
mod health;
mod keys;
mod leases;
mod list;
mod open_failures;
mod private_file;
mod profiles;
mod purge;
mod schema;
mod sealing;
mod serial_blocks;
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
pub use apple_sessions::{AppleSession, SessionKept, TokenRow};
pub use assignment::{
    Assigned, Begun, DeviceResult, DeviceStory, InFlightCall, Plan, PlannedProfile, RefusedDevices, Released,
    ScanPosition, ShownDevice, WaitingDevices, WorkDevice, WorkingState,
};
pub use clients::{ClientRow, SecretHash};
pub use created_requests::{CREATES_REMEMBERED, EntityCreated};
pub use db::{DatabaseOptions, FairSemaphore, Permit, Purpose, in_share_of};
pub use deployment::{DeploymentKey, KeyUse};
pub use desired::{DesiredChange, DeviceWrites};
pub use device_counts::{DeviceCount, DeviceGroup};
pub use error::Error;
pub use health::{Probed, SettingHealth};
pub use keys::{KeyAdded, KeyPairRow, NewKeyPair};
pub use leases::{Claim, DueSetting, Work};
pub use list::{ListQuery, Listed, Position};
pub use open_failures::OpenAttempt;
pub use private_file::{PrivateFileError, read_private};
pub use profiles::{PasswordChange, ProfileDeleted};
pub use schema::{SchemaState, SchemaStatus};
pub use sealing::{SealingKey, SealingKeyError};
pub use settings::{Created, Restored};
pub use sync_runs::RunPart;
pub use tenants::TenantRow;
pub use tokens::{NewToken, StoredToken, StoredTokens, TokenChanged};

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

/// What repositories are made of.
struct Parts {
    db: Db,
    key: Arc<SealingKey>,
    growth: Growth,
}

/// The repositories, one for each group of tables. Each reaches the database and what stands in its braces.
macro_rules! repositories {
    ($($(#[$doc:meta])* $field:ident: $name:ident { $($part:ident: $type:ty)? }),+ $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Clone)]
            pub struct $name {
                pub(crate) db: Db,
                $(pub(crate) $part: $type,)?
            }
        )+

        /// The open storage: its repositories, so that a service can be given those that it needs. Cheap to clone.
        #[derive(Clone)]
        pub struct Storage {
            $($(#[$doc])* pub $field: $name,)+
            db: Db,
            default_tenant: TenantId,
        }

        impl Storage {
            fn of(parts: Parts, default_tenant: TenantId) -> Self {
                Self {
                    $($field: $name { db: parts.db.clone(), $($part: parts.$part.clone())? },)+
                    db: parts.db,
                    default_tenant,
                }
            }
        }
    };
}

repositories! {
    /// Onboarding settings: what people see of them, and the state that the machine needs.
    settings: Settings { key: Arc<SealingKey> },
    /// Server tokens, sealed, and what Apple asked for about them.
    tokens: Tokens { key: Arc<SealingKey> },
    /// Key pairs of settings, their private keys sealed.
    key_pairs: KeyPairs { key: Arc<SealingKey> },
    /// Sessions at Apple, one for each stored token, sealed.
    apple_sessions: AppleSessions { key: Arc<SealingKey> },
    /// Uploads that could not be opened, counted.
    failed_opens: FailedOpens { },
    /// Which process works on which setting.
    leases: Leases { },
    /// What synchronization learns, stored under its lease, and its history.
    syncs: Syncs { growth: Growth },
    /// What devices are to have, what Apple has, and the calls between the two.
    assignments: Assignments { },
    /// Devices, what is desired of them, and their events.
    devices: Devices { growth: Growth },
    /// Enrollment profiles, and the defaults of settings.
    profiles: Profiles { key: Arc<SealingKey> },
    /// The audit log, as it is read. It is written in the transactions of what it tells.
    audit: AuditLog { },
    /// Creates that their clients may repeat.
    created_requests: CreatedRequests { },
    /// Applications of the built-in issuer.
    clients: Clients { },
    /// Tenants.
    tenants: Tenants { },
    /// What belongs to the deployment and to no tenant: its schema, its keys, whether it can be written.
    deployment: Deployment { key: Arc<SealingKey> },
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
        Ok(Self::of(Parts { db, key: Arc::new(key), growth: Growth::default() }, default_tenant))
    }

    /// Opens what is there and changes nothing: no migration, no key, no tenant is made.
    pub async fn inspect(options: &StorageOptions) -> Result<Self, OpenError> {
        let db = Db::open(&DatabaseOptions { create: false, ..options.database.clone() }).await?;
        schema::check(&db).await?;
        let key = deployment::existing_sealing_key(&db, options).await?;
        let tenant = deployment::stored_default_tenant(&db).await?;
        let default_tenant = tenant
            .ok_or_else(|| Error::Corrupt("it has no default tenant; start `adept serve` once".to_owned()))?;
        Ok(Self::of(Parts { db, key: Arc::new(key), growth: Growth::default() }, default_tenant))
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
