//! Devices: what decides about a page is read, a folded page is written, rows are listed.

use std::collections::HashMap;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use adept_odata::{Expr, Literal};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Devices, Error,
    assignment::{alike, save_pacing, save_release, states_of},
    column::{Column, Holds},
    db::{Row, Transaction, Value, sql},
    device_counts::{self, Changing},
    device_events::{self, NewDeviceEvent},
    list::{ListQuery, Listed, Source, of_setting},
    serial_blocks,
};
use adept_domain::{
    AppleRecord, DeviceEventKind, DeviceField, DeviceId, DevicePacing, DevicePlatform, DeviceRelease,
    DeviceRow, FoldedPage, Lease, RecordChange, SettingKey, StoredDevice, members, serial_key,
};

pub(super) const COLUMNS: &str = "setting, serial, id, platform, source, description, deleted, created_at, \
    desired_profile, desired_at, COALESCE(supervised, FALSE) AS supervised";

const SOURCE: Source<DeviceField> = Source {
    columns: COLUMNS,
    table: "devices",
    number: "COUNT(*)",
    column,
    tie: Column::fixed("serial_key", Holds::FoldedText),
    key: Some("tenant, setting, serial_key"),
};

/// The numbers of devices that are alike, for the same filters.
const COUNTED: Source<DeviceField> = Source {
    columns: "number",
    table: "counted_devices AS devices",
    number: "CAST(COALESCE(SUM(number), 0) AS BIGINT)",
    column,
    tie: Column::fixed("platform", Holds::Text),
    key: None,
};

/// The column of a field; settings ask for those of their devices too.
pub(super) fn column(field: DeviceField) -> Column {
    let fixed = Column::fixed;
    match field {
        DeviceField::Id => fixed("devices.id", Holds::Id),
        DeviceField::SerialNumber => fixed("devices.serial_key", Holds::Serial),
        DeviceField::Description => Column::nullable("devices.description", Holds::Text),
        DeviceField::Platform => fixed("devices.platform", Holds::Member(members::PLATFORM)),
        DeviceField::DiscoverySource => fixed("devices.source", Holds::Member(members::DISCOVERY_SOURCE)),
        DeviceField::IsDeleted => fixed("devices.deleted", Holds::Bool),
        DeviceField::Created => fixed("devices.created_at", Holds::Time),
        DeviceField::RequestedProfile => Column::nullable("devices.desired_profile", Holds::Id),
        DeviceField::RequestedProfileAt => Column::nullable("devices.desired_at", Holds::Time),
        DeviceField::IsSupervised => fixed("COALESCE(devices.supervised, FALSE)", Holds::Bool),
        DeviceField::LastContacted => Column::time_or_year_one("CAST(NULL AS BIGINT)"),
        DeviceField::EnrollmentState => {
            fixed("CAST('notContacted' AS TEXT)", Holds::Member(members::ENROLLMENT_STATE))
        }
    }
}

pub(super) fn device(row: &Row) -> Result<DeviceRow, Error> {
    Ok(DeviceRow {
        id: row.get("id")?,
        setting: row.get("setting")?,
        serial: row.get("serial")?,
        platform: row.get("platform")?,
        description: row.get("description")?,
        source: row.get("source")?,
        deleted: row.get("deleted")?,
        created_at: row.get("created_at")?,
        desired_profile: row.get("desired_profile")?,
        desired_at: row.get("desired_at")?,
        supervised: row.get("supervised")?,
    })
}

/// What decides about the devices of a page, by their serial keys.
pub(super) async fn stored(
    tx: &mut Transaction,
    lease: &Lease,
    page: &[AppleRecord],
) -> Result<HashMap<String, StoredDevice>, Error> {
    let mut keys: Vec<String> = page.iter().map(|record| serial_key(&record.serial)).collect();
    // In the order of the index, so that one look falls beside the last.
    keys.sort_unstable();
    keys.dedup();
    let asked = serde_json::to_string(&keys).map_err(|e| Error::Corrupt(format!("serial numbers: {e}")))?;
    // One look at the key's index for each; of a join, or of a list, PostgreSQL would guess that reading every device is
    // cheaper. The answers stand in one text, in the order of the keys: thousands of rows, handed over one by one, cost
    // more than finding them.
    let select = sql("SELECT string_agg(COALESCE((SELECT digest || CASE \
        WHEN deleted THEN ' gone ' ELSE ' listed ' END || COALESCE(CAST(operation_at AS TEXT), '') \
        FROM devices WHERE tenant = $1 AND setting = $2 \
        AND devices.serial_key = atom), ''), ',') AS known FROM json_each($3)")
    .bind((lease.key, asked.as_str()));
    let known: Option<String> = tx.first(select, |row| row.get("known")).await?.flatten();
    let known = known.unwrap_or_default();
    let answers = known.split(',').count();
    if answers != keys.len() {
        return Err(Error::Corrupt(format!("{answers} answers about {} stored devices", keys.len())));
    }
    let mut stored = HashMap::with_capacity(keys.len());
    for (key, known) in keys.into_iter().zip(known.split(',')) {
        if !known.is_empty() {
            stored.insert(key, stored_device(known)?);
        }
    }
    Ok(stored)
}

