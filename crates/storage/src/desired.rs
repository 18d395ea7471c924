//! What people want of devices: imported by hand, changed, removed from the list, given a profile, released. Apple hears
//! of none of it here: these rows are what is made so there later.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{
    Devices, Error,
    assignment::{alike, bump_desired_generation, desire, save_pacing, save_release, states_of},
    audit,
    created_requests::{self, EntityCreated},
    db::{Row, Statement, Transaction, hex, sql, sql_of_parts},
    device_counts::{self, Changing},
    device_events::{self, NewDeviceEvent},
    devices,
    profiles::take,
    serial_blocks,
    setting_state::save,
};
use adept_domain::{
    AuditEvent, DeviceEventKind, DeviceId, DeviceRow, Profile, ProfileId, ReleaseDay, ReleaseQuotaExceeded,
    RequestKey, SettingKey, SettingState, TenantId, serial_key,
};

/// What came of a desired profile for several devices: all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredChange {
    /// It is kept.
    Done,
    /// The profile, or the setting, is gone.
    NotFound,
    /// These are not listed under the setting; serial numbers as they were asked for, at most a handful.
    Unknown(Vec<String>),
    /// The tenant asked for too many releases within a day.
    TooManyReleases(ReleaseQuotaExceeded),
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
    serials.iter().map(|serial| json!([serial_key(serial), serial])).collect()
}

/// Serial numbers, as given, that are not listed (`listed` says which rows count); a handful at most.
async fn unknown(
    tx: &mut Transaction,
    listed: &'static str,
    key: SettingKey,
    serials: &str,
) -> Result<Vec<String>, Error> {
    tx.all(sql(listed).bind((key, serials)), |row| row.get("serial")).await
}

const UNLISTED: &str = "SELECT value ->> 1 AS serial FROM json_each($3) WHERE value ->> 0 NOT IN \
    (SELECT serial_key FROM devices WHERE tenant = $1 AND setting = $2 \
     AND serial_key IN (SELECT value ->> 0 FROM json_each($3))) LIMIT 5";

const NOT_AT_APPLE: &str = "SELECT value ->> 1 AS serial FROM json_each($3) WHERE value ->> 0 NOT IN \
    (SELECT serial_key FROM devices WHERE tenant = $1 AND setting = $2 AND source = 'deviceEnrollmentProgram' \
     AND deleted = FALSE AND serial_key IN (SELECT value ->> 0 FROM json_each($3))) LIMIT 5";

