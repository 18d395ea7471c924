//! How many devices of a setting are alike in what they are counted by. The numbers are changed in the transaction of every
//! change of devices, so that to count a million costs what to count ten does.

use std::collections::{BTreeMap, HashMap};

use adept_domain::{
    DeviceField, DevicePlatform, DiscoverySource, FoldedPage, ProfileId, SettingKey, is_same_serial,
};
use adept_odata::Expr;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    Error,
    db::{KEYS_PER_STATEMENT, Row, Transaction, hex, sql, sql_of_parts},
    serial_blocks,
};

/// Devices that are alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceGroup {
    /// A member of Graph's `platform`.
    pub platform: String,
    /// A member of Graph's `discoverySource`.
    pub source: String,
    /// Whether they are gone from Apple's side.
    pub deleted: bool,
    /// Whether they are supervised.
    pub supervised: bool,
    /// The profile that is wanted for them explicitly.
    pub desired_profile: Option<ProfileId>,
    /// What Apple says of their profile: `empty`, `assigned`, `pushed`, `removed`.
    pub profile_status: Option<String>,
}

/// How many devices are alike.
pub struct DeviceCount {
    /// Which.
    pub group: DeviceGroup,
    /// How many.
    pub number: i64,
    /// What lists order by of it, as the database writes that.
    pub(super) facets: i64,
}

/// Reads one.
pub(super) fn device_count(row: &Row) -> Result<DeviceCount, Error> {
    Ok(DeviceCount { group: group(row)?, number: row.get("number")?, facets: row.get("facets")? })
}

/// What is read of the numbers.
pub(super) const COUNTS: &str = "platform, source, deleted, supervised, desired_profile, profile_status, number, \
    CAST(facets AS BIGINT) AS facets";

/// What is read of devices to tell which are alike.
const COLUMNS: &str =
    "platform, source, deleted, COALESCE(supervised, FALSE) AS supervised, desired_profile, profile_status";

fn group(row: &Row) -> Result<DeviceGroup, Error> {
    Ok(DeviceGroup {
        platform: row.get("platform")?,
        source: row.get("source")?,
        deleted: row.get("deleted")?,
        supervised: row.get("supervised")?,
        desired_profile: row.get("desired_profile")?,
        profile_status: row.get("profile_status")?,
    })
}

type Numbers = BTreeMap<DeviceGroup, i64>;

/// Devices of a locked setting that are about to be changed, as they are counted before.
pub(super) struct Changing<'k> {
    key: SettingKey,
    serial_keys: &'k [String],
    differences: Numbers,
}

impl<'k> Changing<'k> {
    /// Counts them; those that are not there yet count once they are.
    pub(super) async fn begin(
        tx: &mut Transaction,
        key: SettingKey,
        serial_keys: &'k [String],
    ) -> Result<Self, Error> {
        let mut changing = Self { key, serial_keys, differences: Numbers::new() };
        changing.count(tx, -1).await?;
        Ok(changing)
    }

    /// Counts devices that a page brings and that are not among the others.
    pub(super) fn adds(&mut self, folded: &FoldedPage) {
        let mut new = folded.new.iter().peekable();
        let mut alike: HashMap<(&str, Option<&str>), i64> = HashMap::new();
        for record in &folded.write {
            if new.next_if(|key| is_same_serial(key, &record.serial)).is_some() {
                let platform = record.platform.unwrap_or(DevicePlatform::Unknown).as_str();
                *alike.entry((platform, record.profile_status.as_deref())).or_default() += 1;
            }
        }
        for ((platform, profile_status), number) in alike {
            let group = DeviceGroup {
                platform: platform.to_owned(),
                source: DiscoverySource::DeviceEnrollmentProgram.as_str().to_owned(),
                deleted: false,
                supervised: false,
                desired_profile: None,
                profile_status: profile_status.map(str::to_owned),
            };
            *self.differences.entry(group).or_default() += number;
        }
    }

    /// Counts them again and stores the difference.
    pub(super) async fn end(mut self, tx: &mut Transaction) -> Result<(), Error> {
        self.count(tx, 1).await?;
        self.differences.retain(|_, difference| *difference != 0);
        if self.differences.is_empty() {
            return Ok(());
        }
        let insert = sql(
            "INSERT INTO device_counts (tenant, setting, platform, source, deleted, supervised, \
            desired_profile, profile_status, number) \
            SELECT $1, $2, value ->> 0, value ->> 1, (value ->> 2) = 'yes', (value ->> 3) = 'yes', \
            unhex(value ->> 4), value ->> 5, CAST(value ->> 6 AS BIGINT) FROM json_each($3) WHERE TRUE \
            ON CONFLICT (tenant, setting, platform, source, deleted, supervised, desired_profile, profile_status) \
            DO UPDATE SET number = device_counts.number + excluded.number",
        );
        tx.execute_any(insert.bind((self.key, written(&self.differences)))).await?;
        forget_empty(tx, self.key).await
    }

