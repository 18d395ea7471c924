//! What the reconciler stores and asks: which setting is due, under which lease and wishes it works, how a run ends. The
//! plan, the devices that differ from it, and the calls to Apple are in the files below.
//!
//! Every change of what is wanted makes the setting's `wishes` grow. A call to Apple begins only under the wishes that
//! were read, and nothing here is stored under another lease or token than it was learned under.

mod calls;
mod definitions;
mod plan;
mod releases;
mod show;
mod work;

use jiff::Timestamp;

use super::{
    Error, Storage,
    db::{Transaction, sql},
    sync::Lease,
};
use crate::domain::{SettingId, TenantId, TokenState};

pub use calls::{AppleCall, Assigned, Begun, DeviceVerdict};
pub(super) use definitions::forget_refusals;
pub use plan::{Plan, PlannedProfile};
pub use releases::Released;
pub use show::{DeviceStory, ShownDevice, WaitingDevices};
pub use work::{Place, WorkDevice};

/// A setting whose wishes are to be compared with what Apple has.
#[derive(Clone, Debug)]
pub struct ReconcileClaim {
    /// The right to it.
    pub lease: Lease,
    /// What marks this claim in `reconcile_due_at`; whatever makes the setting due meanwhile overwrites it.
    pub due_mark: Timestamp,
    /// Runs in a row that Apple ended with something of the token.
    pub failures: i64,
}

/// What a run works under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Grows with every change of what is wanted.
    pub wishes: i64,
    /// Whether every device has to be looked at.
    pub look_at_all: bool,
    /// Whether a sync is due, which goes first.
    pub sync_is_due: bool,
}

/// What a run showed of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing new.
    Nothing,
    /// This is the matter with it, whatever a sync finds meanwhile.
    Fault(TokenState),
    /// Apple did what was asked.
    Well,
    /// Nothing is left to ask Apple for; a sync finds out how the token stands.
    NothingAsked,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct ReconcileEnd {
    /// What it showed of the token.
    pub shown: Shown,
    /// The wishes under which all devices were looked at; none when they were not, or have to be again.
    pub looked_under: Option<i64>,
    /// When the next run is due, unless something changed meanwhile.
    pub next_due: Option<Timestamp>,
    /// When the next sync is due at the latest; none leaves it as it is.
    pub sync_by: Option<Timestamp>,
    /// When it ended.
    pub now: Timestamp,
}

/// Notes in a transaction that something else is wanted of a setting's devices, and takes its row until the end; false
/// when the setting is gone. `all` makes the next run look at every device.
pub(super) async fn wish(
    tx: &mut Transaction,
    tenant: TenantId,
    setting: SettingId,
    now: Timestamp,
    all: bool,
) -> Result<bool, Error> {
    let touched = tx
        .execute(
            sql("UPDATE onboarding_settings SET wishes = wishes + 1, reconcile_due_at = $3, \
                 look_at_all = (look_at_all OR $4) WHERE tenant = $1 AND id = $2 AND hidden_at IS NULL")
            .bind(tenant.to_string())
            .bind(setting.to_string())
            .bind(now)
            .bind(all),
        )
        .await?;
    Ok(touched == 1)
}

/// Notes in a transaction that Apple's records changed devices of a setting; `new` ones of a fetch make the next run look
/// at every device.
pub(super) async fn devices_changed(
    tx: &mut Transaction,
    lease: &Lease,
    now: Timestamp,
    new: bool,
) -> Result<(), Error> {
    tx.execute_one(
        "noting that devices changed",
        sql("UPDATE onboarding_settings SET reconcile_due_at = $3, look_at_all = (look_at_all OR $4) \
             WHERE tenant = $1 AND id = $2")
        .bind(lease.tenant.to_string())
        .bind(lease.setting.to_string())
        .bind(now)
        .bind(new),
    )
    .await
}

