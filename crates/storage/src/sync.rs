//! Synchronization as stored: every commit states lease, token generation and cursor revision, and touches what they fence
//! or nothing. What becomes of a setting's state is decided by `domain`.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Error, Syncs, audit,
    db::Transaction,
    devices,
    setting_state::{change, lock, save},
    sync_runs::{self, RunPart},
};
use adept_domain::{
    AppleRecord, AuditEvent, DeviceChanges, Fence, FoldedPage, Lease, SettingKey, SettingState, SyncOutcome,
    TokenState, fold_page,
    setting_state::{CursorMove, SyncEnd},
};

impl Syncs {
    /// Stores a page, its cursor and its part of the history in one transaction. None, and nothing stored, when lease,
    /// token or cursor are not those any more under which the page was asked for.
    pub async fn commit_page(
        &self,
        lease: &Lease,
        page: Vec<AppleRecord>,
        cursor: CursorMove,
        part: &RunPart,
        fresh_id: &mut (dyn FnMut() -> Uuid + Send),
    ) -> Result<Option<FoldedPage>, Error> {
        let mut tx = self.db.begin_bulk().await?;
        let Some(mut state) = at_cursor(&mut tx, lease, cursor).await? else { return Ok(None) };
        let stored = match page.is_empty() {
            true => HashMap::new(),
            false => devices::stored(&mut tx, lease, &page).await?,
        };
        let mut folded = fold_page(page, &stored, part.now);
        let has_new =
            folded.changes.added > 0 && folded.write.iter().any(|record| record.operation.is_none());
        devices::write(&mut tx, lease, &mut folded, part.now, fresh_id).await?;
        state.on_devices_counted(folded.count_change());
        if folded.changes != DeviceChanges::default() {
            state.on_devices_changed(part.now, has_new);
        }
        save(&mut tx, &state).await?;
        sync_runs::note(&mut tx, lease, part, folded.changes, 0, None).await?;
        tx.commit().await?;
        self.growth.note(folded.changes.added);
        Ok(Some(folded))
    }

    /// Makes a complete fetch due: a run could not find out what Apple lists. Nothing happens when lease or token are not
    /// those any more.
    pub async fn request_fetch(&self, lease: &Lease, now: Timestamp) -> Result<(), Error> {
        let wanted = |state: &mut SettingState| state.on_fetch_wanted(now);
        change(&self.db, lease.key, &Fence::Lease(*lease), wanted).await.map(drop)
    }

    /// Gives the lease back and notes how the run ended. Answers what is believed of the token now, where Apple was asked;
    /// the outer none: the lease was lost meanwhile, and nothing was stored.
    pub async fn end(
        &self,
        lease: &Lease,
        part: &RunPart,
        mut end: SyncEnd,
    ) -> Result<Option<Option<TokenState>>, Error> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = lock(&mut tx, lease.key, &Fence::Lease(*lease)).await? else { return Ok(None) };
        let believed = state.on_sync_ended(&end);
        save(&mut tx, &state).await?;
        end.outcome = believed.map_or(end.outcome, SyncOutcome::Token);
        sync_runs::end(&mut tx, lease, part, &end).await?;
        tx.commit().await?;
        Ok(Some(believed))
    }

    /// Makes a sync due now; with `full`, one that ends with a fetch of everything. None when the setting is gone; false,
    /// and nothing is changed, while it has no token.
    pub async fn request(
        &self,
        key: SettingKey,
        full: bool,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<Option<bool>, Error> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = lock(&mut tx, key, &Fence::Exists).await? else { return Ok(None) };
        if !state.on_requested(now, full) {
            return Ok(Some(false));
        }
        save(&mut tx, &state).await?;
        audit::commit(tx, key.tenant, event).await?;
        Ok(Some(true))
    }
}

/// The state behind a moved cursor, locked and not saved yet; none when what was seen is another by now.
pub(super) async fn at_cursor(
    tx: &mut Transaction,
    lease: &Lease,
    cursor: CursorMove,
) -> Result<Option<SettingState>, Error> {
    let state = lock(tx, lease.key, &Fence::Lease(*lease)).await?;
    Ok(state.and_then(|mut state| state.on_page(cursor).then_some(state)))
}
