//! The audit log as callers see it: theirs, and only to be read.

use adept_odata::Filter;
use uuid::Uuid;

use super::{App, Error, ListQuery, Listed};
use crate::domain::{AuditEntry, AuditField, Caller};

impl App {
    /// The component and category of every entry, in Graph's words.
    pub const AUDIT_COMPONENT: &'static str = "Enrollment";

    /// Lists the entries of the caller's tenant.
    pub async fn audit_events(
        &self,
        caller: &Caller,
        query: &ListQuery<AuditField>,
    ) -> Result<Listed<AuditEntry>, Error> {
        Ok(self.storage.audit.list(caller.tenant, query).await?)
    }

    /// Counts them.
    pub async fn count_audit_events(
        &self,
        caller: &Caller,
        filter: Option<&Filter<AuditField>>,
    ) -> Result<i64, Error> {
        Ok(self.storage.audit.count(caller.tenant, filter).await?)
    }

    /// One entry of the caller's tenant.
    pub async fn audit_event(&self, caller: &Caller, id: Uuid) -> Result<AuditEntry, Error> {
        let found = self.storage.audit.get(caller.tenant, id).await?;
        found.ok_or(Error::NotFound { what: "The audit event" })
    }

    /// The kinds of activity of a category that the tenant's log holds; none of any other category than ours.
    pub async fn audit_activity_types(&self, caller: &Caller, category: &str) -> Result<Vec<String>, Error> {
        if !category.eq_ignore_ascii_case(Self::AUDIT_COMPONENT) {
            return Ok(Vec::new());
        }
        Ok(self.storage.audit.activity_types(caller.tenant).await?)
    }
}
