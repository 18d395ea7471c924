//! What a complete fetch did not list: the rows that may be missing are walked, marked as absent, or noted as not listed.
//! What is believed is decided in `app`.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{
    Devices, Error, Syncs,
    db::{Row, sql},
    device_counts::{self, Changing},
    device_events::{self, NewDeviceEvent},
    purge::AgedRows,
    setting_state::save,
    sync::at_cursor,
    sync_runs::{self, RunPart},
};
use adept_domain::{
    CLOCKS_APART, DeviceChanges, DeviceEventKind, Lease,
    deadline::later,
    latest_record_time,
    setting_state::{CursorMove, FullFetchMove},
};

const TOMBSTONES: AgedRows =
    AgedRows { table: "devices", time: "tombstone_at", condition: "deleted", counted: true };

/// A device that a complete fetch should list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDevice {
    /// The serial number in lower case.
    pub key: String,
    /// As Apple spells it.
    pub serial: String,
    /// When a complete fetch first did not list it.
    pub absent_since: Option<Timestamp>,
}

/// What becomes of devices, by their serial numbers in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbsentAction {
    /// Apple does not list them any more; what is desired of them stays.
    pub absent: Vec<String>,
    /// They were not listed, which is not believed yet; they stay listed here.
    pub unconfirmed: Vec<String>,
    /// They were not listed earlier and are again.
    pub listed_again: Vec<String>,
}

impl Syncs {
    /// Whether every listed device is among `seen` that a fetch listed, as far as their number tells: a fetch stores
    /// what it lists, so if there are as many, they are the same.
    pub async fn lists_no_more_than(&self, lease: &Lease, seen: usize) -> Result<bool, Error> {
        let select = sql("SELECT device_count, EXISTS (SELECT 1 FROM devices WHERE tenant = $3 \
            AND setting = $4 AND absent_since IS NOT NULL) AS doubts FROM setting_overview \
            WHERE tenant = $1 AND id = $2")
        .bind((lease.key, lease.key));
        let Some(row) = self.db.row(select).await? else { return Ok(true) };
        let listed: i64 = row.get("device_count")?;
        Ok(usize::try_from(listed) == Ok(seen) && !row.get::<bool>("doubts")?)
    }

    /// The devices that Apple listed and that were first seen before `before`, in the order of their keys from behind
    /// `after` on, `limit` at most. Those first seen at a time that lies ahead of `now` were dated by a wrong clock, and
    /// not by the run that asks.
    pub async fn listed_by_apple(
        &self,
        lease: &Lease,
        (before, now): (Timestamp, Timestamp),
        after: &str,
        limit: i64,
    ) -> Result<Vec<ListedDevice>, Error> {
        let mut tx = self.db.begin_bulk().await?;
        let select = sql("SELECT serial_key, serial, absent_since FROM devices WHERE tenant = $1 \
            AND setting = $2 AND serial_key > $3 AND deleted = FALSE \
            AND source = 'deviceEnrollmentProgram' AND (created_at < $4 OR created_at > $5) \
            ORDER BY serial_key LIMIT $6")
        .bind((lease.key, after, before, later(now, CLOCKS_APART), limit));
        let device = |row: &Row| {
            let absent_since = row.get("absent_since")?;
            Ok(ListedDevice { key: row.get("serial_key")?, serial: row.get("serial")?, absent_since })
        };
        let devices = tx.all(select, device).await?;
        tx.commit().await?;
        Ok(devices)
    }

