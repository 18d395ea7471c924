//! Synchronization as stored: who may do it (lease and epoch), how far it came (cursor and revision), how it ended.
//!
//! Work is found by asking the state; there is no queue. Clocks decide only when a lease may be taken over, never who
//! may write: every commit states epoch, token generation and cursor revision, and touches one row or nothing.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Error, Storage,
    absent::FullFetchMove,
    assignment, audit,
    db::{Row, Transaction, sql},
    devices,
    sync_runs::{self, RunPart},
};
use adept_domain::{
    AppleRecord, AuditEvent, DeviceChanges, FoldedPage, SettingId, SyncOutcome, TenantId, TokenState,
    fold_page,
};

/// Two syncs of one setting start at least so far apart, however often they are asked for: what is asked for meanwhile
/// is answered by one run.
pub const BETWEEN_SYNCS: SignedDuration = SignedDuration::from_micros(BETWEEN_SYNCS_MICROS);
pub(super) const BETWEEN_SYNCS_MICROS: i64 = 1_000_000;

/// The right to synchronize one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The owner of the setting.
    pub tenant: TenantId,
    /// The setting.
    pub setting: SettingId,
    /// Grows with every take-over.
    pub epoch: i64,
    /// The token under which everything is learned.
    pub generation: i64,
}

/// A setting that was found to be due, and what its run starts from.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The right to it.
    pub lease: Lease,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// What marks this claim in `sync_due_at`; a request made meanwhile overwrites it.
    pub due_mark: Timestamp,
    /// The last stored cursor.
    pub cursor: Option<String>,
    /// When Apple issued it.
    pub cursor_issued_at: Option<Timestamp>,
    /// Whether a fetch came to its end, so that deltas may follow.
    pub cursor_complete: bool,
    /// Grows with every stored page.
    pub cursor_revision: i64,
    /// Devices per page of the fetch that the cursor belongs to.
    pub cursor_limit: Option<i64>,
    /// Runs in a row that ended because Apple gave a cursor for the second time.
    pub cursor_repeats: i64,
    /// When a complete fetch is owed; none until the first one came to its end.
    pub full_fetch_due: Option<Timestamp>,
    /// Devices per page that Apple allows.
    pub page_limit: u32,
    /// Runs that failed in a row.
    pub failures: i64,
}

/// How a page moves the cursor.
#[derive(Clone, Debug)]
pub struct CursorMove<'a> {
    /// The revision that was seen; it grows in any case.
    pub seen_revision: i64,
    /// Where to; none leaves it where it is.
    pub to: Option<CursorPlace<'a>>,
    /// A fetch came to its end by this: until what it left out is settled, another one is owed from then on.
    pub owes_fetch: Option<FullFetchMove>,
}

/// A place to go on from.
#[derive(Clone, Copy, Debug)]
pub struct CursorPlace<'a> {
    /// Apple's cursor; none starts over.
    pub cursor: Option<&'a str>,
    /// When Apple issued it.
    pub issued_at: Timestamp,
    /// Whether a fetch has come to its end, so that deltas may follow.
    pub complete: bool,
    /// Devices per page that were asked for.
    pub limit: u32,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncEnd {
    /// What came of it; of the token only when Apple was asked.
    pub outcome: SyncOutcome,
    /// Apple's code, where it gave one.
    pub code: Option<String>,
    /// When it ended.
    pub now: Timestamp,
    /// When the next run is due, unless someone asked for one meanwhile.
    pub next_due: Timestamp,
    /// The earliest time for a run that was asked for meanwhile.
    pub soonest: Timestamp,
    /// Whether it was the stored cursor that Apple gave for the second time.
    pub repeats_cursor: bool,
    /// Puts a complete fetch off that leads nowhere now.
    pub full_fetch: Option<FullFetchMove>,
}

