//! The audit log: written in the transaction of the change it tells of. Reading it is in `audit/read`.

mod access;
pub(super) mod read;

use serde_json::json;

use super::{
    Error,
    db::{Transaction, sql},
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

/// Adds `event` to `tenant`'s log, where there is one to add.
pub(super) async fn write_some(
    tx: &mut Transaction,
    tenant: TenantId,
    event: Option<&AuditEvent>,
) -> Result<(), Error> {
    match event {
        Some(event) => write(tx, tenant, event).await,
        None => Ok(()),
    }
}

/// Adds `event` to `tenant`'s log.
pub(super) async fn write(tx: &mut Transaction, tenant: TenantId, event: &AuditEvent) -> Result<(), Error> {
    let changes: Vec<_> = event
        .changes
        .iter()
        .map(|change| json!({ "property": change.property, "old": change.old, "new": change.new }))
        .collect();
    let insert = sql("INSERT INTO audit_events (tenant, id, at, activity, operation, resource_type, \
        resource_id, resource_name, actor, changes, correlation) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
    .bind((tenant, event.id, event.at, event.activity, event.operation))
    .bind((event.resource.kind, event.resource.id.as_str(), event.resource.name.as_deref()))
    .bind((actor(event.actor.as_ref()), serde_json::Value::from(changes)))
    .bind(event.correlation);
    tx.execute_one("writing the audit log", insert).await
}

/// Adds `event` to `tenant`'s log, and makes the change durable with it.
pub(super) async fn commit(mut tx: Transaction, tenant: TenantId, event: &AuditEvent) -> Result<(), Error> {
    write(&mut tx, tenant, event).await?;
    tx.commit().await
}
