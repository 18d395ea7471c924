//! What the assignment controller stores and asks: which setting is due, under which lease and desired state it works, how a run ends. The
//! plan, the devices that differ from it, and the calls to Apple are in the files below.
//!
//! Every change of what is wanted makes the setting's `desired state` grow. A call to Apple begins only under the desired state that
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
    lease::Lease,
};
use adept_domain::{SettingKey, TenantId, TokenState};

pub use calls::{Assigned, Begun, DeviceResult, InFlightCall};
pub(super) use definitions::forget_refusals;
pub use plan::{Plan, PlannedProfile};
pub use releases::Released;
pub use show::{DeviceStory, ShownDevice, WaitingDevices};
pub use work::{ScanPosition, WorkDevice};

/// A setting whose desired state are to be compared with what Apple has.
#[derive(Clone, Debug)]
pub struct AssignmentClaim {
    /// The right to it.
    pub lease: Lease,
    /// What marks this claim in `assignment_due_at`; whatever makes the setting due meanwhile overwrites it.
    pub due_mark: Timestamp,
    /// Runs in a row that Apple ended with something of the token.
    pub failures: i64,
}

/// What a run works under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Grows with every change of what is wanted.
    pub desired_generation: i64,
    /// Whether every device has to be looked at.
    pub scan_all: bool,
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
pub struct AssignmentEnd {
    /// What it showed of the token.
    pub shown: Shown,
    /// The desired state under which all devices were looked at; none when they were not, or have to be again.
    pub scanned_generation: Option<i64>,
    /// When the next run is due, unless something changed meanwhile.
    pub next_due: Option<Timestamp>,
    /// When the next sync is due at the latest; none leaves it as it is.
    pub sync_by: Option<Timestamp>,
    /// When it ended.
    pub now: Timestamp,
}

/// Notes in a transaction that something else is wanted of a setting's devices, and takes its row until the end; false
/// when the setting is gone. `all` makes the next run look at every device.
pub(super) async fn bump_desired_generation(
    tx: &mut Transaction,
    key: SettingKey,
    now: Timestamp,
    all: bool,
) -> Result<bool, Error> {
    let touched = tx
        .execute(
            sql("UPDATE settings SET desired_generation = desired_generation + 1, assignment_due_at = $3, \
                 scan_all = (scan_all OR $4) WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL")
            .key(key)
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
        sql("UPDATE settings SET assignment_due_at = $3, scan_all = (scan_all OR $4) \
             WHERE tenant = $1 AND id = $2")
        .key(lease.key)
        .bind(now)
        .bind(new),
    )
    .await
}

impl Storage {
    /// When the next setting is to be reconciled, leases considered; none when none ever is.
    pub async fn next_assignment_due(&self) -> Result<Option<Timestamp>, Error> {
        let row = self
            .db
            .row(
                sql("SELECT MIN(CASE WHEN lease_until > assignment_due_at THEN lease_until ELSE assignment_due_at END) AS due \
                     FROM settings WHERE assignment_due_at IS NOT NULL AND deleted_at IS NULL AND (token_state = 'ok' OR token_state = assignment_fault)"),
            )
            .await?;
        row.map(|row| row.time("due")).transpose().map(Option::flatten)
    }