fn claim(row: &Row, now: Timestamp, due_mark: Timestamp) -> Result<Claim, Error> {
    Ok(Claim {
        lease: Lease {
            tenant: row.parse("tenant")?,
            setting: row.parse("id")?,
            epoch: row.get("lease_epoch")?,
            generation: row.get("token_generation")?,
        },
        started_at: now,
        due_mark,
        cursor: row.get("cursor")?,
        cursor_issued_at: row.time("cursor_issued_at")?,
        cursor_complete: row.get("cursor_complete")?,
        cursor_revision: row.get("cursor_revision")?,
        cursor_limit: row.get("cursor_limit")?,
        cursor_repeats: row.get("cursor_repeats")?,
        full_fetch_due: row.time("full_fetch_due_at")?,
        page_limit: u32::try_from(row.get::<i64>("page_limit")?).unwrap_or(1000).clamp(1, 1000),
        failures: row.get("sync_failures")?,
    })
}

impl Storage {
    /// When the next setting falls due, leases considered; none when none ever does.
    pub async fn next_sync_due(&self) -> Result<Option<Timestamp>, Error> {
        let row = self
            .db
            .row(sql("SELECT MIN(CASE WHEN lease_until > sync_due_at THEN lease_until ELSE sync_due_at END) AS due \
                      FROM onboarding_settings WHERE sync_due_at IS NOT NULL AND deleted_at IS NULL"))
            .await?;
        row.map(|row| row.time("due")).transpose().map(Option::flatten)
    }

    /// Takes the leases of at most `limit` settings that are due and that nobody holds. Two processes never get the
    /// same one. If this process dies, each is due again when its lease ends.
    pub async fn claim_due_syncs(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: i64,
    ) -> Result<Vec<Claim>, Error> {
        let mut tx = self.db.begin().await?;
        let rows = tx
            .rows(
                sql("UPDATE onboarding_settings SET lease_epoch = lease_epoch + 1, lease_until = $2, \
                     sync_due_at = $2, sync_started_at = $1, sync_triggered_at = $1 \
                     WHERE (tenant, id) IN (SELECT tenant, id FROM onboarding_settings \
                         WHERE sync_due_at <= $1 AND lease_until <= $1 AND deleted_at IS NULL \
                         ORDER BY sync_due_at, tenant, id LIMIT $3) \
                     AND sync_due_at <= $1 AND lease_until <= $1 AND deleted_at IS NULL \
                     RETURNING tenant, id, lease_epoch, token_generation, cursor, cursor_issued_at, cursor_complete, \
                     cursor_revision, cursor_limit, cursor_repeats, full_fetch_due_at, page_limit, sync_failures")
                .bind(now)
                .bind(lease_until)
                .bind(limit),
            )
            .await?;
        tx.commit().await?;
        rows.iter().map(|row| claim(row, now, lease_until)).collect()
    }

    /// Lengthens a lease; false when it was lost, or the token or setting is another one by now.
    pub async fn renew_lease(&self, lease: &Lease, until: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let touched = tx
            .execute(
                sql("UPDATE onboarding_settings SET lease_until = $5 WHERE tenant = $1 AND id = $2 \
                     AND lease_epoch = $3 AND token_generation = $4 AND deleted_at IS NULL")
                .bind(lease.tenant.to_string())
                .bind(lease.setting.to_string())
                .bind(lease.epoch)
                .bind(lease.generation)
                .bind(until),
            )
            .await?;
        tx.commit().await?;
        Ok(touched == 1)
    }

