//! What people want of devices: imported by hand, changed, removed from the list, given a profile, released. Apple hears
//! of none of it here: these rows are what is made so there later.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{
    Error, Storage,
    assignment::bump_desired_generation,
    audit,
    created_requests::{self, EntityCreated},
    db::{Statement, Transaction, sql, sql_of_parts},
    device_events::{self, NewDeviceEvent},
    profiles::take,
};
use adept_domain::{
    AuditEvent, DeviceEventKind, DeviceId, DeviceRow, Profile, RequestKey, SettingId, TenantId,
};

/// What a device's wait becomes when something else is wanted for it at `now`: it is over, unless Apple throttles it.
fn look_again(now: &'static str) -> String {
    format!(
        "assign_attempts = 0, assign_failure = CASE WHEN assign_failure = 'THROTTLED' THEN assign_failure ELSE NULL END, \
         assign_due_at = CASE WHEN assign_due_at > {now} AND (assign_failure IS NULL OR assign_failure = 'THROTTLED') \
         THEN assign_due_at ELSE {now} END"
    )
}

/// What came of a desired profile for several devices: all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredChange {
    /// It is kept.
    Done,
    /// The profile, or the setting, is gone.
    Gone,
    /// These are not listed under the setting; serial numbers as they were asked for, at most a handful.
    Unknown(Vec<String>),
}

/// What a manual import writes.
pub struct DeviceWrites {
    /// Devices that are not listed yet.
    pub new: Vec<DeviceRow>,
    /// Devices that are, as people want them now.
    pub changed: Vec<DeviceRow>,
    /// For the audit log.
    pub event: AuditEvent,
}

/// One JSON array of arrays, which is how many values are bound at once.
fn keys(serials: &[String]) -> Json {
    serials.iter().map(|serial| json!([serial.to_ascii_lowercase(), serial])).collect()
}

/// Serial numbers, as given, that are not listed (`listed` says which rows count); a handful at most.
async fn unknown(
    tx: &mut Transaction,
    listed: &'static str,
    (tenant, setting): (TenantId, SettingId),
    serials: &str,
) -> Result<Vec<String>, Error> {
    let rows = tx.rows(sql(listed).bind(tenant.0).bind(setting.0).bind(serials)).await?;
    rows.iter().map(|row| row.get("serial")).collect()
}

const UNLISTED: &str = "SELECT value ->> 1 AS serial FROM json_each($3) WHERE value ->> 0 NOT IN \
    (SELECT serial_key FROM devices WHERE tenant = $1 AND setting = $2 \
     AND serial_key IN (SELECT value ->> 0 FROM json_each($3))) LIMIT 5";

const NOT_AT_APPLE: &str = "SELECT value ->> 1 AS serial FROM json_each($3) WHERE value ->> 0 NOT IN \
    (SELECT serial_key FROM devices WHERE tenant = $1 AND setting = $2 AND source = 'deviceEnrollmentProgram' \
     AND deleted = FALSE AND serial_key IN (SELECT value ->> 0 FROM json_each($3))) LIMIT 5";

