//! The audit log as callers see it: theirs, and only to be read.

use adept_odata::Expr;
use uuid::Uuid;

use super::{Clock, Error, ListQuery, Listed};
use crate::{
    domain::{AuditEntry, AuditEvent, AuditField, AuditResource, Caller, Change, Origin},
    storage,
};

/// The audit log, as it is read.
pub struct AuditLog {
    pub(super) audit: storage::AuditLog,
}

impl AuditLog {
    /// The component and category of every entry, in Graph's words.
    pub const AUDIT_COMPONENT: &'static str = "Enrollment";

    /// Lists the entries of the caller's tenant.
    pub async fn list(
        &self,
        caller: &Caller,
        query: &ListQuery<AuditField>,
    ) -> Result<Listed<AuditEntry>, Error> {
        Ok(self.audit.list(caller.tenant, query).await?)
    }

    /// Counts them.
    pub async fn count(&self, caller: &Caller, filter: Option<&Expr<AuditField>>) -> Result<i64, Error> {
        Ok(self.audit.count(caller.tenant, filter).await?)
    }

    /// One entry of the caller's tenant.
    pub async fn get(&self, caller: &Caller, id: Uuid) -> Result<AuditEntry, Error> {
        let found = self.audit.get(caller.tenant, id).await?;
        found.ok_or(Error::NotFound { what: "The audit event" })
    }

    /// The kinds of activity of a category that the tenant's log holds; none of any other category than ours.
    pub async fn activity_types(&self, caller: &Caller, category: &str) -> Result<Vec<String>, Error> {
        if !category.eq_ignore_ascii_case(Self::AUDIT_COMPONENT) {
            return Ok(Vec::new());
        }
        Ok(self.audit.activity_types(caller.tenant).await?)
    }
}

/// An entry of the log; without an origin it is the service's own doing. An activity that begins with no method's name is
/// an action.
pub fn event(
    clock: &Clock,
    origin: Option<&Origin>,
    activity: &'static str,
    resource: impl Into<AuditResource>,
    changes: Vec<Change>,
) -> AuditEvent {
    let id = clock.new_id();
    let operation = match activity.split(' ').next() {
        Some("create") => "Create",
        Some("patch") => "Patch",
        Some("delete") => "Delete",
        _ => "Action",
    };
    AuditEvent {
        id,
        at: clock.now(),
        actor: origin.map(|origin| origin.caller.clone()),
        activity,
        operation,
        resource: resource.into(),
        changes,
        correlation: origin.map_or(id, |origin| origin.request),
    }
}
