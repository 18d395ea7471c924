//! What the audit log keeps of what the operator does on the command line.

use crate::{
    app::{Clock, audit_event},
    domain::{AuditEvent, AuditResource, Caller, Change, Origin, TenantId},
};

/// An entry of something that the operator does to a tenant or to what belongs to it.
pub(super) fn by_operator(
    clock: &Clock,
    tenant: TenantId,
    activity: &'static str,
    resource: AuditResource,
    changes: Vec<Change>,
) -> AuditEvent {
    let origin = Origin { caller: Caller::operator(tenant), request: clock.new_id() };
    audit_event(clock, Some(&origin), activity, resource, changes)
}

/// The change of `disabled` to this value.
pub(super) fn disabling(disabled: bool) -> Vec<Change> {
    let (old, new) = if disabled { ("false", "true") } else { ("true", "false") };
    Change::among([("disabled", Some(old), Some(new))])
}
