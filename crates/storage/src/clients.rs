//! Applications that may ask the built-in issuer for tokens. Of a secret only its keyed hash is stored.

use super::{
    Clients, Error, audit,
    db::{Lock, Row, sql},
};
use adept_domain::{AuditEvent, ClientId, Permission, Permissions, TenantId};

/// What is stored of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretHash {
    /// The id of the deployment's key that it was hashed with.
    pub key_id: String,
    /// HMAC-SHA-256.
    pub mac: Vec<u8>,
}

/// A client application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRow {
    /// Its tenant.
    pub tenant: TenantId,
    /// `client_id`.
    pub id: ClientId,
    /// What people call it.
    pub name: String,
    /// What its secret is compared with.
    pub secret: SecretHash,
    /// What its tokens allow (`roles`).
    pub permissions: Permissions,
    /// A disabled client is given no token, and its tokens stop within 30 s.
    pub disabled: bool,
    /// When it was made.
    pub created_at: jiff::Timestamp,
}

fn client(row: &Row) -> Result<ClientRow, Error> {
    let permissions: String = row.get("permissions")?;
    Ok(ClientRow {
        tenant: row.get("tenant")?,
        id: row.get("id")?,
        name: row.get("name")?,
        secret: SecretHash { key_id: row.get("secret_key_id")?, mac: row.get("secret_hash")? },
        permissions: permissions.split_whitespace().filter_map(Permission::from_word).collect(),
        disabled: row.get("disabled")?,
        created_at: row.get("created_at")?,
    })
}

impl Clients {
    /// The client of that id in that tenant.
    pub async fn get(&self, tenant: TenantId, id: ClientId) -> Result<Option<ClientRow>, Error> {
        let select = sql("SELECT * FROM clients WHERE tenant = $1 AND id = $2").bind((tenant, id)).by_key();
        self.db.first(select, client).await
    }

    /// The clients of a tenant, oldest first.
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<ClientRow>, Error> {
        let select = sql("SELECT * FROM clients WHERE tenant = $1 ORDER BY created_at, id").bind(tenant);
        self.db.all(select, client).await
    }

    /// Adds a client, and `event` to the log.
    pub async fn add(&self, client: &ClientRow, event: Option<&AuditEvent>) -> Result<(), Error> {
        let permissions: Vec<_> = client.permissions.iter().map(Permission::as_str).collect();
        let insert = sql("INSERT INTO clients (tenant, id, name, secret_key_id, secret_hash, \
            permissions, disabled, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind((client.tenant, client.id, &client.name, &client.secret.key_id, client.secret.mac.clone()))
        .bind((&permissions.join(" "), client.disabled, client.created_at));
        let mut tx = self.db.begin().await?;
        tx.execute_one("adding a client", insert).await?;
        audit::write_some(&mut tx, client.tenant, event).await?;
        tx.commit().await
    }

    /// Disables or enables a client, and adds `event` to the log where that changes something; false when there is none.
    pub async fn set_disabled(
        &self,
        (tenant, id): (TenantId, ClientId),
        disabled: bool,
        event: Option<&AuditEvent>,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let select = sql("SELECT disabled FROM clients WHERE tenant = $1 AND id = $2").locking(Lock::Wait);
        let found = tx.first(select.bind((tenant, id)), |row| row.get::<bool>("disabled")).await?;
        if found == Some(!disabled) {
            let update = sql("UPDATE clients SET disabled = $3 WHERE tenant = $1 AND id = $2");
            tx.execute_one("disabling a client", update.bind((tenant, id, disabled))).await?;
            audit::write_some(&mut tx, tenant, event).await?;
        }
        tx.commit().await?;
        Ok(found.is_some())
    }
}
