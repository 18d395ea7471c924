//! The columns of a device that decide when its assignment is looked at again: loaded and saved; `domain` decides.

use std::collections::HashMap;

use super::calls::rows_of;
use crate::{
    Error,
    db::{Transaction, sql},
};
use adept_domain::{AssignmentResult, DevicePacing, SettingKey};

/// The pacing of listed devices, by their serial numbers in lower case. The caller has taken the setting's row.
pub(crate) async fn pacing_of(
    tx: &mut Transaction,
    key: SettingKey,
    keys: &[String],
) -> Result<HashMap<String, DevicePacing>, Error> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = tx
        .rows(
            sql("SELECT serial_key, assign_due_at, assign_failure, assign_attempts, assign_count, assigned_at \
                 FROM devices WHERE tenant = $1 AND setting = $2 AND deleted = FALSE AND serial_key IN ({rows})")
            .key(key)
            .rows(rows_of(keys)),
        )
        .await?;
    rows.iter()
        .map(|row| {
            let failure: Option<String> = row.get("assign_failure")?;
            let pacing = DevicePacing {
                due_at: row.time("assign_due_at")?,
                failure: failure.as_deref().map(AssignmentResult::from_word),
                attempts: row.get::<Option<i64>>("assign_attempts")?.unwrap_or(0),
                count: row.get::<Option<i64>>("assign_count")?.unwrap_or(0),
                assigned_at: row.time("assigned_at")?,
            };
            Ok((row.get("serial_key")?, pacing))
        })
        .collect()
}

/// Saves one pacing of several devices.
pub(crate) async fn set_pacing(
    tx: &mut Transaction,
    key: SettingKey,
    pacing: &DevicePacing,
    keys: &[String],
) -> Result<(), Error> {
    tx.execute(
        sql("UPDATE devices SET assign_due_at = $3, assign_failure = $4, assign_attempts = $5, assign_count = $6, \
             assigned_at = $7 WHERE tenant = $1 AND setting = $2 AND serial_key IN ({rows})")
        .key(key)
        .bind(pacing.due_at)
        .bind(pacing.failure.map(AssignmentResult::as_str))
        .bind(pacing.attempts)
        .bind(pacing.count)
        .bind(pacing.assigned_at)
        .rows(rows_of(keys)),
    )
    .await?;
    Ok(())
}