impl Storage {
    /// When the next setting is to be reconciled, leases considered; none when none ever is.
    pub async fn next_reconcile_due(&self) -> Result<Option<Timestamp>, Error> {
        let row = self
            .db
            .row(
                sql("SELECT MIN(CASE WHEN lease_until > reconcile_due_at THEN lease_until ELSE reconcile_due_at END) AS due \
                     FROM onboarding_settings WHERE reconcile_due_at IS NOT NULL AND hidden_at IS NULL AND (token_state = 'ok' OR token_state = reconcile_fault)"),
            )
            .await?;
        row.map(|row| row.time("due")).transpose().map(Option::flatten)
    }

    /// Takes the leases of at most `limit` settings that are to be reconciled, that nobody holds and whose token Apple
    /// accepts; those apart whose sync is due, which goes first.
    pub async fn claim_due_reconciles(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: i64,
    ) -> Result<Vec<ReconcileClaim>, Error> {
        let mut tx = self.db.begin().await?;
        let rows = tx
            .rows(
                sql("UPDATE onboarding_settings SET lease_epoch = lease_epoch + 1, lease_until = $2, reconcile_due_at = $2 \
                     WHERE (tenant, id) IN (SELECT tenant, id FROM onboarding_settings \
                         WHERE reconcile_due_at <= $1 AND lease_until <= $1 AND hidden_at IS NULL \
                         AND (token_state = 'ok' OR token_state = reconcile_fault) AND (sync_due_at IS NULL OR sync_due_at > $1) \
                         ORDER BY reconcile_due_at, tenant, id LIMIT $3) \
                     AND reconcile_due_at <= $1 AND lease_until <= $1 AND hidden_at IS NULL \
                     RETURNING tenant, id, lease_epoch, token_generation, reconcile_failures")
                .bind(now)
                .bind(lease_until)
                .bind(limit),
            )
            .await?;
        tx.commit().await?;
        rows.iter()
            .map(|row| {
                let lease = Lease {
                    tenant: row.parse("tenant")?,
                    setting: row.parse("id")?,
                    epoch: row.get("lease_epoch")?,
                    generation: row.get("token_generation")?,
                };
                Ok(ReconcileClaim { lease, due_mark: lease_until, failures: row.get("reconcile_failures")? })
            })
            .collect()
    }

    /// Lengthens the lease of a run and reads again what it works under; none when lease, token or setting are other
    /// ones by now.
    pub async fn hold(&self, lease: &Lease, now: Timestamp, until: Timestamp) -> Result<Option<Held>, Error> {
        let mut tx = self.db.begin().await?;
        let held = hold(&mut tx, lease, now, until).await?;
        tx.commit().await?;
        Ok(held)
    }

    /// Notes how a run ended and gives the lease back; false when it was lost.
    pub async fn end_reconcile(&self, claim: &ReconcileClaim, end: &ReconcileEnd) -> Result<bool, Error> {
        let lease = &claim.lease;
        let fault = match end.shown {
            Shown::Fault(state) => Some(state.as_str()),
            _ => None,
        };
        let mut tx = self.db.begin().await?;
        let touched = tx
            .execute(
                sql("UPDATE onboarding_settings SET lease_until = 0, \
                     token_state = CASE WHEN $11 AND token_state = reconcile_fault THEN 'ok' \
                                        ELSE COALESCE($5, token_state) END, \
                     token_checked_at = CASE WHEN $11 OR $5 IS NOT NULL THEN $6 ELSE token_checked_at END, \
                     reconcile_fault = CASE WHEN $12 THEN NULL ELSE COALESCE($5, reconcile_fault) END, \
                     reconcile_failures = CASE WHEN $12 THEN 0 WHEN $5 IS NULL THEN reconcile_failures \
                                               ELSE reconcile_failures + 1 END, \
                     look_at_all = (look_at_all AND ($7 IS NULL OR wishes <> $7)), \
                     reconcile_due_at = CASE WHEN reconcile_due_at = $8 THEN $9 ELSE reconcile_due_at END, \
                     sync_due_at = CASE WHEN sync_due_at > $10 THEN $10 ELSE sync_due_at END \
                     WHERE tenant = $1 AND id = $2 AND lease_epoch = $3 AND token_generation = $4 \
                     AND hidden_at IS NULL")
                .bind(lease.tenant.to_string())
                .bind(lease.setting.to_string())
                .bind(lease.epoch)
                .bind(lease.generation)
                .bind(fault)
                .bind(end.now)
                .bind(end.looked_under)
                .bind(claim.due_mark)
                .bind(end.next_due)
                .bind(end.sync_by)
                .bind(end.shown == Shown::Well)
                .bind(matches!(end.shown, Shown::Well | Shown::NothingAsked)),
            )
            .await?;
        tx.commit().await?;
        Ok(touched == 1)
    }

