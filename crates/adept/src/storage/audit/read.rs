//! The audit log as its readers see it: listed, counted, looked up. Nobody changes an entry.

use adept_odata::Filter;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    domain::{AuditActor, AuditEntry, AuditField, RecordedChange, TenantId},
    storage::{
        Error, Storage,
        db::{Row, sql},
        filter::{Column, Holds, Sql},
        list::{ListQuery, Listed, Source},
    },
};

const COLUMNS: &str =
    "id, at, activity, operation, resource_type, resource_id, resource_name, actor, changes, correlation";

/// An activity is a word, or a word and the type that it is done to.
const ACTIVITY_TYPE: &str =
    "(CASE WHEN activity LIKE '% %' THEN activity ELSE activity || ' ' || resource_type END)";

const SOURCE: Source<AuditField> = Source {
    columns: COLUMNS,
    table: "audit_events",
    column,
    tie: Column { expression: "id", holds: Holds::FoldedText },
};

fn column(field: AuditField) -> Column {
    // The actor is one JSON object; both databases know this function of lists.
    let (expression, holds) = match field {
        AuditField::Id => ("id", Holds::FoldedText),
        AuditField::ActivityType => (ACTIVITY_TYPE, Holds::Text),
        AuditField::Component => ("CAST('enrollment' AS TEXT)", Holds::FoldedText),
        AuditField::Activity => ("activity", Holds::Text),
        AuditField::At => ("at", Holds::Moment),
        AuditField::Operation => ("operation", Holds::Text),
        AuditField::Result => ("CAST('success' AS TEXT)", Holds::FoldedText),
        AuditField::Correlation => ("correlation", Holds::FoldedText),
        AuditField::Resources => ("", Holds::OneItem),
        AuditField::ResourceId => ("resource_id", Holds::Text),
        AuditField::ResourceKind => ("resource_type", Holds::Text),
        AuditField::ResourceName => ("resource_name", Holds::Text),
        AuditField::ActorType => (
            "(SELECT CASE value ->> 'kind' WHEN 'user' THEN 'itpro' ELSE 'application' END \
             FROM json_each('[' || actor || ']'))",
            Holds::FoldedText,
        ),
        AuditField::ActorUser => {
            ("(SELECT value ->> 'user' FROM json_each('[' || actor || ']'))", Holds::Text)
        }
        AuditField::ActorPrincipalName => {
            ("(SELECT value ->> 'principalName' FROM json_each('[' || actor || ']'))", Holds::Text)
        }
        AuditField::ActorClient => {
            ("(SELECT value ->> 'client' FROM json_each('[' || actor || ']'))", Holds::Text)
        }
        AuditField::ActorClientName => {
            ("(SELECT value ->> 'clientName' FROM json_each('[' || actor || ']'))", Holds::Text)
        }
    };
    Column { expression, holds }
}

fn entry(row: &Row) -> Result<AuditEntry, Error> {
    let json = |column| -> Result<Json, Error> {
        let text: String = row.get(column)?;
        serde_json::from_str(&text).map_err(|e| Error::Corrupt(format!("column {column}: {e}")))
    };
    let text = |object: &Json, name: &str| object[name].as_str().map(str::to_owned);
    let actor = json("actor")?;
    let change = |change: &Json| RecordedChange {
        property: text(change, "property").unwrap_or_default(),
        old: text(change, "old"),
        new: text(change, "new"),
    };
    let activity: String = row.get("activity")?;
    let resource_kind: String = row.get("resource_type")?;
    let activity_type =
        if activity.contains(' ') { activity.clone() } else { format!("{activity} {resource_kind}") };
    Ok(AuditEntry {
        id: row.parse("id")?,
        at: row.time("at")?.unwrap_or_default(),
        actor: AuditActor {
            user: text(&actor, "user"),
            principal_name: text(&actor, "principalName"),
            client: text(&actor, "client"),
            client_name: text(&actor, "clientName"),
        },
        activity,
        activity_type,
        operation: row.get("operation")?,
        resource_kind,
        resource_id: row.get("resource_id")?,
        resource_name: row.get("resource_name")?,
        changes: json("changes")?.as_array().into_iter().flatten().map(change).collect(),
        correlation: row.parse("correlation")?,
    })
}

fn scope(tenant: TenantId) -> impl Fn(&mut Sql) {
    move |sql| {
        sql.push("tenant = ").bind(tenant.to_string());
    }
}

impl Storage {
    /// Lists a tenant's entries, the oldest first when no other order is asked for.
    pub async fn audit_events(
        &self,
        tenant: TenantId,
        query: &ListQuery<AuditField>,
    ) -> Result<Listed<AuditEntry>, Error> {
        SOURCE.list(&self.db, query, scope(tenant), entry).await
    }

    /// Counts a tenant's entries that fulfil the filter.
    pub async fn count_audit_events(
        &self,
        tenant: TenantId,
        filter: Option<&Filter<AuditField>>,
    ) -> Result<i64, Error> {
        SOURCE.count(&self.db, filter, scope(tenant)).await
    }

    /// The entry of that id.
    pub async fn audit_event(&self, tenant: TenantId, id: Uuid) -> Result<Option<AuditEntry>, Error> {
        let found = sql(
            "SELECT id, at, activity, operation, resource_type, resource_id, resource_name, actor, changes, \
             correlation FROM audit_events WHERE tenant = $1 AND id = $2",
        );
        let row = self.db.row(found.bind(tenant.to_string()).bind(id.hyphenated().to_string())).await?;
        row.as_ref().map(entry).transpose()
    }

    /// The kinds of activity that a tenant's log holds, in the order of their bytes.
    pub async fn audit_activity_types(&self, tenant: TenantId) -> Result<Vec<String>, Error> {
        let rows = self
            .db
            .rows(
                sql("SELECT DISTINCT (CASE WHEN activity LIKE '% %' THEN activity \
                     ELSE activity || ' ' || resource_type END) AS activity_type \
                     FROM audit_events WHERE tenant = $1")
                .bind(tenant.to_string()),
            )
            .await?;
        let mut types =
            rows.iter().map(|row| row.get("activity_type")).collect::<Result<Vec<String>, _>>()?;
        types.sort_unstable();
        Ok(types)
    }
}
