//! Storage: the only SQL of the service. It answers with `domain`'s words and opens sealed values; it decides nothing.
//!
//! Absence is `Option`, not an error; times and ids are passed in. Every write of a setting's learned state says under
//! which token generation, lease epoch and cursor revision it was learned, and touches one row or nothing.

mod absent;
mod apple_sessions;
mod assignment;
mod audit;
mod claims;
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
mod purge;
mod schema;
mod sealing;
mod setting_state;
mod settings;
mod sync;
mod sync_runs;
mod tenants;

use std::path::PathBuf;

pub use absent::{AbsentAction, ListedDevice};
pub use apple_sessions::{AppleSession, SessionKept, TokenRow};
pub use assignment::{
    Assigned, Begun, DeviceResult, DeviceStory, InFlightCall, Plan, PlannedProfile, RefusedDevices, Released,
    ScanPosition, ShownDevice, WaitingDevices, WorkDevice, WorkingState,
};
pub use claims::{Claim, DueSetting, Work};
pub use clients::ClientRow;
pub use created_requests::{CREATES_REMEMBERED, EntityCreated};
pub use db::{DatabaseOptions, Purpose};
pub use deployment::SigningKeyRow;
pub use desired::{DesiredChange, DeviceWrites};
pub use error::Error;
pub use health::{Probed, SettingHealth};
pub use keys::{KeyAdded, KeyPairRow, KeyStatus, NewKeyPair};
pub use list::{ListQuery, Listed, Position};
pub use onboarding::{NewToken, Onboarding, StoredToken, TokenChanged};
pub use profiles::{PasswordChange, ProfileDeleted};
pub use schema::{SchemaState, SchemaStatus};
pub use sealing::{SealingKey, SealingKeyError};
pub use settings::{Created, Edit, Restored, SettingEdit};
pub use sync_runs::RunPart;
pub use tenants::TenantRow;

use db::Db;

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
        schema::migrate(&db).await?;
        let key = deployment::sealing_key(&db, options).await?;
        let default_tenant = deployment::default_tenant(&db, now, fresh_tenant).await?;
        Ok(Self { db, key: std::sync::Arc::new(key), default_tenant, grown: Default::default() })
    }

    /// Opens what is there and changes nothing: no migration, no key, no tenant is made.
    pub async fn inspect(options: &StorageOptions) -> Result<Self, OpenError> {
        let db = Db::open(&DatabaseOptions { create: false, ..options.database.clone() }).await?;
        schema::check(&db).await?;
        let key = deployment::existing_sealing_key(&db, options).await?;
        let tenant = deployment::stored_default_tenant(&db).await?;
        let default_tenant = tenant
            .ok_or_else(|| Error::Corrupt("it has no default tenant; start `adept serve` once".to_owned()))?;
        Ok(Self { db, key: std::sync::Arc::new(key), default_tenant, grown: Default::default() })
    }

    /// Applies missing migrations and nothing else.
    pub async fn migrate(options: &DatabaseOptions) -> Result<(), Error> {
        let db = Db::open(options).await?;
        let migrated = schema::apply(&db).await;
        db.close().await;
        migrated
    }

    /// The schema that the database has, beside the newest one that this program knows.
    pub async fn schema_status(&self) -> Result<SchemaStatus, Error> {
        schema::status(&self.db).await
    }

    /// Whether this program may write: false once a newer one made the schema such that programs of this version would
    /// damage it. What this finds holds for every write of this process until it is asked again.
    pub async fn may_write(&self) -> Result<bool, Error> {
        let may_write = schema::oldest_writer(&self.db).await? <= schema::newest();
        self.db.refuse_writes(!may_write);
        Ok(may_write)
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
