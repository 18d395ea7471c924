//! Sign-ins, and requests and uploads that were refused, on their way into the audit log.
//!
//! Nobody waits for them: they are collected in memory and written once a second, so that a second's worth is lost when the
//! process is killed. Which of them are alike, and how many entries there may be, is decided in `domain`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Clock, Error};
use crate::{
    domain::{
        AccessActor, AccessEntry, AccessKind, AddressShare, AuditResource, CallerKind, ClientAddress,
        TenantId, bounded,
    },
    storage,
};

/// How often what was collected is written.
const PAUSE: Duration = Duration::from_secs(1);
/// The most entries that are collected; an unverified caller that comes then is counted among the rest of its minute.
const MOST_COLLECTED: usize = 10_000;

/// A sign-in, or a request or an upload that was refused.
pub struct Access {
    /// What happened.
    pub kind: AccessKind,
    /// Whose it is; where nobody knows, it belongs to the tenant that was made with the database.
    pub tenant: Option<TenantId>,
    /// Who did it.
    pub actor: AccessActor,
    /// Where it came from.
    pub address: Option<ClientAddress>,
    /// What it was about.
    pub resource: AuditResource,
    /// Why it was refused; nothing that could be long, and no secret.
    pub reason: Option<String>,
    /// The request's id.
    pub request: Uuid,
}

type Collected = HashMap<(TenantId, Uuid), AccessEntry>;

/// Collects and writes them.
pub struct AccessAudit {
    pub(super) audit: storage::AuditLog,
    pub(super) default_tenant: TenantId,
    pub(super) clock: Clock,
    pub(super) collected: Mutex<Collected>,
    /// Held while one is written: another flush waits, so that all that was noted before it is written when it ends.
    pub(super) writing: tokio::sync::Mutex<()>,
}

impl AccessAudit {
    /// Notes one more, and answers which entry it is.
    pub fn note(&self, access: Access) -> Uuid {
        let now = self.clock.now();
        let address = access.address.map(|ClientAddress(address)| address);
        let tenant = access.tenant.unwrap_or(self.default_tenant);
        let digest = digest_of(tenant, access.kind, &access.actor, address.map(AddressShare::of));
        let entry = AccessEntry {
            id: AccessEntry::id_of(access.kind, &access.actor, now, digest),
            tenant,
            kind: access.kind,
            actor: access.actor,
            address,
            resource: access.resource,
            reason: access.reason,
            at: now,
            last_at: now,
            times: 1,
            correlation: access.request,
        };
        let id = entry.id;
        collect(&mut self.collected(), entry);
        id
    }

    /// Writes what was collected. What cannot be written now stays.
    pub async fn flush(&self) -> Result<(), Error> {
        let _writing = self.writing.lock().await;
        let collected = std::mem::take(&mut *self.collected());
        let mut of_minutes: BTreeMap<_, Vec<AccessEntry>> = BTreeMap::new();
        for entry in collected.into_values() {
            of_minutes.entry((entry.tenant, entry.unverified_range())).or_default().push(entry);
        }
        let mut failed = Ok(());
        for ((tenant, range), mut entries) in of_minutes {
            entries.sort_unstable_by_key(|entry| entry.at);
            if failed.is_ok() {
                failed = self.write(tenant, range, &entries).await;
            }
            if failed.is_err() {
                let mut collected = self.collected();
                entries.into_iter().for_each(|entry| collect(&mut collected, entry));
            }
        }
        failed
    }

    async fn write(
        &self,
        tenant: TenantId,
        range: Option<(Uuid, Uuid)>,
        entries: &[AccessEntry],
    ) -> Result<(), Error> {
        let Some(range) = range else { return Ok(self.audit.keep_access(entries).await?) };
        let stored = self.audit.ids_within(tenant, range).await?;
        Ok(self.audit.keep_access(&bounded(&stored, entries.to_vec())).await?)
    }

    /// Writes what was collected once a second, until `shutdown`.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut fails = false;
        while shutdown.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_some() {
            let written = self.flush().await;
            if let Err(error) = &written
                && !fails
            {
                tracing::warn!(%error, "sign-ins and refused requests cannot be written to the audit log; they are kept for now");
            }
            fails = written.is_err();
        }
    }

    fn collected(&self) -> std::sync::MutexGuard<'_, Collected> {
        // A panic elsewhere leaves them consistent.
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn collect(collected: &mut Collected, entry: AccessEntry) {
    let is_new = || !collected.contains_key(&(entry.tenant, entry.id));
    let full = collected.len() >= MOST_COLLECTED && entry.unverified_range().is_some() && is_new();
    let entry = if full { entry.into_rest() } else { entry };
    match collected.get_mut(&(entry.tenant, entry.id)) {
        Some(alike) => alike.merge(&entry),
        None => drop(collected.insert((entry.tenant, entry.id), entry)),
    }
}

/// What tells those of one minute or hour apart.
fn digest_of(
    tenant: TenantId,
    kind: AccessKind,
    actor: &AccessActor,
    address: Option<AddressShare>,
) -> [u8; 9] {
    let (client, user) = match actor {
        AccessActor::Unverified(client) => (*client, None),
        AccessActor::Verified(caller) => match &caller.kind {
            CallerKind::User { user_id, .. } => (caller.client, Some(user_id.as_str())),
            CallerKind::Application | CallerKind::Operator => (caller.client, None),
        },
    };
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(tenant.0.as_bytes());
    context.update(kind.as_str().as_bytes());
    context.update(format!("\n{client:?}\n{user:?}\n{address:?}").as_bytes());
    let mut digest = [0; 9];
    digest.copy_from_slice(&context.finish().as_ref()[..9]);
    digest
}
