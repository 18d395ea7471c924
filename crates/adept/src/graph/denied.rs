//! What is written down about a request that is refused because of who makes it.

use tracing::field::display;
use uuid::Uuid;

use super::{dispatch::Edge, error::Error};
use crate::{
    app::Access,
    auth::Denied,
    domain::{AccessActor, AccessKind, AuditResource, Caller, ClientAddress, ClientId, Permission, TenantId},
};

/// A request that may be refused.
pub(super) struct DeniedRequest<'e> {
    pub(super) edge: &'e Edge,
    pub(super) id: Uuid,
    pub(super) address: Option<ClientAddress>,
    pub(super) operation: &'static str,
}

/// Names the caller in the log lines of the request.
pub(super) fn record_caller(tenant: TenantId, client: Option<ClientId>) {
    let span = tracing::Span::current();
    span.record("tenant", display(tenant));
    if let Some(client) = client {
        span.record("client", display(client));
    }
}

impl DeniedRequest<'_> {
    /// It shows no good bearer token.
    pub(super) async fn by_bearer(&self, bearer: Option<&str>, why: Denied) -> Error {
        let signed = self.edge.graph().auth.signed_for(bearer, why).await;
        if let Some((tenant, client)) = signed {
            record_caller(tenant, client);
        }
        let client = signed.and_then(|(_, client)| client);
        let is_known = !matches!(why, Denied::UnknownTenant | Denied::PersonalAccount);
        let tenant = signed.map(|(tenant, _)| tenant).filter(|_| is_known);
        if why != Denied::Unavailable {
            self.note(tenant, AccessActor::Unverified(client), why.to_string());
        }
        why.into()
    }

    /// Its caller lacks every permission that is good for it.
    pub(super) fn by_permission(&self, caller: Caller, needed: &'static [Permission]) -> Error {
        let error = Error::Forbidden { needed };
        let (tenant, names) = (caller.tenant, needed.iter().map(|permission| permission.as_str()));
        let reason = format!("It needs one of {}.", names.collect::<Vec<_>>().join(", "));
        self.note(Some(tenant), AccessActor::Verified(caller), reason);
        error
    }

    fn note(&self, tenant: Option<TenantId>, actor: AccessActor, reason: String) {
        let resource = AuditResource { kind: "Request", id: self.operation.to_owned(), name: None };
        self.edge.graph().app.access_audit.note(Access {
            kind: AccessKind::RequestDenied,
            tenant,
            actor,
            address: self.address,
            resource,
            reason: Some(reason),
            request: self.id,
        });
    }
}