    /// Stores a page, its cursor and its part of the history in one transaction. None, and nothing stored, when lease, token or cursor are not
    /// those any more under which the page was asked for.
    pub async fn commit_page(
        &self,
        lease: &Lease,
        page: Vec<AppleRecord>,
        cursor: &CursorMove<'_>,
        part: &RunPart,
        fresh_id: &mut (dyn FnMut() -> Uuid + Send),
    ) -> Result<Option<FoldedPage>, Error> {
        let mut tx = self.db.begin_bulk().await?;
        if !move_cursor(&mut tx, lease, cursor).await? {
            return Ok(None);
        }
        let stored = match page.is_empty() {
            true => HashMap::new(),
            false => devices::stored(&mut tx, lease, &page).await?,
        };
        let mut folded = fold_page(page, &stored);
        let has_new = folded.added > 0 && folded.write.iter().any(|record| record.operation.is_none());
        devices::write(&mut tx, lease, &mut folded, part.now, fresh_id).await?;
        if folded.count_change() != 0 {
            count_devices(&mut tx, lease, folded.count_change()).await?;
        }
        if folded.changes() != DeviceChanges::default() {
            assignment::devices_changed(&mut tx, lease, part.now, has_new).await?;
        }
        sync_runs::note(&mut tx, lease, part, folded.changes(), 0).await?;
        tx.commit().await?;
        self.note_growth(folded.added);
        Ok(Some(folded))
    }

    /// Gives the lease back and notes how the run ended; false when it was lost meanwhile.
    pub async fn end_sync(&self, claim: &Claim, part: &RunPart, end: &SyncEnd) -> Result<bool, Error> {
        let lease = &claim.lease;
        let state = match end.outcome {
            SyncOutcome::Token(state) => Some(state),
            _ => None,
        };
        let mut tx = self.db.begin().await?;
        let touched = tx
            .execute(
                sql("UPDATE onboarding_settings SET lease_until = 0, \
                     token_state = CASE WHEN $7 THEN COALESCE(assignment_fault, $5) \
                                        ELSE COALESCE($5, token_state) END, \
                     token_checked_at = CASE WHEN $5 IS NULL THEN token_checked_at ELSE $6 END, \
                     sync_succeeded_at = CASE WHEN $7 THEN $6 ELSE sync_succeeded_at END, \
                     sync_failures = CASE WHEN $7 THEN 0 ELSE sync_failures + 1 END, \
                     cursor_repeats = CASE WHEN $7 THEN 0 WHEN $11 THEN cursor_repeats + 1 ELSE cursor_repeats END, \
                     sync_due_at = CASE WHEN sync_due_at = $8 THEN $9 WHEN sync_due_at < $10 THEN $10 \
                                        ELSE sync_due_at END, \
                     full_fetch_due_at = CASE WHEN COALESCE(full_fetch_due_at, 0) = $12 THEN $13 \
                                              ELSE full_fetch_due_at END \
                     WHERE tenant = $1 AND id = $2 AND lease_epoch = $3 AND token_generation = $4 \
                     AND deleted_at IS NULL")
                .bind(lease.tenant.to_string())
                .bind(lease.setting.to_string())
                .bind(lease.epoch)
                .bind(lease.generation)
                .bind(state.map(TokenState::as_str))
                .bind(end.now)
                .bind(end.outcome == SyncOutcome::Token(TokenState::Ok))
                .bind(claim.due_mark)
                .bind(end.next_due)
                .bind(end.soonest)
                .bind(end.repeats_cursor)
                .bind(end.full_fetch.map(FullFetchMove::seen_or_zero))
                .bind(end.full_fetch.map(|full_fetch| full_fetch.to)),
            )
            .await?;
        if touched == 1 {
            sync_runs::end(&mut tx, lease, part, end).await?;
            tx.commit().await?;
        }
        Ok(touched == 1)
    }

    /// Gives a lease back whose token was replaced while it ran, so that the new token's sync need not wait for its
    /// end. Whatever else the run learned is discarded.
    pub async fn release_lease(
        &self,
        lease: &Lease,
        outcome: SyncOutcome,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.execute(
            sql("UPDATE onboarding_settings SET lease_until = 0 WHERE tenant = $1 AND id = $2 AND lease_epoch = $3")
                .bind(lease.tenant.to_string())
                .bind(lease.setting.to_string())
                .bind(lease.epoch),
        )
        .await?;
        sync_runs::released(&mut tx, lease, outcome, now).await?;
        tx.commit().await
    }