/// Reads `digest state operation_at`.
fn stored_device(known: &str) -> Result<StoredDevice, Error> {
    let unfit = || Error::Corrupt(format!("a stored device reads '{known}'"));
    let [digest, state, operation_at] = known.split(' ').collect::<Vec<_>>()[..] else { return Err(unfit()) };
    let digest = u128::from_str_radix(digest, 16).map_err(|_| unfit())?;
    let operation_at = match operation_at {
        "" => None,
        micros => {
            let micros = micros.parse().map_err(|_| unfit())?;
            Some(Timestamp::from_microsecond(micros).map_err(|_| unfit())?)
        }
    };
    Ok(StoredDevice { digest, operation_at, deleted: state == "gone" })
}

/// Writes what pages changed, and takes the rows out of `folded`. They come sorted by key.
pub(super) async fn write(
    tx: &mut Transaction,
    lease: &Lease,
    folded: &mut FoldedPage,
    now: Timestamp,
    fresh_id: &mut (dyn FnMut() -> Uuid + Send),
) -> Result<(), Error> {
    let listed_again = NewDeviceEvent::of(DeviceEventKind::ListedAgain);
    device_events::write(tx, lease.key, &folded.back, now, &listed_again).await?;
    let gone = folded.gone.iter().map(|(key, _)| key);
    let known: Vec<String> = folded.known.iter().chain(gone).cloned().collect();
    let mut changing = Changing::begin(tx, lease.key, &known).await?;
    changing.adds(folded);
    serial_blocks::add(tx, lease.key, &folded.new).await?;
    note_records(tx, lease.key, folded, now).await?;
    let mut records = std::mem::take(&mut folded.write).into_iter().peekable();
    if records.peek().is_some() {
        tx.plan_once().await?;
        // The next rows are made ready while the database writes these.
        let mut next_insert = || {
            let rows = records.by_ref().take(ROWS_PER_STATEMENT);
            let values: Vec<Value> = rows.flat_map(|record| row_of(record, fresh_id(), now)).collect();
            let insert = sql(INSERT).bind((lease.key, now));
            (!values.is_empty()).then(|| insert.inserting(values, ROW_WIDTH))
        };
        let mut insert = next_insert();
        while let Some(rows) = insert {
            let (written, next) = tokio::join!(tx.execute_any(rows), async { next_insert() });
            written?;
            insert = next;
        }
        tx.plan_each_time().await?;
    }
    device_events::note_contradictions(tx, lease.key, &folded.known, now).await?;
    if !folded.gone.is_empty() {
        let gone: Vec<serde_json::Value> = folded
            .gone
            .iter()
            .map(|(key, at)| serde_json::json!([key, at.map(Timestamp::as_microsecond)]))
            .collect();
        let update = sql("UPDATE devices SET deleted = TRUE, tombstone_at = $4, absent_since = NULL, \
            operation_at = COALESCE((SELECT CAST(value ->> 1 AS BIGINT) FROM json_each($3) \
            WHERE value ->> 0 = serial_key), operation_at) WHERE tenant = $1 AND setting = $2 \
            AND serial_key IN (SELECT value ->> 0 FROM json_each($3))")
        .bind((lease.key, serde_json::Value::from(gone), now));
        let touched = tx.execute(update).await?;
        if touched != folded.gone.len() as u64 {
            return Err(Error::Corrupt(format!("{touched} devices left instead of {}", folded.gone.len())));
        }
        let keys: Vec<&str> = folded.gone.iter().map(|(key, _)| key.as_str()).collect();
        device_events::write(tx, lease.key, &keys, now, &NewDeviceEvent::of(DeviceEventKind::Absent)).await?;
    }
    changing.end(tx).await
}

/// When devices are looked at of which a record differs from the stored one; to be called before it is written. A device
/// that returns is not to be released any more.
async fn note_records(
    tx: &mut Transaction,
    key: SettingKey,
    folded: &FoldedPage,
    now: Timestamp,
) -> Result<(), Error> {
    if folded.known.is_empty() {
        return Ok(());
    }
    let states = states_of(tx, key, &folded.known).await?;
    let changed = folded.write.iter().filter_map(|record| {
        let key = serial_key(&record.serial);
        let state = states.get(&key)?;
        let assigned = state.assigned_uuid.as_deref();
        let change = RecordChange::of(record, state.platform, assigned, state.deleted);
        let pacing = state.pacing.on_record(change, now);
        (pacing != state.pacing).then_some((pacing, key))
    });
    for (pacing, keys) in alike(changed) {
        save_pacing(tx, key, &pacing, &keys).await?;
    }
    let none = DeviceRelease::default();
    let returned: Vec<String> = states
        .into_iter()
        .filter(|(_, state)| state.deleted && state.release != none)
        .map(|(key, _)| key)
        .collect();
    save_release(tx, key, &none, &returned).await
}

