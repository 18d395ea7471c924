//! `auditEvent`, in both versions: the released one's actor has fewer members.

use adept_odata::Kind;

use super::{Base, EntityType, Property};
use crate::{
    app::AuditLog,
    domain::{AuditActor, AuditEntry, AuditField as F},
    graph::value::Value,
};

type P = Property<AuditEntry, F, ()>;

const NAME: &str = "microsoft.graph.auditEvent";
const AUDIT_ACTOR: &str = "microsoft.graph.auditActor";
const AUDIT_RESOURCE: &str = "microsoft.graph.auditResource";

/// Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata. Only the server writes the log.
pub(in crate::graph) static AUDIT_EVENT: EntityType<AuditEntry, F, ()> =
    EntityType::new(NAME, Base::Entity, &properties(|entry| Value::Object(actor(&entry.actor, true))));

/// Source: schemas/v1.0-Prod.csdl of the same.
pub(in crate::graph) static AUDIT_EVENT_V1: EntityType<AuditEntry, F, ()> =
    EntityType::new(NAME, Base::Entity, &properties(|entry| Value::Object(actor(&entry.actor, false))));

const fn properties(actor: fn(&AuditEntry) -> Value<'_>) -> [P; 12] {
    [
        P::new("id", Kind::String, |entry| Value::Guid(entry.id)).field(F::Id),
        P::text("displayName", |entry| Value::text(&entry.activity_type)).field(F::ActivityType),
        P::text("componentName", |_| Value::text(AuditLog::AUDIT_COMPONENT)).field(F::Component),
        P::new("actor", Kind::Complex(AUDIT_ACTOR), actor).nullable().members(&[
            ("auditActorType", F::ActorType),
            ("userId", F::ActorUser),
            ("userPrincipalName", F::ActorPrincipalName),
            ("applicationId", F::ActorClient),
            ("applicationDisplayName", F::ActorClientName),
            ("ipAddress", F::ActorAddress),
        ]),
        P::text("activity", |entry| Value::text(&entry.activity)).field(F::Activity),
        P::moment("activityDateTime", |entry| Value::DateTime(entry.at)).field(F::At),
        P::text("activityType", |entry| Value::text(&entry.activity_type)).field(F::ActivityType),
        P::text("activityOperationType", |entry| Value::text(&entry.operation)).field(F::Operation),
        P::text("activityResult", |entry| Value::text(&entry.result)).field(F::Result),
        P::new("correlationId", Kind::Guid, |entry| Value::Guid(entry.correlation)).field(F::Correlation),
        P::new("resources", Kind::Collection(&Kind::Complex(AUDIT_RESOURCE)), |entry| {
            Value::List(vec![resource(entry)])
        })
        .nullable()
        .field(F::Resources)
        .members(&[
            ("resourceId", F::ResourceId),
            ("type", F::ResourceKind),
            ("auditResourceType", F::ResourceKind),
            ("displayName", F::ResourceName),
        ]),
        P::text("category", |_| Value::text(AuditLog::AUDIT_COMPONENT)).field(F::Component),
    ]
}

/// Readers of the log recognize people by `ItPro` and every other actor by the application's name.
fn actor(actor: &AuditActor, beta: bool) -> Vec<(&'static str, Value<'_>)> {
    let is_person = actor.user.is_some();
    let mut members = vec![
        ("auditActorType", Value::text(if is_person { "ItPro" } else { "Application" })),
        ("userPermissions", Value::List(Vec::new())),
        ("applicationId", Value::optional_text(actor.client.as_deref())),
        ("applicationDisplayName", Value::optional_text(actor.client_name.as_deref())),
        ("userPrincipalName", Value::optional_text(actor.principal_name.as_deref())),
        ("servicePrincipalName", Value::Null),
        ("ipAddress", Value::optional_text(actor.address.as_deref())),
        ("userId", Value::optional_text(actor.user.as_deref())),
    ];
    if beta {
        members.insert(0, ("type", Value::text(if is_person { "User" } else { "Application" })));
        members.push(("remoteTenantId", Value::Null));
        members.push(("remoteUserId", Value::Null));
        members.push(("userRoleScopeTags", Value::List(Vec::new())));
    }
    members
}

fn resource(entry: &AuditEntry) -> Value<'_> {
    let changes = entry.changes.iter().map(|change| {
        Value::Object(vec![
            ("displayName", Value::text(&change.property)),
            ("oldValue", Value::optional_text(change.old.as_deref())),
            ("newValue", Value::optional_text(change.new.as_deref())),
        ])
    });
    let changes = changes.chain(repetition(entry));
    Value::Object(vec![
        ("displayName", Value::optional_text(entry.resource_name.as_deref())),
        ("modifiedProperties", Value::List(changes.collect())),
        ("type", Value::text(&entry.resource_kind)),
        ("auditResourceType", Value::text(&entry.resource_kind)),
        ("resourceId", Value::text(&entry.resource_id)),
    ])
}

/// How often it happened, where that is more than once. Graph has no member for it; readers show these.
fn repetition(entry: &AuditEntry) -> impl Iterator<Item = Value<'_>> {
    let shown = |name, value: String| {
        let members = [
            ("displayName", Value::text(name)),
            ("oldValue", Value::Null),
            ("newValue", Value::Text(value.into())),
        ];
        Value::Object(members.into())
    };
    let last = entry.last_at.map(|last| shown("lastActivityDateTime", last.to_string()));
    let times = (entry.times > 1).then(|| shown("times", entry.times.to_string()));
    times.into_iter().chain(last)
}
