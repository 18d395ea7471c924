//! The history of each device: what happened to it and what was decided about it, written in the transaction of what it
//! tells. A device that is listed for the first time leaves no line, so that a first sync of a million writes none.

use jiff::Timestamp;

use super::{
    Devices, Error,
    db::{KEYS_PER_STATEMENT, Transaction, sql, sql_of_parts},
    purge::AgedRows,
};
use adept_domain::{DeviceEvent, DeviceEventKind, ProfileId, SettingKey, serial_key};

/// What the lines of several devices have in common.
pub(super) struct NewDeviceEvent<'a> {
    pub kind: DeviceEventKind,
    /// Ours.
    pub profile: Option<ProfileId>,
    /// Apple's.
    pub apple_uuid: Option<&'a str>,
    /// Apple's word, or the reason.
    pub detail: Option<&'a str>,
}

impl NewDeviceEvent<'_> {
    /// A line that says all by its kind.
    pub fn of(kind: DeviceEventKind) -> Self {
        Self { kind, profile: None, apple_uuid: None, detail: None }
    }
}

/// Adds a line for each of the devices with these keys.
pub(super) async fn write(
    tx: &mut Transaction,
    key: SettingKey,
    keys: &[impl AsRef<str>],
    at: Timestamp,
    told: &NewDeviceEvent<'_>,
) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let keys: serde_json::Value = keys.iter().map(|key| serde_json::json!([key.as_ref()])).collect();
    let insert = sql("INSERT INTO device_events (tenant, setting, serial_key, at, event, profile, \
        apple_uuid, detail) SELECT $1, $2, value ->> 0, $4, $5, $6, $7, $8 FROM json_each($3) WHERE TRUE \
        ON CONFLICT (tenant, setting, serial_key, at, event) DO NOTHING")
    .bind((key, keys, at, told.kind, told.profile, told.apple_uuid, told.detail));
    tx.execute_any(insert).await
}

/// Notes which of the devices with these keys Apple now reports with another profile than Adept gave them, and that they
/// are looked at again.
pub(super) async fn note_contradictions(
    tx: &mut Transaction,
    key: SettingKey,
    keys: &[String],
    at: Timestamp,
) -> Result<(), Error> {
    const CONTRADICTED: &str = "tenant = $1 AND setting = $2 AND assigned_uuid IS NOT NULL \
        AND (profile_uuid IS NULL OR profile_uuid <> assigned_uuid OR profile_status IN ('empty', 'removed')) \
        AND serial_key IN ({listed})";
    let owner = |text: String| sql_of_parts(text).bind(key);
    for keys in keys.chunks(KEYS_PER_STATEMENT) {
        let text = format!(
            "INSERT INTO device_events (tenant, setting, serial_key, at, event, profile, apple_uuid, detail) \
             SELECT tenant, setting, serial_key, $3, 'contradicted', NULL, assigned_uuid, \
             CASE WHEN profile_uuid IS NULL OR profile_status IN ('empty', 'removed') THEN profile_status \
             ELSE profile_uuid END FROM devices WHERE {CONTRADICTED} \
             ON CONFLICT (tenant, setting, serial_key, at, event) DO NOTHING"
        );
        if tx.execute(owner(text).bind(at).listing(keys)).await? > 0 {
            let text = format!("UPDATE devices SET assigned_uuid = NULL WHERE {CONTRADICTED}");
            tx.execute_any(owner(text).listing(keys)).await?;
        }
    }
    Ok(())
}

impl Devices {
    /// The history of a device, oldest first.
    pub async fn events(&self, key: SettingKey, serial: &str) -> Result<Vec<DeviceEvent>, Error> {
        let select = sql("SELECT at, event, profile, apple_uuid, detail FROM device_events \
            WHERE tenant = $1 AND setting = $2 AND serial_key = $3 ORDER BY at, event")
        .bind((key, &serial_key(serial)));
        self.db
            .all(select, |row| {
                Ok(DeviceEvent {
                    at: row.get("at")?,
                    kind: row.get("event")?,
                    profile: row.get("profile")?,
                    apple_uuid: row.get("apple_uuid")?,
                    detail: row.get("detail")?,
                })
            })
            .await
    }

    /// Removes lines older than `before`; answers how many went.
    pub async fn purge_events(&self, before: Timestamp) -> Result<u64, Error> {
        AgedRows { table: "device_events", time: "at", condition: "TRUE", counted: false }
            .purge(&self.db, before)
            .await
    }
}
