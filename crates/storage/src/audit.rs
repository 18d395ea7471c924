//! The audit log: written in the transaction of the change it tells of; of what was refused the first is written and the
//! rest counted. Reading it is in `audit/read`.

pub(super) mod read;

use serde_json::json;

use super::{
    AuditLog, Error,
    db::{Statement, Transaction, sql_of_parts},
};
use adept_domain::{AuditEvent, Caller, CallerKind, TenantId};

fn actor(caller: Option<&Caller>) -> serde_json::Value {
    let Some(caller) = caller else { return json!({ "kind": "adept", "clientName": "Adept" }) };
    let client = caller.client.map(|id| id.to_string());
    let mut actor = match &caller.kind {
        CallerKind::Application => {
            json!({ "kind": "application", "client": client, "clientName": caller.client_name })
        }
        CallerKind::Operator => json!({ "kind": "operator", "clientName": caller.client_name }),
        CallerKind::User { user_id, principal_name } => json!({
            "kind": "user", "user": user_id, "principalName": principal_name,
            "client": client, "clientName": caller.client_name,
        }),
    };
    if let Some(address) = caller.address {
        actor["address"] = address.to_string().into();
    }
    actor
}

/// The statement that adds `event` to `tenant`'s log, with what follows the values.
fn insert(tenant: TenantId, event: &AuditEvent, refusals: i64, or_else: &str) -> Statement {
    let changes: Vec<_> = event
        .changes
        .iter()
        .map(|change| json!({ "property": change.property, "old": change.old, "new": change.new }))
        .collect();
    sql_of_parts(format!(
        "INSERT INTO audit_events (tenant, id, at, activity, operation, resource_type, resource_id, resource_name, \
         actor, changes, correlation, refusals) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12){or_else}"
    ))
    .bind((tenant, event.id, event.at, event.activity, event.operation))
    .bind((event.resource.kind, event.resource.id.as_str(), event.resource.name.as_deref()))
    .bind((actor(event.actor.as_ref()), serde_json::Value::from(changes)))
    .bind((event.correlation, refusals))
}

/// Adds `event` to `tenant`'s log.
pub(super) async fn write(tx: &mut Transaction, tenant: TenantId, event: &AuditEvent) -> Result<(), Error> {
    tx.execute_one("writing the audit log", insert(tenant, event, 0, "")).await
}

impl AuditLog {
    /// Adds a refusal to `tenant`'s log, or counts it in the entry of that id; answers how many that entry stands for.
    pub async fn refused(&self, tenant: TenantId, event: &AuditEvent) -> Result<i64, Error> {
        let or_count =
            " ON CONFLICT (tenant, id) DO UPDATE SET refusals = audit_events.refusals + 1 RETURNING refusals";
        let mut tx = self.db.begin().await?;
        let refusals = tx.first(insert(tenant, event, 1, or_count), |row| row.get("refusals")).await?;
        tx.commit().await?;
        Ok(refusals.unwrap_or_default())
    }
}

/// Adds `event` to `tenant`'s log, and makes the change durable with it.
pub(super) async fn commit(mut tx: Transaction, tenant: TenantId, event: &AuditEvent) -> Result<(), Error> {
    write(&mut tx, tenant, event).await?;
    tx.commit().await
}
