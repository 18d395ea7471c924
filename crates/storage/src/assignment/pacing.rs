//! The columns of a device that decide when its assignment and its release are looked at: loaded and saved; `domain`
//! decides. Anyone who calls this has locked the setting.

use std::collections::HashMap;
use std::hash::Hash;

use crate::{
    Error,
    db::{KEYS_PER_STATEMENT, Row, Statement, Transaction, sql},
};
use adept_domain::{DevicePacing, DevicePlatform, DeviceRelease, ProfileId, SettingKey};

/// What decides about a device's assignment and release.
pub(crate) struct DeviceState {
    pub pacing: DevicePacing,
    pub release: DeviceRelease,
    /// Whether it is gone from Apple's side.
    pub deleted: bool,
    pub platform: DevicePlatform,
    /// The profile that Adept assigned last, as Apple knows it.
    pub assigned_uuid: Option<String>,
    /// The profile that someone wants for it.
    pub desired_profile: Option<ProfileId>,
}

/// The states of devices, by their serial keys; those that are not there are left out.
pub(crate) async fn states_of(
    tx: &mut Transaction,
    key: SettingKey,
    keys: &[String],
) -> Result<HashMap<String, DeviceState>, Error> {
    let mut states = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(KEYS_PER_STATEMENT) {
        let select = sql("SELECT serial_key, deleted, platform, assigned_uuid, desired_profile, \
            assign_due_at, assign_failure, assign_attempts, assign_count, assigned_at, \
            release_requested_at, release_due_at, release_attempts, release_failure FROM devices \
            WHERE tenant = $1 AND setting = $2 AND serial_key IN ({listed})")
        .bind(key)
        .listing(keys);
        states.extend(tx.all::<_, Vec<_>>(select, |row| Ok((row.get("serial_key")?, state(row)?))).await?);
    }
    Ok(states)
}

fn state(row: &Row) -> Result<DeviceState, Error> {
    let number = |column| Ok::<_, Error>(row.get::<Option<i64>>(column)?.unwrap_or(0));
    Ok(DeviceState {
        pacing: DevicePacing {
            due_at: row.get("assign_due_at")?,
            failure: row.get("assign_failure")?,
            attempts: number("assign_attempts")?,
            count: number("assign_count")?,
            assigned_at: row.get("assigned_at")?,
        },
        release: DeviceRelease {
            requested_at: row.get("release_requested_at")?,
            due_at: row.get("release_due_at")?,
            attempts: number("release_attempts")?,
            failure: row.get("release_failure")?,
        },
        deleted: row.get("deleted")?,
        platform: row.get("platform")?,
        assigned_uuid: row.get("assigned_uuid")?,
        desired_profile: row.get("desired_profile")?,
    })
}

/// Devices grouped by what becomes of them, so that few statements save many.
pub(crate) fn alike<T: Eq + Hash>(devices: impl IntoIterator<Item = (T, String)>) -> HashMap<T, Vec<String>> {
    let mut alike: HashMap<T, Vec<String>> = HashMap::new();
    for (value, key) in devices {
        alike.entry(value).or_default().push(key);
    }
    alike
}

/// Saves one pacing of several devices.
pub(crate) async fn save_pacing(
    tx: &mut Transaction,
    key: SettingKey,
    pacing: &DevicePacing,
    keys: &[String],
) -> Result<(), Error> {
    let update = || {
        sql("UPDATE devices SET assign_due_at = $3, assign_failure = $4, assign_attempts = $5, \
            assign_count = $6, assigned_at = $7 WHERE tenant = $1 AND setting = $2 \
            AND serial_key IN ({listed})")
        .bind((key, pacing.due_at, pacing.failure, pacing.attempts, pacing.count, pacing.assigned_at))
    };
    write_each(tx, keys, update).await
}

/// Saves one release of several devices.
pub(crate) async fn save_release(
    tx: &mut Transaction,
    key: SettingKey,
    release: &DeviceRelease,
    keys: &[String],
) -> Result<(), Error> {
    let update = || {
        sql("UPDATE devices SET release_requested_at = $3, release_due_at = $4, release_attempts = $5, \
            release_failure = $6 WHERE tenant = $1 AND setting = $2 AND serial_key IN ({listed})")
        .bind((key, release.requested_at, release.due_at, release.attempts, release.failure))
    };
    write_each(tx, keys, update).await
}

/// Runs a statement for devices, so many at once.
async fn write_each(
    tx: &mut Transaction,
    keys: &[String],
    statement: impl Fn() -> Statement,
) -> Result<(), Error> {
    for keys in keys.chunks(KEYS_PER_STATEMENT) {
        tx.execute_any(statement().listing(keys)).await?;
    }
    Ok(())
}
