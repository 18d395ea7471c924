//! Rows of the deployment itself: the sealing canary, the default tenant and the keys that every process shares.

use std::path::Path;

use zeroize::Zeroizing;

use super::{
    Deployment, Error, OpenError, SealingKey, SealingKeyError, StorageOptions,
    db::{Db, Statement, sql},
    sealing::SealedField,
};
use adept_domain::TenantId;

const CANARY: &str = "canary";
const CANARY_TEXT: &[u8] = b"adept";
const DEFAULT_TENANT: &str = "default-tenant";

/// What a key of the deployment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Signing bearer tokens: PKCS #8, DER; its id is the `kid`.
    BearerTokens,
    /// Hashing the secrets of clients: 32 random bytes.
    ClientSecrets,
}

impl KeyUse {
    const fn name(self) -> &'static str {
        match self {
            Self::BearerTokens => "issuer",
            Self::ClientSecrets => "client-secrets",
        }
    }
}

/// A key that was made once for the whole deployment and lies sealed in the database.
pub struct DeploymentKey {
    /// Its id, which is no secret.
    pub id: String,
    /// The key itself.
    pub secret: Zeroizing<Vec<u8>>,
}

fn place(name: &str) -> SealedField {
    let (table, column, row) = ("deployment_secrets", "value_sealed", name.to_owned());
    SealedField { table, column, tenant: TenantId::DEPLOYMENT, row }
}

/// The statement that reads the deployment's value of that name.
pub(super) fn value_of(name: &'static str) -> Statement {
    sql("SELECT value FROM deployment WHERE tenant = $1 AND name = $2").bind((TenantId::DEPLOYMENT, name))
}

/// The statement that keeps a value of the deployment; it touches no row where it is kept already.
pub(super) fn keep_value(name: &'static str, value: &str) -> Statement {
    sql("INSERT INTO deployment (tenant, name, value) VALUES ($1, $2, $3) ON CONFLICT (tenant, name) \
        DO UPDATE SET value = excluded.value WHERE deployment.value <> excluded.value")
    .bind((TenantId::DEPLOYMENT, name, value))
}

async fn secret(db: &Db, name: &'static str) -> Result<Option<(String, Vec<u8>)>, Error> {
    let select = sql("SELECT label, value_sealed FROM deployment_secrets WHERE tenant = $1 AND name = $2")
        .bind((TenantId::DEPLOYMENT, name));
    db.first(select, |row| Ok((row.get("label")?, row.get("value_sealed")?))).await
}

async fn keep_secret(db: &Db, name: &'static str, label: &str, sealed: Vec<u8>) -> Result<(), Error> {
    let insert = sql("INSERT INTO deployment_secrets (tenant, name, label, value_sealed) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, name) DO NOTHING")
    .bind((TenantId::DEPLOYMENT, name, label, sealed));
    db.write(insert).await.map(drop)
}

async fn holds_sealed_rows(db: &Db) -> Result<bool, Error> {
    let select = sql("SELECT 1 AS one FROM deployment_secrets UNION ALL SELECT 1 FROM key_pairs UNION ALL \
        SELECT 1 FROM server_tokens LIMIT 1");
    Ok(db.row(select).await?.is_some())
}

/// The sealing key: read, or made when nothing was ever sealed; verified by the canary.
pub(super) async fn sealing_key(db: &Db, options: &StorageOptions) -> Result<SealingKey, OpenError> {
    let file = &options.sealing_key_file;
    let key = match SealingKey::read(file) {
        Err(SealingKeyError::Missing(_))
            if options.may_create_sealing_key && !holds_sealed_rows(db).await? =>
        {
            match SealingKey::create(file) {
                // Another process was quicker; its key is as good.
                Err(SealingKeyError::Exists(_)) => SealingKey::read(file)?,
                made => made?,
            }
        }
        read => read?,
    };
    if secret(db, CANARY).await?.is_none() {
        keep_secret(db, CANARY, &key.id(), key.seal(&place(CANARY), CANARY_TEXT)?).await?;
    }
    verified(db, file, key).await
}

/// The sealing key as it is; nothing is made.
pub(super) async fn existing_sealing_key(db: &Db, options: &StorageOptions) -> Result<SealingKey, OpenError> {
    let file = &options.sealing_key_file;
    verified(db, file, SealingKey::read(file)?).await
}

async fn verified(db: &Db, file: &Path, key: SealingKey) -> Result<SealingKey, OpenError> {
    let stored = secret(db, CANARY).await?.map(|(_, sealed)| sealed).unwrap_or_default();
    match key.open(&place(CANARY), &stored) {
        Ok(text) if **text == *CANARY_TEXT => Ok(key),
        Ok(_) => Err(Error::Corrupt("the canary opens to something else".to_owned()).into()),
        Err(cause) => {
            Err(OpenError::WrongSealingKey { file: file.to_owned(), id: key.id(), cause: cause.to_string() })
        }
    }
}

/// The tenant made with the database, if it was.
pub(super) async fn stored_default_tenant(db: &Db) -> Result<Option<TenantId>, Error> {
    let stored: Option<String> = db.first(value_of(DEFAULT_TENANT), |row| row.get("value")).await?;
    let unfit = |_| Error::Corrupt("the default tenant's id is not one".to_owned());
    stored.map(|id| id.parse().map_err(unfit)).transpose()
}

/// The tenant made with the database; the first process to come makes it.
pub(super) async fn default_tenant(
    db: &Db,
    now: jiff::Timestamp,
    fresh: TenantId,
) -> Result<TenantId, Error> {
    if let Some(tenant) = stored_default_tenant(db).await? {
        return Ok(tenant);
    }
    let mut tx = db.begin().await?;
    let insert = sql("INSERT INTO deployment (tenant, name, value) VALUES ($1, $2, $3) \
        ON CONFLICT (tenant, name) DO NOTHING")
    .bind((TenantId::DEPLOYMENT, DEFAULT_TENANT, fresh.to_string().as_str()));
    let made = tx.execute(insert).await?;
    if made == 1 {
        super::tenants::create(&mut tx, fresh, "default", now).await?;
    }
    tx.commit().await?;
    stored_default_tenant(db).await?.ok_or_else(|| Error::Corrupt("the default tenant is missing".to_owned()))
}

impl Deployment {
    /// The id of the sealing key in use.
    pub fn sealing_key_id(&self) -> String {
        self.key.id()
    }

    /// The key for that use, if one was made.
    pub async fn stored_key(&self, of: KeyUse) -> Result<Option<DeploymentKey>, Error> {
        let Some((id, sealed)) = secret(&self.db, of.name()).await? else { return Ok(None) };
        Ok(Some(DeploymentKey { id, secret: self.key.open(&place(of.name()), &sealed)? }))
    }

    /// Keeps `key` unless one is stored already; returns the one that is stored.
    pub async fn keep_key(&self, of: KeyUse, key: DeploymentKey) -> Result<DeploymentKey, Error> {
        keep_secret(&self.db, of.name(), &key.id, self.key.seal(&place(of.name()), &key.secret)?).await?;
        let stored = self.stored_key(of).await?;
        stored.ok_or_else(|| Error::Corrupt(format!("the key \"{}\" is missing", of.name())))
    }

    /// Whether writes work now: takes and gives back the right to write without changing anything.
    pub async fn writable(&self) -> Result<(), Error> {
        let update = sql("UPDATE deployment SET value = value WHERE tenant = $1 AND name = $2")
            .bind((TenantId::DEPLOYMENT, DEFAULT_TENANT));
        self.db.write(update).await.map(drop)
    }
}
