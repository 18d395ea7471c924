//! Tenants.

use super::{
    Error, Storage,
    db::{Row, Statement, sql},
};
use crate::domain::TenantId;

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

pub(super) fn insert(id: TenantId, name: &str, now: jiff::Timestamp) -> Statement {
    sql("INSERT INTO tenants (id, name, disabled, created_at, bindings) VALUES ($1, $2, $3, $4, $5)")
        .bind(id.to_string())
        .bind(name)
        .bind(false)
        .bind(now)
        .bind(0)
}

fn tenant(row: &Row) -> Result<TenantRow, Error> {
    Ok(TenantRow { id: row.parse("id")?, name: row.get("name")?, disabled: row.get("disabled")? })
}

impl Storage {
    /// The tenant of that id.
    pub async fn tenant(&self, id: TenantId) -> Result<Option<TenantRow>, Error> {
        let row = self.db.row(sql("SELECT * FROM tenants WHERE id = $1").bind(id.to_string())).await?;
        row.as_ref().map(tenant).transpose()
    }

    /// Every tenant, oldest first.
    pub async fn tenants(&self) -> Result<Vec<TenantRow>, Error> {
        let rows = self.db.rows(sql("SELECT * FROM tenants ORDER BY created_at, id")).await?;
        rows.iter().map(tenant).collect()
    }

    /// Makes a tenant.
    pub async fn create_tenant(&self, id: TenantId, name: &str, now: jiff::Timestamp) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.execute_one("creating a tenant", insert(id, name, now)).await?;
        tx.commit().await
    }

    /// Disables or enables a tenant; false when there is none.
    pub async fn set_tenant_disabled(&self, id: TenantId, disabled: bool) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let touched = tx
            .execute(
                sql("UPDATE tenants SET disabled = $2 WHERE id = $1").bind(id.to_string()).bind(disabled),
            )
            .await?;
        tx.commit().await?;
        Ok(touched == 1)
    }
}
