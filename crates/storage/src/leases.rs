//! Which settings are due, and the right to work on them. Work is found by asking the state; there is no queue to lose.
//! The statements here look for candidates only; whether one is claimed is decided under its row, and rows that
//! another process has locked are skipped.

use adept_domain::{
    Fence, Lease, SettingKey, SettingState, SyncOutcome, TenantId,
    deadline::{LONGEST_REST, Lengths, horizon},
    setting_state::{LeaseState, Observed},
};
use jiff::Timestamp;

use super::{
    Error, Leases,
    db::{Row, Transaction, sql, sql_of_parts},
    schema,
    setting_state::{lock, save, try_lock},
    sync_runs,
};

/// So many settings at most are looked at in one round; far more than can be worked on at once.
const CANDIDATES: i64 = 4096;

/// So many devices that a wrong clock put off are due by one claim: a call about them is no larger, and a claim of many
/// settings stays short.
const HEALED_AT_ONCE: i64 = 1000;

/// What is done for a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Devices are synchronized.
    Sync,
    /// Desired profiles are made so.
    Assignment,
}

/// A setting that is due, and the lease on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueSetting {
    /// The setting.
    pub key: SettingKey,
    /// The lease on it.
    pub lease: LeaseState,
}

/// The right to work on a setting, and its state when that began.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The right.
    pub lease: Lease,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// The state that the work starts from.
    pub state: SettingState,
}

/// Whether work for settings of the tenant goes on: it is not disabled, and no newer program keeps this one from writing.
pub(super) async fn may_go_on(tx: &mut Transaction, tenant: TenantId) -> Result<bool, Error> {
    let select = sql("SELECT disabled, (SELECT MAX(oldest_writer) \
        FROM schema_compatibility) AS oldest_writer FROM tenants WHERE id = $1")
    .bind(tenant);
    let Some(row) = tx.row(select).await? else { return Ok(false) };
    let oldest_writer: Option<i64> = row.get("oldest_writer")?;
    Ok(!row.get::<bool>("disabled")? && oldest_writer.unwrap_or(0) <= schema::newest())
}

/// What a wrong clock put off for longer than devices and definitions may rest is due now. Of devices that are to be
/// assigned so many at once at most: the setting is due again as long as others lie too far ahead.
async fn heal_deadlines(tx: &mut Transaction, key: SettingKey, now: Timestamp) -> Result<(), Error> {
    let horizon = horizon(now, LONGEST_REST);
    let select = sql("SELECT assign_due_at, serial_key FROM devices WHERE tenant = $1 AND setting = $2 \
        AND assign_due_at > $3 ORDER BY assign_due_at, serial_key LIMIT 1 OFFSET $4")
    .bind((key, horizon, HEALED_AT_ONCE));
    let behind = tx.row(select).await?;
    let devices =
        "UPDATE devices SET assign_due_at = $3 WHERE tenant = $1 AND setting = $2 AND assign_due_at > $4";
    let devices = match behind {
        None => sql(devices).bind((key, now, horizon)),
        Some(row) => sql_of_parts(format!("{devices} AND (assign_due_at, serial_key) < ($5, $6)"))
            .bind((key, now, horizon, row.get::<i64>("assign_due_at")?))
            .bind(row.get::<String>("serial_key")?.as_str()),
    };
    tx.execute(devices).await?;
    for text in [
        "UPDATE devices SET release_due_at = $3 WHERE tenant = $1 AND setting = $2 \
         AND release_requested_at IS NOT NULL AND release_due_at > $4",
        "UPDATE profile_definitions SET again_at = $3 WHERE tenant = $1 AND setting = $2 AND again_at > $4",
    ] {
        tx.execute(sql(text).bind((key, now, horizon))).await?;
    }
    Ok(())
}

impl Leases {
    /// The settings that are due and whose tenant is not disabled, those longest due first.
    pub async fn due_settings(
        &self,
        work: Work,
        now: Timestamp,
        lengths: &Lengths,
    ) -> Result<Vec<DueSetting>, Error> {
        let (due_at, may_run, length) = match work {
            Work::Sync => ("sync_due_at", "token_in_use IS NOT NULL", lengths.sync_interval),
            Work::Assignment => {
                ("assignment_due_at", "(token_state = 'ok' OR token_state = assignment_fault)", LONGEST_REST)
            }
        };
        let select = sql_of_parts(format!(
            "SELECT tenant, setting, lease_epoch, lease_until FROM setting_states WHERE ({due_at} <= $1 \
             OR {due_at} > $2) AND deleted_at IS NULL AND {may_run} AND tenant NOT IN (SELECT id \
             FROM tenants WHERE disabled) ORDER BY {due_at}, tenant, setting LIMIT $3"
        ))
        .bind((now, horizon(now, length), CANDIDATES));
        let due = |row: &Row| {
            let lease = LeaseState { epoch: row.get("lease_epoch")?, until: row.get("lease_until")? };
            Ok(DueSetting { key: row.get("setting")?, lease })
        };
        self.db.all(select, due).await
    }

    /// Takes the leases of those of `due` that are still due, that nobody holds or has renewed since they were seen, and
    /// that no other process is just writing. Two processes never get the same one. If this process dies, each is claimed again when its lease is over.
    pub async fn claim(
        &self,
        work: Work,
        due: &[(SettingKey, Observed)],
        now: Timestamp,
        lengths: &Lengths,
    ) -> Result<Vec<Claim>, Error> {
        let mut tx = self.db.begin().await?;
        let mut claims = Vec::new();
        for (key, observed) in due {
            let Some(mut state) = try_lock(&mut tx, *key).await? else { continue };
            let is_claimed = match work {
                Work::Sync => state.on_sync_started(now, lengths, *observed),
                Work::Assignment => state.on_assignment_started(now, lengths, *observed),
            };
            if is_claimed && may_go_on(&mut tx, key.tenant).await? {
                save(&mut tx, &state).await?;
                if work == Work::Assignment {
                    heal_deadlines(&mut tx, *key, now).await?;
                }
                claims.push(Claim { lease: state.current_lease(), started_at: now, state });
            }
        }
        tx.commit().await?;
        Ok(claims)
    }

    /// Renews a lease; false when it was lost, when the token or setting is another one by now, when the tenant was
    /// disabled, or when this program may not write any more.
    pub async fn renew(&self, lease: &Lease, now: Timestamp, lengths: &Lengths) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = lock(&mut tx, lease.key, &Fence::Lease(*lease)).await? else {
            return Ok(false);
        };
        if !may_go_on(&mut tx, lease.key.tenant).await? {
            return Ok(false);
        }
        state.on_lease_renewed(now, lengths);
        save(&mut tx, &state).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Gives a lease back whose token was replaced while it ran, or whose process stops, so that the next run need not
    /// wait for its end. Whatever else the run learned is discarded; its line in the history ends with `outcome`.
    pub async fn release(&self, lease: &Lease, outcome: SyncOutcome, now: Timestamp) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        if let Some(mut state) = lock(&mut tx, lease.key, &Fence::Epoch(lease.epoch)).await? {
            state.on_lease_released();
            save(&mut tx, &state).await?;
        }
        sync_runs::cut_off(&mut tx, lease, outcome, now).await?;
        tx.commit().await
    }
}