impl Storage {
    /// Wants a profile for devices of its setting. Devices that want it already stay as they are.
    pub async fn set_desired_profile(
        &self,
        profile: &Profile,
        serials: &[String],
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<DesiredChange, Error> {
        let serials = keys(serials).to_string();
        let mut tx = self.db.begin().await?;
        let owner = (profile.tenant, profile.setting);
        if !bump_desired_generation(&mut tx, owner.0, owner.1, now, false).await?
            || !take(&mut tx, profile).await?
        {
            return Ok(DesiredChange::Gone);
        }
        let unknown = unknown(&mut tx, UNLISTED, owner, &serials).await?;
        if !unknown.is_empty() {
            return Ok(DesiredChange::Unknown(unknown));
        }
        const OTHERS: &str = "tenant = $1 AND setting = $2 AND serial_key IN (SELECT value ->> 0 FROM json_each($3)) \
            AND (desired_profile IS NULL OR desired_profile <> $4)";
        tx.execute(
            sql_of_parts(format!(
                "INSERT INTO device_events (tenant, setting, serial_key, at, event, profile) \
                 SELECT tenant, setting, serial_key, $5, 'wanted', $4 FROM devices WHERE {OTHERS} \
                 ON CONFLICT (tenant, setting, serial_key, at, event) DO UPDATE SET profile = excluded.profile"
            ))
            .bind(profile.tenant.0)
            .bind(profile.setting.0)
            .bind(serials.as_str())
            .bind(profile.id.to_string())
            .bind(now),
        )
        .await?;
        tx.execute(
            sql_of_parts(format!(
                "UPDATE devices SET desired_profile = $4, desired_at = $5, supervised = $6, {} WHERE {OTHERS}",
                look_again("$5")
            ))
            .bind(profile.tenant.0)
            .bind(profile.setting.0)
            .bind(serials)
            .bind(profile.id.to_string())
            .bind(now)
            .bind(profile.flag("supervisedModeEnabled")),
        )
        .await?;
        audit::write(&mut tx, profile.tenant, event).await?;
        tx.commit().await?;
        Ok(DesiredChange::Done)
    }

    /// Wants that Apple releases devices that it lists under the setting.
    pub async fn request_release(
        &self,
        tenant: TenantId,
        setting: SettingId,
        serials: &[String],
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<DesiredChange, Error> {
        let serials = keys(serials).to_string();
        let mut tx = self.db.begin().await?;
        if !bump_desired_generation(&mut tx, tenant, setting, now, false).await? {
            return Ok(DesiredChange::Gone);
        }
        let unknown = unknown(&mut tx, NOT_AT_APPLE, (tenant, setting), &serials).await?;
        if !unknown.is_empty() {
            return Ok(DesiredChange::Unknown(unknown));
        }
        const OTHERS: &str = "tenant = $1 AND setting = $2 AND serial_key IN (SELECT value ->> 0 FROM json_each($3)) \
            AND release_requested_at IS NULL";
        for text in [
            format!(
                "INSERT INTO device_events (tenant, setting, serial_key, at, event) \
                 SELECT tenant, setting, serial_key, $4, 'release_requested' FROM devices WHERE {OTHERS} \
                 ON CONFLICT (tenant, setting, serial_key, at, event) DO NOTHING"
            ),
            format!(
                "UPDATE devices SET release_requested_at = $4, release_due_at = $4, release_attempts = 0, \
                 release_failure = NULL WHERE {OTHERS}"
            ),
        ] {
            tx.execute(sql_of_parts(text).bind(tenant.0).bind(setting.0).bind(serials.as_str()).bind(now))
                .await?;
        }
        audit::write(&mut tx, tenant, event).await?;
        tx.commit().await?;
        Ok(DesiredChange::Done)
    }

    /// The devices of a setting with these serial numbers, in any ASCII case and no order.
    pub async fn devices_of_serials(
        &self,
        tenant: TenantId,
        setting: SettingId,
        serials: &[String],
    ) -> Result<Vec<DeviceRow>, Error> {
        self.db
            .rows(of_serials((tenant, setting), serials))
            .await?
            .iter()
            .map(super::devices::device)
            .collect()
    }

    /// Writes a manual import. `decide` is handed those of `serials` that are listed, and returns what is written: until
    /// the end nobody else changes a device of the setting, so that no desired state and no record of Apple's is
    /// overwritten unseen. False, and nothing written, when the setting or a desired profile does not exist.
    pub async fn write_devices<E: From<Error>>(
        &self,
        place: (TenantId, SettingId),
        serials: &[String],
        profiles: &[Profile],
        now: Timestamp,
        decide: impl FnOnce(Vec<DeviceRow>) -> Result<DeviceWrites, E> + Send,
    ) -> Result<bool, E> {
        match self.begin_writes(place, profiles, now).await? {
            Some(tx) => finish_writes(tx, place, serials, decide).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// The same for one new device, which is made once for its `key`.
    pub async fn create_device<E: From<Error>>(
        &self,
        new: &DeviceRow,
        (tenant, profiles): (TenantId, &[Profile]),
        key: Option<RequestKey>,
        decide: impl FnOnce(Vec<DeviceRow>) -> Result<DeviceWrites, E> + Send,
    ) -> Result<EntityCreated<DeviceId>, E> {
        let place = (tenant, new.setting);
        let Some(mut tx) = self.begin_writes(place, profiles, new.created_at).await? else {
            return Ok(EntityCreated::Gone);
        };
        let exists = |id| {
            sql("SELECT id FROM devices WHERE tenant = $1 AND setting = $2 AND id = $3")
                .bind(tenant.0)
                .bind(new.setting.0)
                .bind(DeviceId(id).to_string())
        };
        match created_requests::claim(&mut tx, tenant, key, (new.id.0, new.created_at), exists).await? {
            Some(id) => Ok(EntityCreated::Earlier(DeviceId(id))),
            None => {
                let serials = std::slice::from_ref(&new.serial);
                finish_writes(tx, place, serials, decide).await.map(|()| EntityCreated::Done)
            }
        }
    }

    /// Locks the setting and its profiles; none when one of them does not exist.
    async fn begin_writes(
        &self,
        (tenant, setting): (TenantId, SettingId),
        profiles: &[Profile],
        now: Timestamp,
    ) -> Result<Option<Transaction>, Error> {
        let mut tx = self.db.begin().await?;
        if !bump_desired_generation(&mut tx, tenant, setting, now, false).await? {
            return Ok(None);
        }
        for profile in profiles {
            if !take(&mut tx, profile).await? {
                return Ok(None);
            }
        }
        Ok(Some(tx))
    }

    /// Takes a device out of the list; false when there is none. Apple may list it again.
    pub async fn remove_device(
        &self,
        tenant: TenantId,
        setting: SettingId,
        id: DeviceId,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        // An assignment that is about to be made is looked at again.
        if !bump_desired_generation(&mut tx, tenant, setting, event.at, false).await? {
            return Ok(false);
        }
        let removed = tx
            .row(
                sql("DELETE FROM devices WHERE tenant = $1 AND setting = $2 AND id = $3 \
                     RETURNING deleted, serial_key, desired_profile")
                .bind(tenant.0)
                .bind(setting.0)
                .bind(id.to_string()),
            )
            .await?;
        let Some(removed) = removed else { return Ok(false) };
        if !removed.get::<bool>("deleted")? {
            count(&mut tx, tenant, setting, -1).await?;
        }
        if removed.get::<Option<String>>("desired_profile")?.is_some() {
            let key: String = removed.get("serial_key")?;
            let told = NewDeviceEvent::of(DeviceEventKind::Unwanted);
            device_events::write(&mut tx, (tenant, setting), &[&key], event.at, &told).await?;
        }
        audit::write(&mut tx, tenant, event).await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn finish_writes<E: From<Error>>(
    mut tx: Transaction,
    place: (TenantId, SettingId),
    serials: &[String],
    decide: impl FnOnce(Vec<DeviceRow>) -> Result<DeviceWrites, E> + Send,
) -> Result<(), E> {
    let listed = tx.rows(of_serials(place, serials)).await?;
    let listed = listed.iter().map(super::devices::device).collect::<Result<Vec<_>, Error>>()?;
    let writes = decide(listed)?;
    if !writes.new.is_empty() || !writes.changed.is_empty() {
        write(&mut tx, place, &writes).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Finds devices by their serial numbers.
fn of_serials((tenant, setting): (TenantId, SettingId), serials: &[String]) -> Statement {
    sql_of_parts(format!(
        "SELECT {} FROM devices WHERE tenant = $1 AND setting = $2 \
         AND serial_key IN (SELECT value ->> 0 FROM json_each($3))",
        super::devices::COLUMNS
    ))
    .bind(tenant.0)
    .bind(setting.0)
    .bind(keys(serials).to_string())
}

async fn write(
    tx: &mut Transaction,
    (tenant, setting): (TenantId, SettingId),
    writes: &DeviceWrites,
) -> Result<(), Error> {
    let DeviceWrites { new, changed, event } = writes;
    let (new, changed) = (rows(new), rows(changed));
    let about = |text: String, devices: &str| sql_of_parts(text).bind(tenant.0).bind(setting.0).bind(devices);
    let added = tx
        .execute(about(
            "INSERT INTO devices (tenant, setting, serial_key, serial, id, source, created_at, platform, description, \
             desired_profile, desired_at, supervised, deleted, digest, record) \
             SELECT $1, $2, value ->> 0, value ->> 1, value ->> 2, 'adminImport', CAST(value ->> 3 AS BIGINT), \
             value ->> 4, value ->> 5, value ->> 6, CAST(value ->> 7 AS BIGINT), (value ->> 8) = 'yes', FALSE, '0', '{}' \
             FROM json_each($3)"
                .to_owned(),
            &new,
        ))
        .await?;
    // The words `wanted` and `unwanted` for whatever differs from the desired state that is stored, or of a new row.
    const TOLD: &str = "INSERT INTO device_events (tenant, setting, serial_key, at, event, profile) \
        SELECT $1, $2, written.value ->> 0, $4, \
        CASE WHEN written.value ->> 6 IS NULL THEN 'unwanted' ELSE 'wanted' END, written.value ->> 6 \
        FROM json_each($3) AS written";
    const ONCE: &str =
        "ON CONFLICT (tenant, setting, serial_key, at, event) DO UPDATE SET profile = excluded.profile";
    const ITS_ROW: &str =
        "devices.tenant = $1 AND devices.setting = $2 AND devices.serial_key = written.value ->> 0";
    const OTHER_WISH: &str = "COALESCE(devices.desired_profile, '') <> COALESCE(written.value ->> 6, '')";
    for (text, devices) in [
        (format!("{TOLD} WHERE written.value ->> 6 IS NOT NULL {ONCE}"), &new),
        (format!("{TOLD}, devices WHERE {ITS_ROW} AND {OTHER_WISH} {ONCE}"), &changed),
        // Another description ends no wait that Apple's word made.
        (
            format!(
                "UPDATE devices SET {} FROM json_each($3) AS written \
                 WHERE {ITS_ROW} AND ({OTHER_WISH} OR devices.platform <> written.value ->> 4)",
                look_again("$4")
            ),
            &changed,
        ),
    ] {
        tx.execute(about(text, devices).bind(event.at)).await?;
    }
    let text = format!(
        "UPDATE devices SET platform = written.value ->> 4, description = written.value ->> 5, \
         desired_profile = written.value ->> 6, desired_at = CAST(written.value ->> 7 AS BIGINT), \
         supervised = (written.value ->> 8) = 'yes' FROM json_each($3) AS written WHERE {ITS_ROW}"
    );
    tx.execute(about(text, &changed)).await?;
    count(tx, tenant, setting, i64::try_from(added).unwrap_or(0)).await?;
    audit::write(tx, tenant, event).await
}

/// Rows as one JSON text.
fn rows(devices: &[DeviceRow]) -> String {
    let row = |device: &DeviceRow| {
        json!([
            device.serial.to_ascii_lowercase(),
            device.serial,
            device.id.to_string(),
            device.created_at.as_microsecond(),
            device.platform.as_str(),
            device.description,
            device.desired_profile,
            device.desired_at.map(Timestamp::as_microsecond),
            if device.supervised { "yes" } else { "no" },
        ])
    };
    devices.iter().map(row).collect::<Json>().to_string()
}

async fn count(tx: &mut Transaction, tenant: TenantId, setting: SettingId, more: i64) -> Result<(), Error> {
    tx.execute_one(
        "counting devices",
        sql("UPDATE onboarding_settings SET device_count = device_count + $3 WHERE tenant = $1 AND id = $2")
            .bind(tenant.to_string())
            .bind(setting.to_string())
            .bind(more),
    )
    .await
}