    /// Does to devices what was decided, in one transaction with the run's line; none, and nothing done, when lease,
    /// token or cursor are not those any more. Answers how many are absent by this.
    pub async fn settle_absent(
        &self,
        lease: &Lease,
        seen_revision: i64,
        action: &AbsentAction,
        part: &RunPart,
        now: Timestamp,
    ) -> Result<Option<i64>, Error> {
        let mut tx = self.db.begin_bulk().await?;
        let cursor = CursorMove { seen_revision, to: None, full_fetch: None };
        let Some(mut state) = at_cursor(&mut tx, lease, cursor).await? else { return Ok(None) };
        let of = |text, keys: &[String]| {
            sql(text).bind((lease.key, keys.iter().map(|key| json!([key])).collect::<Json>()))
        };
        let update = of(
            "UPDATE devices SET deleted = TRUE, tombstone_at = $4, absent_since = NULL, \
             operation_at = CASE WHEN operation_at > $5 THEN operation_at ELSE $5 END \
             WHERE tenant = $1 AND setting = $2 AND deleted = FALSE AND source = 'deviceEnrollmentProgram' \
             AND serial_key IN (SELECT value ->> 0 FROM json_each($3))",
            &action.absent,
        )
        .bind((now, latest_record_time(part.started_at)));
        let changing = Changing::begin(&mut tx, lease.key, &action.absent).await?;
        let removed = i64::try_from(tx.execute(update).await?).unwrap_or(i64::MAX);
        let update = of(
            "UPDATE devices SET absent_since = $4 WHERE tenant = $1 AND setting = $2 \
             AND (absent_since IS NULL OR absent_since > $4) \
             AND serial_key IN (SELECT value ->> 0 FROM json_each($3))",
            &action.unconfirmed,
        );
        tx.execute_any(update.bind(now)).await?;
        let update = of(
            "UPDATE devices SET absent_since = NULL WHERE tenant = $1 AND setting = $2 AND absent_since IS NOT NULL \
             AND serial_key IN (SELECT value ->> 0 FROM json_each($3))",
            &action.listed_again,
        );
        tx.execute_any(update).await?;
        let event = NewDeviceEvent::of(DeviceEventKind::Absent);
        device_events::write(&mut tx, lease.key, &action.absent, now, &event).await?;
        state.on_devices_counted(-removed);
        if removed > 0 {
            state.on_devices_changed(now, false);
        }
        save(&mut tx, &state).await?;
        let changes = DeviceChanges { removed, ..DeviceChanges::default() };
        let unconfirmed = i64::try_from(action.unconfirmed.len()).unwrap_or(i64::MAX);
        sync_runs::note(&mut tx, lease, part, changes, unconfirmed, None).await?;
        changing.end(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(removed))
    }

    /// A fetch came to its end: counts the listed devices, and notes when a complete fetch is owed next; false when lease,
    /// token or cursor are not those any more.
    pub async fn end_fetch(
        &self,
        lease: &Lease,
        seen_revision: i64,
        full_fetch: FullFetchMove,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let cursor = CursorMove { seen_revision, to: None, full_fetch: Some(full_fetch) };
        let Some(mut state) = at_cursor(&mut tx, lease, cursor).await? else { return Ok(false) };
        let select = sql("SELECT COUNT(*) AS total FROM devices WHERE tenant = $1 AND setting = $2 \
            AND deleted = FALSE")
        .bind(lease.key);
        state.sync.device_count = tx.count(select).await?;
        save(&mut tx, &state).await?;
        device_counts::make_right(&mut tx, lease.key, state.sync.device_count).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl Devices {
    /// Forgets devices that are gone since before `before`, and dates those back to `now` that a wrong clock dated ahead of
    /// it. Answers how many went.
    pub async fn purge_tombstones(&self, before: Timestamp, now: Timestamp) -> Result<u64, Error> {
        TOMBSTONES.date_back(&self.db, later(now, CLOCKS_APART), now).await?;
        TOMBSTONES.purge(&self.db, before).await
    }

    /// Dates devices to `now` that are gone since before `before`, although a purge has removed all of those: a clock that
    /// was behind dated them since. Answers how many.
    pub async fn date_tombstones_forward(&self, before: Timestamp, now: Timestamp) -> Result<u64, Error> {
        TOMBSTONES.date_forward(&self.db, before, now).await
    }
}
