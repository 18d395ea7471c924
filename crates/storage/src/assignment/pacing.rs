//! The columns of a device that decide when its assignment and its release are looked at: loaded and saved; `domain`
//! decides. Anyone who calls this has locked the setting.

use std::collections::HashMap;
use std::hash::Hash;

use crate::{
    Error,
    db::{Row, Transaction, Value, sql},
};
use adept_domain::{AssignmentResult, DevicePacing, DevicePlatform, DeviceRelease, ProfileId, SettingKey};

/// Each costs SQLite a look at the list of those before it.
const KEYS_PER_STATEMENT: usize = 500;

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
            release_requested_at, release_due_at, release_attempts, release_failure FROM devices WHERE \
            tenant = $1 AND setting = $2 AND serial_key IN ({rows})")
        .bind(key)
        .rows(rows_of(keys));
        let rows = tx.rows(select).await?;
        for row in &rows {
            states.insert(row.get("serial_key")?, state(row)?);
        }
    }
    Ok(states)
}

fn state(row: &Row) -> Result<DeviceState, Error> {
    let result = |column| {
        let word: Option<String> = row.get(column)?;
        Ok::<_, Error>(word.as_deref().map(AssignmentResult::of_apple))
    };
    let number = |column| Ok::<_, Error>(row.get::<Option<i64>>(column)?.unwrap_or(0));
    let platform: String = row.get("platform")?;
    Ok(DeviceState {
        pacing: DevicePacing {
            due_at: row.time("assign_due_at")?,
            failure: result("assign_failure")?,
            attempts: number("assign_attempts")?,
            count: number("assign_count")?,
            assigned_at: row.time("assigned_at")?,
        },
        release: DeviceRelease {
            requested_at: row.time("release_requested_at")?,
            due_at: row.time("release_due_at")?,
            attempts: number("release_attempts")?,
            failure: result("release_failure")?,
        },
        deleted: row.get("deleted")?,
        platform: DevicePlatform::from_word(&platform).unwrap_or(DevicePlatform::Unknown),
        assigned_uuid: row.get("assigned_uuid")?,
        desired_profile: row.optional_id("desired_profile")?,
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
    for keys in keys.chunks(KEYS_PER_STATEMENT) {
        let update = sql("UPDATE devices SET assign_due_at = $3, assign_failure = $4, assign_attempts = \
            $5, assign_count = $6, assigned_at = $7 WHERE tenant = $1 AND setting = $2 AND serial_key IN \
            ({rows})")
        .bind((
            key,
            pacing.due_at,
            pacing.failure.map(AssignmentResult::as_str),
            pacing.attempts,
            pacing.count,
            pacing.assigned_at,
        ))
        .rows(rows_of(keys));
        tx.execute(update).await?;
    }
    Ok(())
}

/// Saves one release of several devices.
pub(crate) async fn save_release(
    tx: &mut Transaction,
    key: SettingKey,
    release: &DeviceRelease,
    keys: &[String],
) -> Result<(), Error> {
    for keys in keys.chunks(KEYS_PER_STATEMENT) {
        let update = sql("UPDATE devices SET release_requested_at = $3, release_due_at = $4, \
            release_attempts = $5, release_failure = $6 WHERE tenant = $1 AND setting = $2 AND \
            serial_key IN ({rows})")
        .bind((
            key,
            release.requested_at,
            release.due_at,
            release.attempts,
            release.failure.map(AssignmentResult::as_str),
        ))
        .rows(rows_of(keys));
        tx.execute(update).await?;
    }
    Ok(())
}

/// Serial numbers in lower case as rows of one value.
pub(super) fn rows_of(keys: &[String]) -> Vec<Vec<Value>> {
    keys.iter().map(|key| vec![key.as_str().into()]).collect()
}
