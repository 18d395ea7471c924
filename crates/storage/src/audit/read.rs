//! The audit log as its readers see it: listed, counted, looked up. Nobody changes an entry.

use adept_odata::{Expr, OrderBy};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    AuditLog, Error,
    column::{Column, Holds},
    db::{Row, sql_of_parts},
    filter::Sql,
    list::{ListQuery, Listed, Source},
};
use adept_domain::{AuditActor, AuditEntry, AuditField, RecordedChange, TenantId};

const COLUMNS: &str = "id, at, activity, operation, resource_type, resource_id, resource_name, actor, changes, \
    correlation, result, times, last_at";

/// An activity is a word, or a word and the type that it is done to.
const ACTIVITY_TYPE: &str =
    "(CASE WHEN activity LIKE '% %' THEN activity ELSE activity || ' ' || resource_type END)";

const SOURCE: Source<AuditField> = Source {
    columns: COLUMNS,
    table: "audit_events",
    number: "COUNT(*)",
    column,
    tie: Column::fixed("id", Holds::Id),
    key: None,
};

fn column(field: AuditField) -> Column {
    let (fixed, nullable) = (Column::fixed, Column::nullable);
    // The actor is one JSON object; both databases know this function of lists.
    match field {
        AuditField::Id => fixed("id", Holds::Id),
        AuditField::ActivityType => fixed(ACTIVITY_TYPE, Holds::Text),
        AuditField::Component => fixed("CAST('enrollment' AS TEXT)", Holds::FoldedText),
        AuditField::Activity => fixed("activity", Holds::Text),
        AuditField::At => fixed("at", Holds::Time),
        AuditField::Operation => fixed("operation", Holds::Text),
        AuditField::Result => fixed("result", Holds::Text),
        AuditField::Correlation => fixed("correlation", Holds::Id),
        AuditField::Resources => fixed("", Holds::OneItem),
        AuditField::ResourceId => fixed("resource_id", Holds::Text),
        AuditField::ResourceKind => fixed("resource_type", Holds::Text),
        AuditField::ResourceName => nullable("resource_name", Holds::Text),
        AuditField::ActorType => fixed(
            "(SELECT CASE value ->> 'kind' WHEN 'user' THEN 'itpro' ELSE 'application' END \
             FROM json_each('[' || actor || ']'))",
            Holds::FoldedText,
        ),
        AuditField::ActorUser => {
            nullable("(SELECT value ->> 'user' FROM json_each('[' || actor || ']'))", Holds::Text)
        }
        AuditField::ActorPrincipalName => {
            nullable("(SELECT value ->> 'principalName' FROM json_each('[' || actor || ']'))", Holds::Text)
        }
        AuditField::ActorClient => {
            nullable("(SELECT value ->> 'client' FROM json_each('[' || actor || ']'))", Holds::Text)
        }
        AuditField::ActorAddress => {
            nullable("(SELECT value ->> 'address' FROM json_each('[' || actor || ']'))", Holds::Text)
        }
        AuditField::ActorClientName => {
            nullable("(SELECT value ->> 'clientName' FROM json_each('[' || actor || ']'))", Holds::Text)
        }
    }
}

fn entry(row: &Row) -> Result<AuditEntry, Error> {
    let text = |object: &Json, name: &str| object[name].as_str().map(str::to_owned);
    let actor: Json = row.get("actor")?;
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
        id: row.get("id")?,
        at: row.get("at")?,
        actor: AuditActor {
            user: text(&actor, "user"),
            principal_name: text(&actor, "principalName"),
            client: text(&actor, "client"),
            client_name: text(&actor, "clientName"),
            address: text(&actor, "address"),
        },
        activity,
        activity_type,
        operation: row.get("operation")?,
        resource_kind,
        resource_id: row.get("resource_id")?,
        resource_name: row.get("resource_name")?,
        result: row.get("result")?,
        times: row.get("times")?,
        last_at: row.get("last_at")?,
        changes: row.get::<Json>("changes")?.as_array().into_iter().flatten().map(change).collect(),
        correlation: row.get("correlation")?,
    })
}

fn by_time(descending: bool) -> OrderBy<AuditField> {
    OrderBy { by: Expr::Field(AuditField::At), descending }
}