    /// Notes what Apple is told of every profile alike, by its digest. When that is another one than before, every
    /// setting is due, hidden ones and those without a token included, and what Apple refused or could not be told is
    /// tried again; no run under way goes on under the one before. Answers whether it is.
    pub async fn note_common_terms(&self, digest: &str, now: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let is_other = tx
            .execute(
                sql("INSERT INTO deployment (tenant, name, value) VALUES ($1, 'common-terms', $2) \
                     ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value \
                     WHERE deployment.value <> excluded.value")
                .bind(TenantId::DEPLOYMENT.to_string())
                .bind(digest),
            )
            .await?
            == 1;
        if is_other {
            tx.execute(
                sql("UPDATE onboarding_settings SET wishes = wishes + 1, reconcile_due_at = $1, look_at_all = TRUE")
                    .bind(now),
            )
            .await?;
            tx.execute(sql("DELETE FROM profile_definitions")).await?;
        }
        tx.commit().await?;
        Ok(is_other)
    }

    /// The digest that was noted last; none when no process noted any yet.
    pub async fn common_terms(&self) -> Result<Option<String>, Error> {
        let row = self
            .db
            .row(
                sql("SELECT value FROM deployment WHERE tenant = $1 AND name = 'common-terms'")
                    .bind(TenantId::DEPLOYMENT.to_string()),
            )
            .await?;
        row.map(|row| row.get("value")).transpose()
    }
}

async fn hold(
    tx: &mut Transaction,
    lease: &Lease,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Held>, Error> {
    let row = tx
        .row(
            sql("UPDATE onboarding_settings SET lease_until = $5 WHERE tenant = $1 AND id = $2 \
                 AND lease_epoch = $3 AND token_generation = $4 AND hidden_at IS NULL \
                 RETURNING wishes, look_at_all, sync_due_at")
            .bind(lease.tenant.to_string())
            .bind(lease.setting.to_string())
            .bind(lease.epoch)
            .bind(lease.generation)
            .bind(until),
        )
        .await?;
    row.map(|row| {
        Ok(Held {
            wishes: row.get("wishes")?,
            look_at_all: row.get("look_at_all")?,
            sync_is_due: row.time("sync_due_at")?.is_some_and(|due| due <= now),
        })
    })
    .transpose()
}

/// Takes the setting's row until the end of the transaction, if the lease and the token are still those of the run;
/// answers the present wishes.
async fn check_lease(tx: &mut Transaction, lease: &Lease) -> Result<Option<i64>, Error> {
    let row = tx
        .row(
            sql("UPDATE onboarding_settings SET lease_until = lease_until WHERE tenant = $1 AND id = $2 \
                 AND lease_epoch = $3 AND token_generation = $4 AND hidden_at IS NULL RETURNING wishes")
            .bind(lease.tenant.to_string())
            .bind(lease.setting.to_string())
            .bind(lease.epoch)
            .bind(lease.generation),
        )
        .await?;
    row.map(|row| row.get("wishes")).transpose()
}
