//! Devices: a folded page is written, rows are listed.

use adept_odata::Filter;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Error, Storage,
    db::{Row, Transaction, sql},
    filter::{Column, Holds, Sql},
    list::{ListQuery, Listed, Source},
    sync::Lease,
};
use crate::domain::{
    DeviceField, DeviceId, DevicePlatform, DeviceRow, DiscoverySource, FoldedPage, SettingId, TenantId,
};

pub(super) const COLUMNS: &str = "setting, serial, id, platform, source, description, deleted, created_at, \
    wanted_profile, wanted_at, COALESCE(supervised, FALSE) AS supervised";

const SOURCE: Source<DeviceField> = Source {
    columns: COLUMNS,
    table: "devices",
    column,
    tie: Column { expression: "serial_key", holds: Holds::FoldedText },
};

const PLATFORMS: &[&str] = &[
    "unknown",
    "ios",
    "android",
    "windows",
    "windowsMobile",
    "macOS",
    "visionOS",
    "tvOS",
    "unknownFutureValue",
];

fn column(field: DeviceField) -> Column {
    let (expression, holds) = match field {
        DeviceField::Id => ("id", Holds::FoldedText),
        DeviceField::SerialNumber => ("serial_key", Holds::FoldedText),
        DeviceField::Description => ("description", Holds::Text),
        DeviceField::Platform => ("platform", Holds::Member(PLATFORMS)),
        DeviceField::DiscoverySource => {
            ("source", Holds::Member(&["unknown", "adminImport", "deviceEnrollmentProgram"]))
        }
        DeviceField::IsDeleted => ("deleted", Holds::Bool),
        DeviceField::Created => ("created_at", Holds::Time { nullable: false }),
        DeviceField::RequestedProfile => ("wanted_profile", Holds::Text),
        DeviceField::RequestedProfileAt => ("wanted_at", Holds::Time { nullable: true }),
    };
    Column { expression, holds }
}

pub(super) fn device(row: &Row) -> Result<DeviceRow, Error> {
    let platform: String = row.get("platform")?;
    let source: String = row.get("source")?;
    Ok(DeviceRow {
        id: row.parse("id")?,
        setting: row.parse("setting")?,
        serial: row.get("serial")?,
        platform: DevicePlatform::from_word(&platform).unwrap_or(DevicePlatform::Unknown),
        description: row.get("description")?,
        source: DiscoverySource::from_word(&source).unwrap_or(DiscoverySource::Unknown),
        deleted: row.get("deleted")?,
        created_at: row.time("created_at")?.unwrap_or_default(),
        wanted_profile: row.get("wanted_profile")?,
        wanted_at: row.time("wanted_at")?,
        supervised: row.get("supervised")?,
    })
}

fn scope(tenant: TenantId, setting: SettingId) -> impl Fn(&mut Sql) {
    move |sql| {
        sql.push("tenant = ").bind(tenant.to_string()).push(" AND setting = ").bind(setting.to_string());
    }
}