impl Devices {
    /// Wants a profile for devices of its setting. Devices that want it already stay as they are.
    pub async fn set_desired_profile(
        &self,
        profile: &Profile,
        serials: &[String],
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<DesiredChange, Error> {
        let serial_keys: Vec<String> = serials.iter().map(|serial| serial_key(serial)).collect();
        let serials = keys(serials).to_string();
        let mut tx = self.db.begin().await?;
        let key = profile.key();
        if !bump_desired_generation(&mut tx, key, now, false).await? || !take(&mut tx, profile).await? {
            return Ok(DesiredChange::NotFound);
        }
        let unknown = unknown(&mut tx, UNLISTED, key, &serials).await?;
        if !unknown.is_empty() {
            return Ok(DesiredChange::Unknown(unknown));
        }
        let changing = Changing::begin(&mut tx, key, &serial_keys).await?;
        const OTHERS: &str = "tenant = $1 AND setting = $2 AND serial_key IN (SELECT value ->> 0 FROM json_each($3)) \
            AND (desired_profile IS NULL OR desired_profile <> $4)";
        let about = |text: String| sql_of_parts(text).bind((key, serials.as_str(), profile.id));
        let others = about(format!("SELECT serial_key FROM devices WHERE {OTHERS}"));
        note_desired(&mut tx, key, others, now).await?;
        let insert = about(format!(
            "INSERT INTO device_events (tenant, setting, serial_key, at, event, profile) \
             SELECT tenant, setting, serial_key, $5, 'wanted', $4 FROM devices WHERE {OTHERS} \
             ON CONFLICT (tenant, setting, serial_key, at, event) DO UPDATE \
             SET profile = excluded.profile"
        ));
        tx.execute_any(insert.bind(now)).await?;
        let update = about(format!(
            "UPDATE devices SET desired_profile = $4, desired_at = $5, supervised = $6 WHERE {OTHERS}"
        ));
        tx.execute_any(update.bind((now, profile.flag("supervisedModeEnabled")))).await?;
        changing.end(&mut tx).await?;
        audit::commit(tx, profile.tenant, event).await?;
        Ok(DesiredChange::Done)
    }

    /// Wants that Apple releases devices that it lists under the setting; within a day no more of a tenant than `most`.
    pub async fn request_release(
        &self,
        key: SettingKey,
        serials: &[String],
        most: u32,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<DesiredChange, Error> {
        let serial_keys: Vec<String> = serials.iter().map(|serial| serial_key(serial)).collect();
        let serials = keys(serials).to_string();
        let mut tx = self.db.begin().await?;
        if !bump_desired_generation(&mut tx, key, now, false).await? {
            return Ok(DesiredChange::NotFound);
        }
        let unknown = unknown(&mut tx, NOT_AT_APPLE, key, &serials).await?;
        if !unknown.is_empty() {
            return Ok(DesiredChange::Unknown(unknown));
        }
        let states = states_of(&mut tx, key, &serial_keys).await?.into_iter();
        let changed = states.filter_map(|(serial_key, state)| {
            let release = state.release.on_requested(now);
            (release != state.release).then_some((release, serial_key))
        });
        let changed: Vec<_> = changed.collect();
        if let Err(exceeded) = count_releases(&mut tx, key.tenant, changed.len(), most, now).await? {
            return Ok(DesiredChange::TooManyReleases(exceeded));
        }
        for (release, keys) in alike(changed) {
            save_release(&mut tx, key, &release, &keys).await?;
            let line = NewDeviceEvent::of(DeviceEventKind::ReleaseRequested);
            device_events::write(&mut tx, key, &keys, now, &line).await?;
        }
        audit::commit(tx, key.tenant, event).await?;
        Ok(DesiredChange::Done)
    }

    /// The devices of a setting with these serial numbers, in any ASCII case and no order.
    pub async fn of_serials(&self, key: SettingKey, serials: &[String]) -> Result<Vec<DeviceRow>, Error> {
        self.db.all(of_serials(key, serials), devices::device).await
    }

    /// Writes a manual import. `decide` is handed those of `serials` that are listed, and returns what is written: until
    /// the end nobody else changes a device of the setting, so that no desired state and no record of Apple's is
    /// overwritten unseen. False, and nothing written, when the setting or a desired profile does not exist.
    pub async fn write<E: From<Error>>(
        &self,
        key: SettingKey,
        serials: &[String],
        profiles: &[Profile],
        now: Timestamp,
        decide: impl FnOnce(Vec<DeviceRow>) -> Result<DeviceWrites, E> + Send,
    ) -> Result<bool, E> {
        let mut tx = self.db.begin().await?;
        let Some(state) = desire(&mut tx, key, now, false).await? else { return Ok(false) };
        finish_writes(tx, state, serials, profiles, decide).await
    }

    /// The same for one new device, which is made once for its `request`.
    pub async fn create<E: From<Error>>(
        &self,
        new: &DeviceRow,
        (key, profiles): (SettingKey, &[Profile]),
        request: Option<RequestKey>,
        decide: impl FnOnce(Vec<DeviceRow>) -> Result<DeviceWrites, E> + Send,
    ) -> Result<EntityCreated<DeviceId>, E> {
        let mut tx = self.db.begin().await?;
        let Some(state) = desire(&mut tx, key, new.created_at, false).await? else {
            return Ok(EntityCreated::NotFound);
        };
        let exists = |id| {
            sql("SELECT id FROM devices WHERE tenant = $1 AND setting = $2 AND id = $3")
                .bind((key, DeviceId(id)))
        };
        let made = (new.id.0, new.created_at);
        if let Some(id) = created_requests::claim(&mut tx, key.tenant, request, made, exists).await? {
            tx.commit().await?;
            return Ok(EntityCreated::Earlier(DeviceId(id)));
        }
        let serials = std::slice::from_ref(&new.serial);
        match finish_writes(tx, state, serials, profiles, decide).await? {
            true => Ok(EntityCreated::Done),
            false => Ok(EntityCreated::NotFound),
        }
    }

    /// Takes a device out of the list; false when there is none. Apple may list it again.
    pub async fn remove(&self, key: SettingKey, id: DeviceId, event: &AuditEvent) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        // An assignment that is about to be made is looked at again.
        let Some(mut state) = desire(&mut tx, key, event.at, false).await? else { return Ok(false) };
        let delete = sql_of_parts(format!(
            "DELETE FROM devices WHERE tenant = $1 AND setting = $2 AND id = $3 RETURNING {}",
            device_counts::REMOVED
        ));
        let Some(removed) = tx.row(delete.bind((key, id))).await? else { return Ok(false) };
        if !removed.get::<bool>("deleted")? {
            state.on_devices_counted(-1);
        }
        save(&mut tx, &state).await?;
        let serial_key: String = removed.get("serial_key")?;
        if removed.get::<Option<ProfileId>>("desired_profile")?.is_some() {
            let event_row = NewDeviceEvent::of(DeviceEventKind::Unwanted);
            device_events::write(&mut tx, key, &[serial_key], event.at, &event_row).await?;
        }
        device_counts::removed(&mut tx, &[removed]).await?;
        audit::commit(tx, key.tenant, event).await?;
        Ok(true)
    }
}

/// Writes what is decided under the locked setting; false, and nothing done, when one of the profiles does not exist.
async fn finish_writes<E: From<Error>>(
    mut tx: Transaction,
    mut state: SettingState,
    serials: &[String],
    profiles: &[Profile],
    decide: impl FnOnce(Vec<DeviceRow>) -> Result<DeviceWrites, E> + Send,
) -> Result<bool, E> {
    for profile in profiles {
        if !take(&mut tx, profile).await? {
            return Ok(false);
        }
    }
    let writes = decide(tx.all(of_serials(state.key, serials), devices::device).await?)?;
    if !writes.new.is_empty() || !writes.changed.is_empty() {
        let written = writes.new.iter().chain(&writes.changed).map(|device| serial_key(&device.serial));
        let written: Vec<String> = written.collect();
        let changing = Changing::begin(&mut tx, state.key, &written).await?;
        let described = serial_blocks::described(&mut tx, state.key, &written).await?;
        state.on_devices_counted(write(&mut tx, state.key, &writes).await?);
        changing.end(&mut tx).await?;
        let descriptions =
            writes.new.iter().chain(&writes.changed).map(|device| device.description.as_deref());
        let describes = written.iter().cloned().zip(descriptions);
        serial_blocks::describe(&mut tx, state.key, &described, describes).await?;
        save(&mut tx, &state).await?;
        tx.commit().await?;
    }
    Ok(true)
}

/// Counts releases of a tenant, under its row, unless they are too many.
async fn count_releases(
    tx: &mut Transaction,
    tenant: TenantId,
    more: usize,
    most: u32,
    now: Timestamp,
) -> Result<Result<(), ReleaseQuotaExceeded>, Error> {
    if more == 0 {
        return Ok(Ok(()));
    }
    let take = sql("INSERT INTO release_days (tenant, began_at, devices) VALUES ($1, $2, 0) \
        ON CONFLICT (tenant) DO UPDATE SET devices = release_days.devices RETURNING began_at, devices");
    let day = |row: &Row| Ok(ReleaseDay { began_at: row.get("began_at")?, devices: row.get("devices")? });
    let stored = tx.first(take.bind((tenant, now)), day).await?;
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    let day = match ReleaseDay::with(stored, more, most.into(), now) {
        Ok(day) => day,
        Err(exceeded) => return Ok(Err(exceeded)),
    };
    let save = sql("UPDATE release_days SET began_at = $2, devices = $3 WHERE tenant = $1");
    tx.execute_one("the day of releases", save.bind((tenant, day.began_at, day.devices))).await.map(Ok)
}

/// Something else is desired of the devices that `select` finds: when they are looked at.
async fn note_desired(
    tx: &mut Transaction,
    key: SettingKey,
    select: Statement,
    now: Timestamp,
) -> Result<(), Error> {
    let keys: Vec<String> = tx.all(select, |row| row.get("serial_key")).await?;
    let states = states_of(tx, key, &keys).await?;
    let paced = states.into_iter().map(|(key, state)| (state.pacing.on_desired(now), key));
    for (pacing, keys) in alike(paced) {
        save_pacing(tx, key, &pacing, &keys).await?;
    }
    Ok(())
}

/// Finds devices by their serial numbers.
fn of_serials(key: SettingKey, serials: &[String]) -> Statement {
    sql_of_parts(format!(
        "SELECT {} FROM devices WHERE tenant = $1 AND setting = $2 AND serial_key IN (SELECT value ->> 0 \
         FROM json_each($3))",
        devices::COLUMNS
    ))
    .bind((key, keys(serials)))
}

/// Writes them; answers how many are listed for the first time.
async fn write(tx: &mut Transaction, key: SettingKey, writes: &DeviceWrites) -> Result<i64, Error> {
    let DeviceWrites { new, changed, event } = writes;
    let (new, changed) = (rows(new), rows(changed));
    let about = |text: String, devices: &str| sql_of_parts(text).bind((key, devices));
    const INSERT: &str = "INSERT INTO devices (tenant, setting, serial_key, serial, id, source, created_at, platform, \
        description, desired_profile, desired_at, supervised, deleted, digest, record) \
        SELECT $1, $2, value ->> 0, value ->> 1, unhex(value ->> 2), 'adminImport', CAST(value ->> 3 AS BIGINT), \
        value ->> 4, value ->> 5, unhex(value ->> 6), CAST(value ->> 7 AS BIGINT), (value ->> 8) = 'yes', FALSE, '0', '{}' \
        FROM json_each($3)";
    let added = tx.execute(about(INSERT.to_owned(), &new)).await?;
    // The words `wanted` and `unwanted` for whatever differs from the desired state that is stored, or of a new row.
    const TOLD: &str = "INSERT INTO device_events (tenant, setting, serial_key, at, event, profile) \
        SELECT $1, $2, written.value ->> 0, $4, \
        CASE WHEN written.value ->> 6 IS NULL THEN 'unwanted' ELSE 'wanted' END, unhex(written.value ->> 6) \
        FROM json_each($3) AS written";
    const ONCE: &str =
        "ON CONFLICT (tenant, setting, serial_key, at, event) DO UPDATE SET profile = excluded.profile";
    const ITS_ROW: &str =
        "devices.tenant = $1 AND devices.setting = $2 AND devices.serial_key = written.value ->> 0";
    const OTHER_PROFILE: &str = "devices.desired_profile IS DISTINCT FROM unhex(written.value ->> 6)";
    for (text, devices) in [
        (format!("{TOLD} WHERE written.value ->> 6 IS NOT NULL {ONCE}"), &new),
        (format!("{TOLD} CROSS JOIN devices WHERE {ITS_ROW} AND {OTHER_PROFILE} {ONCE}"), &changed),
    ] {
        tx.execute_any(about(text, devices).bind(event.at)).await?;
    }
    // Another description ends no wait that Apple's word made.
    let others = about(
        format!(
            "SELECT serial_key FROM json_each($3) AS written CROSS JOIN devices WHERE {ITS_ROW} \
             AND ({OTHER_PROFILE} OR devices.platform <> written.value ->> 4)"
        ),
        &changed,
    );
    note_desired(tx, key, others, event.at).await?;
    // As rows that are there already: each is looked up by its key, where an update would read the whole text for each device.
    let text = format!(
        "{INSERT} WHERE TRUE ON CONFLICT (tenant, setting, serial_key) DO UPDATE SET platform = excluded.platform, \
         description = excluded.description, desired_profile = excluded.desired_profile, \
         desired_at = excluded.desired_at, supervised = excluded.supervised"
    );
    tx.execute_any(about(text, &changed)).await?;
    audit::write(tx, key.tenant, event).await?;
    Ok(i64::try_from(added).unwrap_or(0))
}

/// Rows as one JSON text.
fn rows(devices: &[DeviceRow]) -> String {
    let row = |device: &DeviceRow| {
        json!([
            serial_key(&device.serial),
            device.serial,
            hex(device.id.0),
            device.created_at.as_microsecond(),
            device.platform.as_str(),
            device.description,
            device.desired_profile.map(|id| hex(id.0)),
            device.desired_at.map(Timestamp::as_microsecond),
            if device.supervised { "yes" } else { "no" },
        ])
    };
    devices.iter().map(row).collect::<Json>().to_string()
}