    async fn count(&mut self, tx: &mut Transaction, sign: i64) -> Result<(), Error> {
        for keys in self.serial_keys.chunks(KEYS_PER_STATEMENT) {
            let select = sql_of_parts(format!(
                "SELECT {COLUMNS}, COUNT(*) AS number FROM devices WHERE tenant = $1 AND setting = $2 \
                 AND serial_key IN ({{listed}}) GROUP BY 1, 2, 3, 4, 5, 6"
            ))
            .bind(self.key)
            .listing(keys);
            let found: Vec<_> = tx.all(select, |row| Ok((group(row)?, row.get::<i64>("number")?))).await?;
            for (group, number) in found {
                *self.differences.entry(group).or_default() += sign * number;
            }
        }
        Ok(())
    }
}

/// As one JSON text; none of a kind is written as an id or a word that nothing has.
fn written(numbers: &Numbers) -> Json {
    let yes = |yes| if yes { "yes" } else { "no" };
    let rows = numbers.iter().map(|(group, number)| {
        json!([
            group.platform,
            group.source,
            yes(group.deleted),
            yes(group.supervised),
            hex(group.desired_profile.map_or(Uuid::nil(), |profile| profile.0)),
            group.profile_status.as_deref().unwrap_or_default(),
            number,
        ])
    });
    rows.collect()
}

/// What is read of devices that are removed.
pub(super) const REMOVED: &str = "tenant, setting, serial_key, platform, source, deleted, COALESCE(supervised, FALSE) AS supervised, \
    desired_profile, profile_status";

/// Devices of locked settings were removed: numbers are made smaller, and none is made that a purge of the setting removed.
pub(super) async fn removed(tx: &mut Transaction, rows: &[Row]) -> Result<(), Error> {
    let mut settings: BTreeMap<SettingKey, (Numbers, Vec<String>)> = BTreeMap::new();
    for row in rows {
        let (numbers, serial_keys) = settings.entry(row.get("setting")?).or_default();
        *numbers.entry(group(row)?).or_default() -= 1;
        serial_keys.push(row.get("serial_key")?);
    }
    for (key, (numbers, serial_keys)) in settings {
        serial_blocks::forget(tx, key, &serial_keys).await?;
        let update =
            sql("UPDATE device_counts SET number = number + CAST(value ->> 6 AS BIGINT) FROM json_each($3) \
            WHERE tenant = $1 AND setting = $2 AND platform = value ->> 0 AND source = value ->> 1 \
            AND deleted = ((value ->> 2) = 'yes') AND supervised = ((value ->> 3) = 'yes') \
            AND desired_profile = unhex(value ->> 4) AND profile_status = value ->> 5");
        tx.execute_any(update.bind((key, written(&numbers)))).await?;
        forget_empty(tx, key).await?;
    }
    Ok(())
}

/// Groups without devices have no row.
async fn forget_empty(tx: &mut Transaction, key: SettingKey) -> Result<(), Error> {
    let none = sql("DELETE FROM device_counts WHERE tenant = $1 AND setting = $2 AND number = 0");
    tx.execute_any(none.bind(key)).await
}

/// Counts the devices of a locked setting one by one where their numbers are not right: where something else than Adept wrote
/// to the database.
pub(super) async fn make_right(tx: &mut Transaction, key: SettingKey, listed: i64) -> Result<(), Error> {
    let total = sql("SELECT CAST(COALESCE(SUM(number), 0) AS BIGINT) AS total FROM device_counts \
        WHERE tenant = $1 AND setting = $2 AND deleted = FALSE");
    if tx.count(total.bind(key)).await? == listed {
        return Ok(());
    }
    tx.execute_any(sql("DELETE FROM device_counts WHERE tenant = $1 AND setting = $2").bind(key)).await?;
    let insert = sql(
        "INSERT INTO device_counts (tenant, setting, platform, source, deleted, supervised, desired_profile, \
        profile_status, number) SELECT tenant, setting, platform, source, deleted, COALESCE(supervised, FALSE), \
        COALESCE(desired_profile, unhex('00000000000000000000000000000000')), COALESCE(profile_status, ''), COUNT(*) \
        FROM devices WHERE tenant = $1 AND setting = $2 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8",
    );
    tx.execute_any(insert.bind(key)).await
}

/// Whether devices are counted by all that an expression reads.
pub(super) fn answers(filter: &Expr<DeviceField>) -> bool {
    let mut answers = true;
    filter.clone().visit_mut(&mut |expr| {
        answers &= match expr {
            Expr::Field(field) | Expr::Cast(_, field) | Expr::Count(field) => is_counted(*field),
            Expr::IsOf(_) | Expr::Any(..) | Expr::All(..) => false,
            _ => true,
        };
    });
    answers
}

/// Whether devices are counted by a field.
fn is_counted(field: DeviceField) -> bool {
    match field {
        DeviceField::Platform
        | DeviceField::DiscoverySource
        | DeviceField::IsDeleted
        | DeviceField::IsSupervised
        | DeviceField::RequestedProfile
        | DeviceField::LastContacted
        | DeviceField::EnrollmentState => true,
        DeviceField::Id
        | DeviceField::SerialNumber
        | DeviceField::Description
        | DeviceField::Created
        | DeviceField::RequestedProfileAt => false,
    }
}