/// Writes what a page changed: two statements, whatever its length. Rows come sorted by key.
pub(super) async fn write(
    tx: &mut Transaction,
    lease: &Lease,
    folded: &FoldedPage,
    now: Timestamp,
    fresh_id: &mut (dyn FnMut() -> Uuid + Send),
) -> Result<(), Error> {
    let (tenant, setting) = (lease.tenant.to_string(), lease.setting.to_string());
    if !folded.write.is_empty() {
        let rows = rows_json(folded, fresh_id)?;
        tx.execute(
            sql("INSERT INTO devices (tenant, setting, serial_key, serial, id, platform, source, description, deleted, \
                 created_at, operation_at, profile_uuid, profile_status, digest, record) \
                 SELECT $1, $2, value ->> 0, value ->> 1, value ->> 2, COALESCE(value ->> 3, 'unknown'), \
                 'deviceEnrollmentProgram', value ->> 4, FALSE, $4, CAST(value ->> 5 AS BIGINT), value ->> 6, \
                 value ->> 7, value ->> 8, value ->> 9 \
                 FROM json_each($3) WHERE TRUE \
                 ON CONFLICT (tenant, setting, serial_key) DO UPDATE SET serial = excluded.serial, \
                 platform = CASE WHEN excluded.platform = 'unknown' THEN devices.platform ELSE excluded.platform END, \
                 source = excluded.source, description = COALESCE(excluded.description, devices.description), \
                 deleted = FALSE, gone_at = NULL, \
                 operation_at = COALESCE(excluded.operation_at, devices.operation_at), \
                 profile_uuid = excluded.profile_uuid, profile_status = excluded.profile_status, \
                 digest = excluded.digest, record = excluded.record")
            .bind(tenant.as_str())
            .bind(setting.as_str())
            .bind(rows)
            .bind(now),
        )
        .await?;
    }
    if !folded.gone.is_empty() {
        let gone: Vec<serde_json::Value> = folded
            .gone
            .iter()
            .map(|(key, at)| serde_json::json!([key, at.map(Timestamp::as_microsecond)]))
            .collect();
        let touched = tx
            .execute(
                sql("UPDATE devices SET deleted = TRUE, gone_at = $4, operation_at = COALESCE(\
                     (SELECT CAST(value ->> 1 AS BIGINT) FROM json_each($3) WHERE value ->> 0 = serial_key), \
                     operation_at) \
                     WHERE tenant = $1 AND setting = $2 AND serial_key IN (SELECT value ->> 0 FROM json_each($3))")
                .bind(tenant.as_str())
                .bind(setting.as_str())
                .bind(serde_json::Value::from(gone).to_string())
                .bind(now),
            )
            .await?;
        if touched != folded.gone.len() as u64 {
            return Err(Error::Corrupt(format!("{touched} devices left instead of {}", folded.gone.len())));
        }
    }
    Ok(())
}

fn rows_json(folded: &FoldedPage, fresh_id: &mut (dyn FnMut() -> Uuid + Send)) -> Result<String, Error> {
    let unfit = |e: serde_json::Error| Error::Corrupt(format!("a page cannot be written as JSON: {e}"));
    let rows: Vec<_> = folded
        .write
        .iter()
        .map(|record| {
            (
                record.serial.to_ascii_lowercase(),
                &record.serial,
                fresh_id().hyphenated().to_string(),
                record.platform.map(DevicePlatform::as_str),
                &record.description,
                record.operation_at.map(Timestamp::as_microsecond),
                &record.profile_uuid,
                &record.profile_status,
                format!("{:032x}", record.digest),
                &record.record,
            )
        })
        .collect();
    serde_json::to_string(&rows).map_err(unfit)
}

impl Storage {
    /// Lists the devices of a setting, gone ones included, by serial number when no other order is asked for.
    pub async fn devices(
        &self,
        tenant: TenantId,
        setting: SettingId,
        query: &ListQuery<DeviceField>,
    ) -> Result<Listed<DeviceRow>, Error> {
        SOURCE.list(&self.db, query, scope(tenant, setting), device).await
    }

    /// Counts the devices of a setting that fulfil the filter.
    pub async fn count_devices(
        &self,
        tenant: TenantId,
        setting: SettingId,
        filter: Option<&Filter<DeviceField>>,
    ) -> Result<i64, Error> {
        SOURCE.count(&self.db, filter, scope(tenant, setting)).await
    }

    /// The device of that id.
    pub async fn device(
        &self,
        tenant: TenantId,
        setting: SettingId,
        id: DeviceId,
    ) -> Result<Option<DeviceRow>, Error> {
        let row = self
            .db
            .row(
                super::db::sql_of_parts(format!(
                    "SELECT {COLUMNS} FROM devices WHERE tenant = $1 AND setting = $2 AND id = $3"
                ))
                .bind(tenant.to_string())
                .bind(setting.to_string())
                .bind(id.to_string()),
            )
            .await?;
        row.as_ref().map(device).transpose()
    }
}
