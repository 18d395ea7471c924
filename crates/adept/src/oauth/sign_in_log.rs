//! What is written down about a sign-in: in the metrics, in the log and in the audit log.

use uuid::Uuid;

use super::{OAuth, error::OAuthError};
use crate::{
    app::{Access, Counted},
    auth::{Issued, Refused},
    domain::{
        AccessActor, AccessKind, AuditResource, Caller, CallerKind, ClientAddress, ClientId, Permissions,
        TenantId,
    },
};

/// A request for a token, as far as it was understood.
pub(super) struct Attempt {
    /// Its id in the answer, in the log and in the token.
    pub(super) trace: Uuid,
    /// Where it came from.
    pub(super) address: Option<ClientAddress>,
    /// The tenant that it names.
    pub(super) tenant: Option<TenantId>,
    /// The client that it claims to be.
    pub(super) client: Option<ClientId>,
}

impl Attempt {
    /// Writes down how it ended.
    pub(super) fn record(&self, oauth: &OAuth, answered: &Result<Issued, OAuthError>) {
        let span = tracing::Span::current();
        if let Some(tenant) = self.tenant {
            span.record("tenant", tracing::field::display(tenant));
        }
        if let Some(client) = self.client {
            span.record("client", tracing::field::display(client));
        }
        if let Some(result) = result(answered) {
            oauth.app.counters.add(Counted::SignIn(result), 1);
        }
        match answered {
            Ok(issued) => self.note(
                oauth,
                AccessKind::SignedIn,
                self.verified(issued),
                issued.client_name.clone().into(),
                None,
            ),
            Err(refused) if refused.is_denial() => {
                let actor = AccessActor::Unverified(self.client);
                self.note(oauth, AccessKind::SignInRefused, actor, None, Some(refused.to_string()));
            }
            Err(_) => {}
        }
    }

    fn verified(&self, issued: &Issued) -> AccessActor {
        AccessActor::Verified(Caller {
            tenant: issued.tenant,
            kind: CallerKind::Application,
            client: self.client,
            client_name: Some(issued.client_name.clone()),
            permissions: Permissions::default(),
            address: self.address.map(|ClientAddress(address)| address),
        })
    }

    fn note(
        &self,
        oauth: &OAuth,
        kind: AccessKind,
        actor: AccessActor,
        name: Option<String>,
        reason: Option<String>,
    ) {
        let id = self.client.map_or_else(|| "unknown".to_owned(), |client| client.to_string());
        let resource = AuditResource { kind: "Application", id, name };
        let (address, request) = (self.address, self.trace);
        oauth.app.access_audit.note(Access {
            kind,
            tenant: self.tenant,
            actor,
            address,
            resource,
            reason,
            request,
        });
    }
}

/// How a sign-in ended, in metrics; none where nobody's credentials were looked at.
fn result(answered: &Result<Issued, OAuthError>) -> Option<&'static str> {
    match answered {
        Ok(_) => Some("granted"),
        Err(OAuthError::Refused(Refused::TooManyFailures(_))) => Some("limited"),
        Err(OAuthError::Refused(Refused::Unavailable(_))) => Some("unavailable"),
        Err(OAuthError::Refused(_)) => Some("refused"),
        Err(_) => None,
    }
}
