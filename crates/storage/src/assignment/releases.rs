//! Releases: which devices Apple is to release, and what came of it.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    calls::end_call,
    pacing::{alike, save_pacing, save_release, states_of},
    under_lease,
};
use crate::{
    Assignments, Error,
    assignment::DeviceResult,
    audit,
    db::sql,
    device_counts::Changing,
    device_events::{self, NewDeviceEvent},
    setting_state::save,
};
use adept_domain::{AssignmentResult, AuditEvent, DeviceEventKind, Lease, latest_record_time, serial_key};

/// What came of a release.
pub struct Released<'a> {
    /// The call that this ends; none when it was refused as a whole and taken back.
    pub call: Option<Uuid>,
    /// What Apple said of each device.
    pub devices: &'a [DeviceResult],
    /// When it ended.
    pub now: Timestamp,
}

impl Assignments {
    /// Devices whose release is due, with the tries that failed; a thousand at most.
    pub async fn devices_to_release(
        &self,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Vec<DeviceResult>, Error> {
        let select = sql("SELECT serial, release_attempts FROM devices WHERE tenant = $1 AND setting = $2 \
            AND release_requested_at IS NOT NULL AND release_due_at <= $3 AND deleted = FALSE \
            ORDER BY release_requested_at, serial_key LIMIT 1000")
        .bind((lease.key, now));
        self.db
            .all(select, |row| {
                Ok(DeviceResult {
                    serial: row.get("serial")?,
                    result: AssignmentResult::Failed,
                    attempts: row.get::<Option<_>>("release_attempts")?.unwrap_or(0),
                })
            })
            .await
    }

    /// When the next release is due; none when none waits.
    pub async fn next_release_due(&self, lease: &Lease) -> Result<Option<Timestamp>, Error> {
        let select = sql("SELECT MIN(release_due_at) AS due FROM devices WHERE tenant = $1 \
            AND setting = $2 AND release_requested_at IS NOT NULL AND deleted = FALSE")
        .bind(lease.key);
        Ok(self.db.first(select, |row| row.get("due")).await?.flatten())
    }

    /// Puts releases off that Apple's answer says nothing of, so that others have their turn.
    pub async fn put_off_releases(
        &self,
        lease: &Lease,
        devices: &[DeviceResult],
        now: Timestamp,
    ) -> Result<(), Error> {
        let keys: Vec<String> = devices.iter().map(|device| serial_key(&device.serial)).collect();
        let mut tx = self.db.begin_bulk().await?;
        if under_lease(&mut tx, lease).await?.is_some() {
            let states = states_of(&mut tx, lease.key, &keys).await?;
            let put_off = states.into_iter().map(|(key, state)| (state.release.on_put_off(now), key));
            for (release, keys) in alike(put_off) {
                save_release(&mut tx, lease.key, &release, &keys).await?;
            }
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
        let now = released.now;
        let mut tx = self.db.begin_bulk().await?;
        let Some(mut state) = under_lease(&mut tx, lease).await? else { return Ok(false) };
        let keys: Vec<String> = released.devices.iter().map(|device| serial_key(&device.serial)).collect();
        let changing = Changing::begin(&mut tx, lease.key, &keys).await?;
        let stored = states_of(&mut tx, lease.key, &keys).await?;
        let results = released.devices.iter().zip(&keys).filter_map(|(device, key)| {
            let state = stored.get(key)?;
            let release = state.release.on_result(device.result, now);
            let pacing = match (device.result, release.requested_at) {
                (AssignmentResult::Success, _) => state.pacing.on_released(),
                (_, None) => state.pacing.on_release_ended(now),
                (_, Some(_)) => state.pacing,
            };
            Some(((device.result, state.deleted, release, pacing), key.clone()))
        });
        let mut absent = 0;
        for ((result, was_absent, release, pacing), keys) in alike(results) {
            let is_released = result == AssignmentResult::Success;
            if !(is_released && was_absent) {
                save_release(&mut tx, lease.key, &release, &keys).await?;
                save_pacing(&mut tx, lease.key, &pacing, &keys).await?;
            }
            if is_released {
                let update = sql("UPDATE devices SET deleted = TRUE, tombstone_at = $3, operation_at = \
                    CASE WHEN operation_at > $4 THEN operation_at ELSE $4 END WHERE tenant = $1 \
                    AND setting = $2 AND deleted = FALSE AND serial_key IN ({listed})")
                .bind((lease.key, now, latest_record_time(now)))
                .listing(&keys);
                let touched = tx.execute(update).await?;
                absent += i64::try_from(touched).unwrap_or(0);
            }
            let kind = if is_released { DeviceEventKind::Released } else { DeviceEventKind::NotReleased };
            let line =
                NewDeviceEvent { kind, profile: None, apple_uuid: None, detail: Some(result.as_str()) };
            device_events::write(&mut tx, lease.key, &keys, now, &line).await?;
        }
        state.on_devices_counted(-absent);
        save(&mut tx, &state).await?;
        if let Some(call) = released.call {
            tx.execute_any(end_call(lease, call)).await?;
        }
        changing.end(&mut tx).await?;
        audit::commit(tx, lease.key.tenant, event).await?;
        Ok(true)
    }
}