    /// Takes the leases of at most `limit` settings that are to be reconciled, that nobody holds and whose token Apple
    /// accepts; those apart whose sync is due, which goes first.
    pub async fn claim_due_assignments(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: i64,
    ) -> Result<Vec<AssignmentClaim>, Error> {
        let mut tx = self.db.begin().await?;
        let rows = tx
            .rows(
                sql("UPDATE settings SET lease_epoch = lease_epoch + 1, lease_until = $2, assignment_due_at = $2 \
                     WHERE (tenant, id) IN (SELECT tenant, id FROM settings \
                         WHERE assignment_due_at <= $1 AND lease_until <= $1 AND deleted_at IS NULL \
                         AND (token_state = 'ok' OR token_state = assignment_fault) AND (sync_due_at IS NULL OR sync_due_at > $1) \
                         ORDER BY assignment_due_at, tenant, id LIMIT $3) \
                     AND assignment_due_at <= $1 AND lease_until <= $1 AND deleted_at IS NULL \
                     RETURNING tenant, id, lease_epoch, token_generation, assignment_failures")
                .bind(now)
                .bind(lease_until)
                .bind(limit),
            )
            .await?;
        tx.commit().await?;
        rows.iter()
            .map(|row| {
                let lease = Lease {
                    key: row.key("id")?,
                    epoch: row.get("lease_epoch")?,
                    generation: row.get("token_generation")?,
                };
                Ok(AssignmentClaim {
                    lease,
                    due_mark: lease_until,
                    failures: row.get("assignment_failures")?,
                })
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
    pub async fn end_assignment_run(
        &self,
        claim: &AssignmentClaim,
        end: &AssignmentEnd,
    ) -> Result<bool, Error> {
        let lease = &claim.lease;
        let fault = match end.shown {
            Shown::Fault(state) => Some(state.as_str()),
            _ => None,
        };
        let mut tx = self.db.begin().await?;
        let touched = tx
            .execute(
                sql("UPDATE settings SET lease_until = 0, \
                     token_state = CASE WHEN $11 AND token_state = assignment_fault THEN 'ok' \
                                        ELSE COALESCE($5, token_state) END, \
                     token_checked_at = CASE WHEN $11 OR $5 IS NOT NULL THEN $6 ELSE token_checked_at END, \
                     assignment_fault = CASE WHEN $12 THEN NULL ELSE COALESCE($5, assignment_fault) END, \
                     assignment_failures = CASE WHEN $12 THEN 0 WHEN $5 IS NULL THEN assignment_failures \
                                               ELSE assignment_failures + 1 END, \
                     scan_all = (scan_all AND ($7 IS NULL OR desired_generation <> $7)), \
                     assignment_due_at = CASE WHEN assignment_due_at = $8 THEN $9 ELSE assignment_due_at END, \
                     sync_due_at = CASE WHEN sync_due_at > $10 THEN $10 ELSE sync_due_at END \
                     WHERE tenant = $1 AND id = $2 AND lease_epoch = $3 AND token_generation = $4 \
                     AND deleted_at IS NULL")
                .key(lease.key)
                .bind(lease.epoch)
                .bind(lease.generation)
                .bind(fault)
                .bind(end.now)
                .bind(end.scanned_generation)
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
    /// setting is due, soft-deleted ones and those without a token included, and what Apple refused or could not be told is
    /// tried again; no run under way goes on under the one before. Answers whether it is.
    pub async fn note_shared_profile_options(&self, digest: &str, now: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let is_other = tx
            .execute(
                sql(
                    "INSERT INTO deployment (tenant, name, value) VALUES ($1, 'shared-profile-options', $2) \
                     ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value \
                     WHERE deployment.value <> excluded.value",
                )
                .bind(TenantId::DEPLOYMENT)
                .bind(digest),
            )
            .await?
            == 1;
        if is_other {
            tx.execute(
                sql("UPDATE settings SET desired_generation = desired_generation + 1, assignment_due_at = $1, scan_all = TRUE")
                    .bind(now),
            )
            .await?;
            tx.execute(sql("DELETE FROM profile_definitions")).await?;
        }
        tx.commit().await?;
        Ok(is_other)
    }

    /// The digest that was noted last; none when no process noted any yet.
    pub async fn shared_profile_options(&self) -> Result<Option<String>, Error> {
        let row = self
            .db
            .row(
                sql("SELECT value FROM deployment WHERE tenant = $1 AND name = 'shared-profile-options'")
                    .bind(TenantId::DEPLOYMENT),
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
            sql("UPDATE settings SET lease_until = $5 WHERE tenant = $1 AND id = $2 \
                 AND lease_epoch = $3 AND token_generation = $4 AND deleted_at IS NULL \
                 RETURNING desired_generation, scan_all, sync_due_at")
            .key(lease.key)
            .bind(lease.epoch)
            .bind(lease.generation)
            .bind(until),
        )
        .await?;
    row.map(|row| {
        Ok(Held {
            desired_generation: row.get("desired_generation")?,
            scan_all: row.get("scan_all")?,
            sync_is_due: row.time("sync_due_at")?.is_some_and(|due| due <= now),
        })
    })
    .transpose()
}

/// Takes the setting's row until the end of the transaction, if the lease and the token are still those of the run;
/// answers the present desired state.
async fn check_lease(tx: &mut Transaction, lease: &Lease) -> Result<Option<i64>, Error> {
    let row = tx
        .row(
            sql("UPDATE settings SET lease_until = lease_until WHERE tenant = $1 AND id = $2 \
                 AND lease_epoch = $3 AND token_generation = $4 AND deleted_at IS NULL RETURNING desired_generation")
            .key(lease.key)
            .bind(lease.epoch)
            .bind(lease.generation),
        )
        .await?;
    row.map(|row| row.get("desired_generation")).transpose()
}
