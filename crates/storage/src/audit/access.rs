//! Sign-ins and refused requests in the audit log: rows that grow by a number while their minute or hour lasts.

use serde_json::{Value, json};
use uuid::Uuid;

use super::actor;
use crate::{
    AuditLog, Error,
    db::{Statement, sql},
};
use adept_domain::{AccessActor, AccessEntry, TenantId};

/// What the log shows of an actor that did not show who it is; `client` is what it claims.
const UNVERIFIED: &str = "not signed in";

fn actor_of(entry: &AccessEntry) -> Value {
    let mut actor = match &entry.actor {
        AccessActor::Verified(caller) => actor(Some(caller)),
        AccessActor::Unverified(client) => json!({
            "kind": "unverified", "client": client.map(|id| id.to_string()), "clientName": UNVERIFIED,
        }),
    };
    if let Some(address) = entry.address {
        actor["address"] = address.to_string().into();
    }
    actor
}

/// The row, or what it grows by; none for a tenant that does not exist.
fn keep(entry: &AccessEntry) -> Statement {
    let reason =
        entry.reason.iter().map(|reason| json!({ "property": "reason", "old": null, "new": reason }));
    let last = (entry.times > 1).then_some(entry.last_at);
    sql("INSERT INTO audit_events (tenant, id, at, activity, operation, resource_type, resource_id, \
        resource_name, actor, changes, correlation, result, times, last_at) \
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 \
        WHERE EXISTS (SELECT 1 FROM tenants WHERE id = $1) \
        ON CONFLICT (tenant, id) DO UPDATE SET times = audit_events.times + excluded.times, last_at = $15")
    .bind((entry.tenant, entry.id, entry.at, entry.kind.as_str(), "Action"))
    .bind((entry.resource.kind, entry.resource.id.as_str(), entry.resource.name.as_deref()))
    .bind((actor_of(entry), Value::from_iter(reason), entry.correlation, entry.kind.result()))
    .bind((entry.times, last, entry.last_at))
}

impl AuditLog {
    /// Keeps these: as rows, or as a greater number in those that are there.
    pub async fn keep_access(&self, entries: &[AccessEntry]) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        for entry in entries {
            tx.execute(keep(entry)).await?;
        }
        tx.commit().await
    }

    /// The ids of a tenant's log from the first up to before the second.
    pub async fn ids_within(&self, tenant: TenantId, (from, to): (Uuid, Uuid)) -> Result<Vec<Uuid>, Error> {
        let select = sql("SELECT id FROM audit_events WHERE tenant = $1 AND id >= $2 AND id < $3");
        self.db.all(select.bind((tenant, from, to)), |row| row.get("id")).await
    }
}
