//! Devices: what decides about a page is read, a folded page is written, rows are listed.

use std::collections::HashMap;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Devices, Error,
    assignment::{alike, save_pacing, save_release, states_of},
    db::{KEYS_PER_STATEMENT, Row, Transaction, Value, sql},
    device_counts::Changing,
    device_events::{self, NewDeviceEvent},
    serial_blocks::{self, Described},
};
use adept_domain::{
    AppleRecord, DeviceEventKind, DeviceId, DevicePacing, DevicePlatform, DeviceRelease, DeviceRow,
    FoldedPage, Lease, RecordChange, SettingKey, StoredDevice, serial_key,
};

pub(super) const COLUMNS: &str = "setting, serial, id, platform, source, description, deleted, created_at, \
    desired_profile, desired_at, COALESCE(supervised, FALSE) AS supervised";

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
    let described = serial_blocks::described(tx, lease.key, &folded.known).await?;
    serial_blocks::describe(tx, lease.key, &described, descriptions(folded, &described)).await?;
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
        let mut touched = 0;
        for (at, keys) in alike(folded.gone.iter().map(|(key, at)| (*at, key.clone()))) {
            for keys in keys.chunks(KEYS_PER_STATEMENT) {
                let update =
                    sql("UPDATE devices SET deleted = TRUE, tombstone_at = $3, absent_since = NULL, \
                    operation_at = COALESCE($4, operation_at) WHERE tenant = $1 AND setting = $2 \
                    AND serial_key IN ({listed})");
                touched += tx.execute(update.bind((lease.key, now, at)).listing(keys)).await?;
            }
        }
        if touched != folded.gone.len() as u64 {
            return Err(Error::Corrupt(format!("{touched} devices left instead of {}", folded.gone.len())));
        }
        let keys: Vec<&str> = folded.gone.iter().map(|(key, _)| key.as_str()).collect();
        device_events::write(tx, lease.key, &keys, now, &NewDeviceEvent::of(DeviceEventKind::Absent)).await?;
    }
    changing.end(tx).await
}

/// How devices are described of which a page has another record; a record that says nothing leaves it as it is.
fn descriptions<'p>(
    folded: &'p FoldedPage,
    before: &Described,
) -> impl Iterator<Item = (String, Option<&'p str>)> {
    let records =
        folded.write.iter().map(|record| (serial_key(&record.serial), record.description.as_deref()));
    records.filter(|(key, description)| description.is_some() || !before.contains_key(key))
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

    /// The device of that id.
    pub async fn get(&self, key: SettingKey, id: DeviceId) -> Result<Option<DeviceRow>, Error> {
        let select = super::db::sql_of_parts(format!(
            "SELECT {COLUMNS} FROM devices WHERE tenant = $1 AND setting = $2 AND id = $3"
        ))
        .bind((key, id));
        self.db.first(select, device).await
    }
}
