//! Tenants.

use super::{
    Error, Tenants, audit,
    db::{Lock, Row, Transaction, sql},
    settings,
};
use adept_domain::{AuditEvent, Setting, TenantId};

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    /// Its id; Graph's tenant id.
    pub id: TenantId,
    /// What people call it.
    pub name: String,
    /// A disabled tenant's callers are refused with 403.
    pub disabled: bool,
}

/// Makes a tenant, and its setting without a token: policies of Apple Configurator live there, under the tenant's id.
pub(super) async fn create(
    tx: &mut Transaction,
    id: TenantId,
    name: &str,
    now: jiff::Timestamp,
) -> Result<(), Error> {
    let insert = sql("INSERT INTO tenants (id, name, disabled, created_at, bindings) \
        VALUES ($1, $2, $3, $4, $5)")
    .bind((id, name, false, now, 0i64));
    tx.execute_one("creating a tenant", insert).await?;
    settings::insert(tx, &Setting::apple_configurator(id, now)).await
}

fn tenant(row: &Row) -> Result<TenantRow, Error> {
    Ok(TenantRow { id: row.get("id")?, name: row.get("name")?, disabled: row.get("disabled")? })
}

impl Tenants {
    /// The tenant of that id.
    pub async fn get(&self, id: TenantId) -> Result<Option<TenantRow>, Error> {
        self.db.first(sql("SELECT * FROM tenants WHERE id = $1").bind(id).by_key(), tenant).await
    }

    /// Every tenant, oldest first.
    pub async fn list(&self) -> Result<Vec<TenantRow>, Error> {
        self.db.all(sql("SELECT * FROM tenants ORDER BY created_at, id"), tenant).await
    }

    /// Makes a tenant, and adds `event` to its log.
    pub async fn create(
        &self,
        id: TenantId,
        name: &str,
        now: jiff::Timestamp,
        event: Option<&AuditEvent>,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        create(&mut tx, id, name, now).await?;
        audit::write_some(&mut tx, id, event).await?;
        tx.commit().await
    }

    /// Disables or enables a tenant, and adds `event` to its log where that changes something; false when there is none.
    pub async fn set_disabled(
        &self,
        id: TenantId,
        disabled: bool,
        event: Option<&AuditEvent>,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let select = sql("SELECT disabled FROM tenants WHERE id = $1").locking(Lock::Wait).bind(id);
        let found = tx.first(select, |row| row.get::<bool>("disabled")).await?;
        if found == Some(!disabled) {
            let update = sql("UPDATE tenants SET disabled = $2 WHERE id = $1").bind((id, disabled));
            tx.execute_one("disabling a tenant", update).await?;
            audit::write_some(&mut tx, id, event).await?;
        }
        tx.commit().await?;
        Ok(found.is_some())
    }
}