fn scope(tenant: TenantId) -> impl Fn(&mut Sql) {
    move |sql| {
        sql.push("tenant = ").bind(tenant);
    }
}

impl AuditLog {
    /// Lists a tenant's entries, the newest first when no other order is asked for.
    pub async fn list(
        &self,
        tenant: TenantId,
        query: &ListQuery<AuditField>,
    ) -> Result<Listed<AuditEntry>, Error> {
        let mut query = query.clone();
        if query.order.is_empty() {
            query.order = vec![by_time(true)];
        }
        SOURCE.list(&self.db, &query, scope(tenant), entry).await
    }

    /// Counts a tenant's entries that fulfil the filter.
    pub async fn count(&self, tenant: TenantId, filter: Option<&Expr<AuditField>>) -> Result<i64, Error> {
        SOURCE.count(&self.db, filter, scope(tenant)).await
    }

    /// The entry of that id.
    pub async fn get(&self, tenant: TenantId, id: Uuid) -> Result<Option<AuditEntry>, Error> {
        let found = sql_of_parts(format!("SELECT {COLUMNS} FROM audit_events WHERE tenant = $1 AND id = $2"));
        self.db.first(found.bind((tenant, id)), entry).await
    }

    /// The kinds of activity that a tenant's log holds, in the order of their bytes.
    pub async fn activity_types(&self, tenant: TenantId) -> Result<Vec<String>, Error> {
        let select = sql_of_parts(format!(
            "SELECT DISTINCT {ACTIVITY_TYPE} AS activity_type FROM audit_events WHERE tenant = $1"
        ))
        .bind(tenant);
        let mut types: Vec<String> = self.db.all(select, |row| row.get("activity_type")).await?;
        types.sort_unstable();
        Ok(types)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Position,
        db::{Db, Ground, sql},
    };

    const ENTRIES: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
        INSERT INTO audit_events (tenant, id, at, activity, operation, resource_type, resource_id, actor, changes, \
        correlation) SELECT unhex('0000000000000000000000000000000' || CAST(i % 3 AS TEXT)), \
        unhex(substr('00000000000000000000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1)), \
        i, 'a', 'Patch', 'Thing', 'x', '{}', '[]', unhex('00000000000000000000000000000000') FROM n";

    /// Many entries of three tenants.
    async fn filled(ground: &Ground) {
        let db = &ground.db;
        crate::schema::apply(db).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        for tenant in 0..3 {
            let tenant = TenantId(Uuid::from_u128(tenant));
            crate::tenants::create(&mut tx, tenant, "t", jiff::Timestamp::UNIX_EPOCH).await.unwrap();
        }
        tx.execute(sql(ENTRIES)).await.unwrap();
        tx.execute(sql("ANALYZE audit_events")).await.unwrap();
        tx.commit().await.unwrap();
    }

    const POSITION: &str = "[9000,\"00000000-0000-0000-0000-000000009000\"]";

    /// Pages are found in the index of times, not by looking at every entry and sorting them.
    async fn is_read_by_its_index(db: &Db) {
        for (descending, after) in
            [(true, None), (false, None), (true, Some(POSITION)), (false, Some(POSITION))]
        {
            let query = ListQuery {
                order: vec![by_time(descending)],
                after: after.map(|after| Position(after.to_owned())),
                top: 100,
                ..ListQuery::default()
            };
            let own = |sql: &mut Sql| {
                sql.push("tenant = ").bind(TenantId(Uuid::from_u128(1)));
            };
            let plan = SOURCE.plan(db, &query, own).await.unwrap();
            assert!(plan.contains("audit_events_at"), "{query:?}: {plan}");
            if descending {
                assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{query:?}: {plan}");
            }
        }
    }

    #[tokio::test]
    async fn sqlite_reads_the_log_by_its_index() {
        let ground = Ground::sqlite("audit_plan").await;
        filled(&ground).await;
        is_read_by_its_index(&ground.db).await;
        ground.end().await;
    }

    #[tokio::test]
    async fn postgres_reads_the_log_by_its_index() {
        let ground = Ground::postgres("audit_plan").await;
        filled(&ground).await;
        is_read_by_its_index(&ground.db).await;
        ground.end().await;
    }
}