    /// Makes a sync due now. False when the setting is gone or has no token.
    pub async fn request_sync(
        &self,
        tenant: TenantId,
        id: SettingId,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let touched = tx
            .execute(
                sql("UPDATE onboarding_settings SET sync_triggered_at = $3, \
                     sync_due_at = CASE WHEN sync_started_at > $4 THEN sync_started_at + $5 ELSE $3 END, \
                     assignment_due_at = CASE WHEN assignment_fault IS NULL THEN assignment_due_at ELSE $3 END \
                     WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL AND current_token IS NOT NULL")
                .bind(tenant.to_string())
                .bind(id.to_string())
                .bind(now)
                .bind(now.checked_sub(BETWEEN_SYNCS).unwrap_or(now))
                .bind(BETWEEN_SYNCS_MICROS),
            )
            .await?;
        if touched == 1 {
            audit::write(&mut tx, tenant, event).await?;
            tx.commit().await?;
        }
        Ok(touched == 1)
    }

    /// Makes a sync due now that ends with a fetch of everything. False when the setting is gone or has no token.
    pub async fn request_full_fetch(
        &self,
        tenant: TenantId,
        id: SettingId,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let touched = tx
            .execute(
                sql("UPDATE onboarding_settings SET sync_triggered_at = $3, sync_due_at = $3, full_fetch_due_at = $3, \
                     assignment_due_at = CASE WHEN assignment_fault IS NULL THEN assignment_due_at ELSE $3 END \
                     WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL AND current_token IS NOT NULL")
                .bind(tenant.to_string())
                .bind(id.to_string())
                .bind(now),
            )
            .await?;
        if touched == 1 {
            audit::write(&mut tx, tenant, event).await?;
            tx.commit().await?;
        }
        Ok(touched == 1)
    }
}

/// Moves the cursor under everything that was seen; false when any of it is another by now.
pub(super) async fn move_cursor(
    tx: &mut Transaction,
    lease: &Lease,
    cursor: &CursorMove<'_>,
) -> Result<bool, Error> {
    let place = cursor.to;
    let touched = tx
        .execute(
            sql("UPDATE onboarding_settings SET cursor_revision = cursor_revision + 1, \
                 cursor = CASE WHEN $10 THEN $6 ELSE cursor END, \
                 cursor_issued_at = CASE WHEN $10 THEN $7 ELSE cursor_issued_at END, \
                 cursor_complete = CASE WHEN $10 THEN $8 ELSE cursor_complete END, \
                 cursor_limit = CASE WHEN $10 THEN $9 ELSE cursor_limit END, \
                 full_fetch_due_at = CASE WHEN COALESCE(full_fetch_due_at, 0) = $11 THEN $12 \
                                          ELSE full_fetch_due_at END \
                 WHERE tenant = $1 AND id = $2 AND lease_epoch = $3 AND token_generation = $4 \
                 AND cursor_revision = $5 AND deleted_at IS NULL")
            .bind(lease.tenant.to_string())
            .bind(lease.setting.to_string())
            .bind(lease.epoch)
            .bind(lease.generation)
            .bind(cursor.seen_revision)
            .bind(place.and_then(|place| place.cursor))
            .bind(place.map(|place| place.issued_at))
            .bind(place.is_some_and(|place| place.complete))
            .bind(place.map(|place| i64::from(place.limit)))
            .bind(place.is_some())
            .bind(cursor.owes_fetch.map(FullFetchMove::seen_or_zero))
            .bind(cursor.owes_fetch.map(|full_fetch| full_fetch.to)),
        )
        .await?;
    Ok(touched == 1)
}

/// Keeps the number of listed devices.
pub(super) async fn count_devices(tx: &mut Transaction, lease: &Lease, more: i64) -> Result<(), Error> {
    tx.execute_one(
        "counting devices",
        sql("UPDATE onboarding_settings SET device_count = device_count + $3 WHERE tenant = $1 AND id = $2")
            .bind(lease.tenant.to_string())
            .bind(lease.setting.to_string())
            .bind(more),
    )
    .await
}