/// Rows are bound, not sent as JSON, which costs twice as much.
const ROWS_PER_STATEMENT: usize = 500;

const INSERT: &str = "INSERT INTO devices (tenant, setting, created_at, serial_key, serial, id, platform, description, \
    operation_at, profile_uuid, profile_status, digest, record, assign_due_at) {inserted} \
    ON CONFLICT (tenant, setting, serial_key) DO UPDATE SET serial = excluded.serial, \
    platform = CASE WHEN excluded.platform = 'unknown' THEN devices.platform ELSE excluded.platform END, \
    source = excluded.source, description = COALESCE(excluded.description, devices.description), \
    deleted = FALSE, tombstone_at = NULL, absent_since = NULL, \
    operation_at = COALESCE(excluded.operation_at, devices.operation_at), \
    profile_uuid = excluded.profile_uuid, profile_status = excluded.profile_status, \
    digest = excluded.digest, record = excluded.record";

/// Values that each row of [`INSERT`] has of its own.
const ROW_WIDTH: usize = 11;

/// Those values, in their order.
fn row_of(record: AppleRecord, id: Uuid, now: Timestamp) -> [Value; ROW_WIDTH] {
    let pacing = DevicePacing::of_new(&record, now);
    [
        Value::text(serial_key(&record.serial)),
        Value::text(record.serial),
        id.into(),
        record.platform.unwrap_or(DevicePlatform::Unknown).into(),
        record.description.into(),
        record.operation_at.into(),
        record.profile_uuid.into(),
        record.profile_status.into(),
        Value::text(format!("{:032x}", record.digest)),
        Value::text(record.record),
        pacing.due_at.into(),
    ]
}

/// Devices added by which the table is another one to PostgreSQL's planner.
const GROWTH: u64 = 20_000;

/// Devices that were added since the table was settled last.
#[derive(Clone, Default)]
pub(super) struct Growth(Arc<AtomicU64>);

impl Growth {
    pub(super) fn note(&self, added: i64) {
        self.0.fetch_add(added.unsigned_abs(), Ordering::Relaxed);
    }
}

impl Devices {
    /// Lets the database look at its devices again if there are many more than when it looked last. Takes seconds for a
    /// million; nothing waits for it.
    pub async fn settle(&self) -> Result<(), Error> {
        if self.growth.0.load(Ordering::Relaxed) < GROWTH {
            return Ok(());
        }
        self.growth.0.store(0, Ordering::Relaxed);
        self.db.settle("devices").await
    }

    /// Lists the devices of a setting, gone ones included, by serial number when no other order is asked for.
    pub async fn list(
        &self,
        key: SettingKey,
        query: &ListQuery<DeviceField>,
    ) -> Result<Listed<DeviceRow>, Error> {
        let mut query = query.clone();
        query.filter = match query.filter.take() {
            Some(filter) => Some(self.narrowed(key, filter).await?),
            None => None,
        };
        let total = match query.count {
            true => Some(self.count_narrowed(key, query.filter.as_ref()).await?),
            false => None,
        };
        query.count = false;
        Ok(Listed { total, ..SOURCE.list(&self.db, &query, of_setting(key), device).await? })
    }

    /// The same filter, with the devices named that alone can fulfil it, where there are few.
    async fn narrowed(&self, key: SettingKey, filter: Expr<DeviceField>) -> Result<Expr<DeviceField>, Error> {
        Ok(match serial_blocks::narrowed(&self.db, key, &filter).await? {
            None => filter,
            Some(none) if none.is_empty() => Expr::constant(false),
            Some(some) => {
                let some = some.into_iter().map(Literal::Text).collect();
                filter.and(Expr::In(Box::new(Expr::Field(DeviceField::SerialNumber)), some))
            }
        })
    }

    /// Counts the devices of a setting that fulfil the filter: one by one only where their numbers do not answer it.
    pub async fn count(&self, key: SettingKey, filter: Option<&Expr<DeviceField>>) -> Result<i64, Error> {
        match filter {
            Some(filter) => {
                let filter = self.narrowed(key, filter.clone()).await?;
                self.count_narrowed(key, Some(&filter)).await
            }
            None => self.count_narrowed(key, None).await,
        }
    }

    async fn count_narrowed(
        &self,
        key: SettingKey,
        filter: Option<&Expr<DeviceField>>,
    ) -> Result<i64, Error> {
        let source = if filter.is_none_or(device_counts::answers) { COUNTED } else { SOURCE };
        source.count(&self.db, filter, of_setting(key)).await
    }

    /// The device of that id.
    pub async fn get(&self, key: SettingKey, id: DeviceId) -> Result<Option<DeviceRow>, Error> {
        let select = super::db::sql_of_parts(format!(
            "SELECT {COLUMNS} FROM devices WHERE tenant = $1 AND setting = $2 AND id = $3"
        ))
        .bind((key, id));
        self.db.first(select, device).await
    }
}
