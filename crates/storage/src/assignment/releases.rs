//! Releases: which devices Apple is to release, and what came of it.

use jiff::Timestamp;
use uuid::Uuid;

use super::{calls::end_call, under_lease};
use crate::{
    Error, Storage,
    assignment::DeviceResult,
    audit,
    db::{Value, sql},
    device_events::{self, NewDeviceEvent},
    setting_state::save,
};
use adept_domain::{
    AssignmentResult, AuditEvent, DeviceEventKind, Lease, latest_record_time, release_put_off,
};

/// What came of a release.
pub struct Released<'a> {
    /// The call.
    pub call: Uuid,
    /// What Apple said of each device.
    pub devices: &'a [DeviceResult],
    /// When it ended.
    pub now: Timestamp,
}

impl Storage {
    /// Devices whose release is due, with the tries that failed; a thousand at most.
    pub async fn devices_to_release(
        &self,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Vec<DeviceResult>, Error> {
        let rows = self
            .db
            .rows(
                sql("SELECT serial, release_attempts FROM devices WHERE tenant = $1 AND setting = $2 \
                     AND release_requested_at IS NOT NULL AND release_due_at <= $3 AND deleted = FALSE \
                     ORDER BY release_requested_at, serial_key LIMIT 1000")
                .key(lease.key)
                .bind(now),
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(DeviceResult {
                    serial: row.get("serial")?,
                    result: AssignmentResult::Failed,
                    attempts: row.get::<Option<i64>>("release_attempts")?.unwrap_or(0),
                })
            })
            .collect()
    }

    /// When the next release is due; none when none waits.
    pub async fn next_release_due(&self, lease: &Lease) -> Result<Option<Timestamp>, Error> {
        let row = self
            .db
            .row(
                sql("SELECT MIN(release_due_at) AS due FROM devices WHERE tenant = $1 AND setting = $2 \
                     AND release_requested_at IS NOT NULL AND deleted = FALSE")
                .key(lease.key),
            )
            .await?;
        row.map(|row| row.time("due")).transpose().map(Option::flatten)
    }

    /// Puts releases off that Apple's answer says nothing of, so that others have their turn.
    pub async fn put_off_releases(
        &self,
        lease: &Lease,
        devices: &[DeviceResult],
        now: Timestamp,
    ) -> Result<(), Error> {
        let rows = devices.iter().map(|device| vec![Value::text(device.serial.to_ascii_lowercase())]);
        let due = |attempts| now.checked_add(release_put_off(attempts)).unwrap_or(now);
        let mut tx = self.db.begin_bulk().await?;
        if under_lease(&mut tx, lease).await?.is_some() {
            tx.execute(
                sql("UPDATE devices SET \
                     release_due_at = CASE WHEN COALESCE(release_attempts, 0) = 0 THEN $3 ELSE $4 END, \
                     release_attempts = COALESCE(release_attempts, 0) + 1 \
                     WHERE tenant = $1 AND setting = $2 AND release_requested_at IS NOT NULL AND serial_key IN ({rows})")
                .key(lease.key)
                .bind(due(0))
                .bind(due(1))
                .rows(rows.collect()),
            )
            .await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Stores what came of a release: devices that Apple released are gone. False, and nothing stored, when lease or
    /// token are not those under which it was asked for; the call stays then, and its devices are read from Apple later.
    pub async fn end_release(
        &self,
        lease: &Lease,
        released: &Released<'_>,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin_bulk().await?;
        let Some(mut state) = under_lease(&mut tx, lease).await? else { return Ok(false) };
        let mut absent = 0;
        let mut alike: std::collections::BTreeMap<(AssignmentResult, bool), Vec<String>> = Default::default();
        for device in released.devices {
            let group = (device.result, device.attempts == 0);
            alike.entry(group).or_default().push(device.serial.to_ascii_lowercase());
        }
        for ((result, is_first), keys) in alike {
            let rows: Vec<Vec<Value>> = keys.iter().map(|key| vec![key.as_str().into()]).collect();
            let wait = result.released_again_after(i64::from(!is_first));
            let due = wait.and_then(|wait| released.now.checked_add(wait).ok());
            let statement = match (result, due) {
                (AssignmentResult::Success, _) => sql("UPDATE devices SET deleted = TRUE, tombstone_at = $3, assign_due_at = NULL, \
                    operation_at = CASE WHEN operation_at > $4 THEN operation_at ELSE $4 END, \
                    release_requested_at = NULL, release_due_at = NULL, release_failure = NULL \
                    WHERE tenant = $1 AND setting = $2 AND deleted = FALSE AND serial_key IN ({rows})")
                .key(lease.key)
                .bind(released.now)
                .bind(latest_record_time(released.now)),
                (failed, Some(due)) => sql("UPDATE devices SET release_due_at = $3, release_failure = $4, \
                    release_attempts = COALESCE(release_attempts, 0) + 1 \
                    WHERE tenant = $1 AND setting = $2 AND serial_key IN ({rows})")
                .key(lease.key)
                .bind(due)
                .bind(failed.as_str()),
                (failed, None) => sql("UPDATE devices SET release_due_at = NULL, release_requested_at = NULL, \
                    release_attempts = NULL, release_failure = $3, assign_due_at = COALESCE(assign_due_at, $4) \
                    WHERE tenant = $1 AND setting = $2 AND serial_key IN ({rows})")
                .key(lease.key)
                .bind(failed.as_str())
                .bind(released.now),
            };
            let touched = tx.execute(statement.rows(rows)).await?;
            let kind = if result == AssignmentResult::Success {
                absent += i64::try_from(touched).unwrap_or(0);
                DeviceEventKind::Released
            } else {
                DeviceEventKind::NotReleased
            };
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let told =
                NewDeviceEvent { kind, profile: None, apple_uuid: None, detail: Some(result.as_str()) };
            let owner = lease.key;
            device_events::write(&mut tx, owner, &keys, released.now, &told).await?;
        }
        state.on_devices_counted(-absent);
        save(&mut tx, &state).await?;
        end_call(&mut tx, lease, released.call).await?;
        audit::write(&mut tx, lease.key.tenant, event).await?;
        tx.commit().await?;
        Ok(true)
    }
}
