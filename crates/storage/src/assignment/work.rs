//! The devices that differ from the plan, found by asking the state, a thousand at a time.
//!
//! Two ways lead to them: those that something happened to have an `assign_due_at`, by whose index they are found; and
//! when profiles or defaults changed, or a fetch brought new devices, all are looked at in the order of their keys.

use jiff::Timestamp;

use crate::{
    Assignments, Error,
    db::{Row, Statement, Value, sql, sql_of_parts},
    setting_state::change,
};
use adept_domain::{Fence, Lease, MOST_DEVICES, Reason, SettingKey, SettingState, Target, serial_key};

/// Where a walk over devices stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanPosition {
    /// In the order in which devices are due: behind this time and key.
    Due(i64, String),
    /// In the order of keys: behind this one.
    All(String),
}

impl ScanPosition {
    /// The beginning of a walk over all devices, or over those that are due.
    pub fn start(all: bool) -> Self {
        if all { Self::All(String::new()) } else { Self::Due(i64::MIN, String::new()) }
    }
}

/// A device that is to be given a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkDevice {
    /// As Apple spells it.
    pub serial: String,
    /// Assignments that failed in a row.
    pub attempts: i64,
    /// Where it stands in the walk.
    due: Option<i64>,
}

impl WorkDevice {
    fn of(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            serial: row.get("serial")?,
            attempts: row.get::<Option<_>>("assign_attempts")?.unwrap_or(0),
            due: row.get("assign_due_at")?,
        })
    }

    /// The place behind the device.
    fn place(&self, place: &ScanPosition) -> ScanPosition {
        let key = serial_key(&self.serial);
        match place {
            ScanPosition::Due(..) => ScanPosition::Due(self.due.unwrap_or(i64::MIN), key),
            ScanPosition::All(_) => ScanPosition::All(key),
        }
    }
}

/// Apple has another profile than `$4`, or none; the device is Apple's to assign and waits for nothing after `$5`.
const DIFFERS: &str = "deleted = FALSE AND source = 'deviceEnrollmentProgram' AND release_requested_at IS NULL \
    AND (assign_due_at IS NULL OR assign_due_at <= $5) \
    AND (profile_uuid IS NULL OR profile_uuid <> $4 OR profile_status IN ('empty', 'removed'))";

/// `$3` is the wanted profile.
const WANTED: &str = "desired_profile = $3";

/// `$3` is the platform. Another product's profile is left alone: `$6` is the tenant once more, since a profile may
/// have been defined for a setting that is deleted by now.
const DEFAULT: &str = "desired_profile IS NULL AND platform = $3 AND (profile_uuid IS NULL \
    OR profile_status IN ('empty', 'removed') OR profile_uuid IN \
    (SELECT apple_uuid FROM apple_profiles WHERE apple_profiles.tenant = $6))";

/// The statement that finds devices of `target`; `{1}` and `{2}` in `rest` are the next two placeholders.
fn find(
    key: SettingKey,
    target: &Target,
    apple_uuid: Option<&str>,
    now: Timestamp,
    rest: &'static str,
) -> Statement {
    let (whose, value, next) = match target.reason {
        Reason::Wanted => (WANTED, Value::from(target.profile), ["$6", "$7"]),
        Reason::Default(platform) => (DEFAULT, platform.into(), ["$7", "$8"]),
    };
    let rest = rest.replace("{1}", next[0]).replace("{2}", next[1]);
    let text = format!(
        "SELECT serial, assign_attempts, assign_due_at FROM devices WHERE devices.tenant = $1 \
         AND devices.setting = $2 AND {whose} AND {DIFFERS} AND {rest}"
    );
    let statement = sql_of_parts(text).bind((key, value, apple_uuid.unwrap_or_default(), now));
    match target.reason {
        Reason::Wanted => statement,
        Reason::Default(_) => statement.bind(key.tenant),
    }
}

/// The statement that finds the next devices of `target` behind `place`.
fn find_behind(
    key: SettingKey,
    target: &Target,
    apple_uuid: Option<&str>,
    place: &ScanPosition,
    now: Timestamp,
) -> Statement {
    let of = |rest| find(key, target, apple_uuid, now, rest);
    match place {
        ScanPosition::Due(due, key) => {
            of("assign_due_at <= $5 AND (assign_due_at, serial_key) > ({1}, {2}) \
                                        ORDER BY assign_due_at, serial_key LIMIT 1000")
            .bind((*due, key.as_str()))
        }
        ScanPosition::All(key) => of("serial_key > {1} ORDER BY serial_key LIMIT 1000").bind(key.as_str()),
    }
}

impl Assignments {
    /// The next devices behind `place` that are to have the profile of `target`, which Apple knows by `apple_uuid` if
    /// at all; a thousand at most. Answers the place behind them, or none when the walk is at its end.
    pub async fn devices_to_assign(
        &self,
        key: SettingKey,
        target: &Target,
        apple_uuid: Option<&str>,
        place: &ScanPosition,
        now: Timestamp,
    ) -> Result<(Vec<WorkDevice>, Option<ScanPosition>), Error> {
        let statement = find_behind(key, target, apple_uuid, place, now);
        let mut tx = self.db.read_bulk().await?;
        let devices: Vec<_> = tx.all(statement, WorkDevice::of).await?;
        let full = devices.len() == MOST_DEVICES;
        let next = devices.last().filter(|_| full).map(|last| last.place(place));
        Ok((devices, next))
    }

    /// Those of `devices` that are still to have the profile of `target`.
    pub async fn still_to_assign(
        &self,
        key: SettingKey,
        target: &Target,
        apple_uuid: &str,
        devices: &[WorkDevice],
        now: Timestamp,
    ) -> Result<Vec<WorkDevice>, Error> {
        if devices.is_empty() {
            return Ok(Vec::new());
        }
        let statement =
            find(key, target, Some(apple_uuid), now, "serial_key IN ({listed}) ORDER BY serial_key");
        let keys: Vec<_> = devices.iter().map(|device| serial_key(&device.serial)).collect();
        let mut tx = self.db.read_bulk().await?;
        tx.all(statement.listing(&keys), WorkDevice::of).await
    }

    /// Lets devices rest that were due before `before` and need nothing; none, if desired state changed meanwhile. Answers
    /// when the next device is due.
    pub async fn rest_devices(
        &self,
        lease: &Lease,
        seen_desired_generation: i64,
        before: Timestamp,
        blocked: bool,
    ) -> Result<Option<Timestamp>, Error> {
        let mut tx = self.db.begin_bulk().await?;
        let generation =
            super::under_lease(&mut tx, lease).await?.map(|state| state.assignment.desired_generation);
        if generation != Some(seen_desired_generation) {
            return Ok(Some(before));
        }
        if !blocked {
            let update = sql("UPDATE devices SET assign_due_at = NULL, assign_attempts = 0, \
                assign_failure = NULL WHERE tenant = $1 AND setting = $2 AND assign_due_at <= $3")
            .bind((lease.key, before));
            tx.execute_any(update).await?;
        }
        let select = sql("SELECT MIN(assign_due_at) AS due FROM devices WHERE tenant = $1 \
            AND setting = $2 AND assign_due_at > $3")
        .bind((lease.key, before));
        let next = tx.first(select, |row| row.get("due")).await?;
        tx.commit().await?;
        Ok(next.flatten())
    }

    /// Counts the devices that carry another product's profile, and keeps the number with the setting.
    pub async fn count_foreign_devices(&self, lease: &Lease) -> Result<i64, Error> {
        let select = sql("SELECT COUNT(*) AS total FROM devices WHERE tenant = $1 AND setting = $2 \
            AND deleted = FALSE AND profile_uuid IS NOT NULL \
            AND profile_status NOT IN ('empty', 'removed') AND profile_uuid NOT IN (SELECT apple_uuid \
            FROM apple_profiles WHERE apple_profiles.tenant = $3)")
        .bind((lease.key, lease.key.tenant));
        let total = self.db.count(select).await?;
        let count = |state: &mut SettingState| state.assignment.foreign_devices = Some(total);
        change(&self.db, lease.key, &Fence::Lease(*lease), count).await?;
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::db::{Db, Ground, Transaction};
    use adept_domain::{DevicePlatform, ProfileId, SettingId, TenantId};

    /// A tenant's setting without a token.
    const KEY: SettingKey = SettingKey::new(TenantId(Uuid::from_u128(1)), SettingId(Uuid::from_u128(1)));

    /// Every third device has what it is to have; some are wanted explicitly, few are due.
    const DEVICES: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) \
        INSERT INTO devices (tenant, setting, serial_key, serial, id, platform, created_at, record, digest, \
        profile_uuid, profile_status, desired_profile, assign_due_at) \
        SELECT $1, $2, 'c' || CAST(i AS TEXT), 'C' || CAST(i AS TEXT), unhex(substr('00000000000000000000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1)), \
        CASE WHEN i % 2 = 0 THEN 'ios' ELSE 'macOS' END, 0, '{}', '0', CASE WHEN i % 3 = 0 THEN 'U' END, \
        CASE WHEN i % 3 = 0 THEN 'assigned' ELSE 'empty' END, CASE WHEN i % 5 = 0 THEN $3 END, \
        CASE WHEN i % 500 = 0 THEN 5 END FROM n";

    fn wanted() -> Target {
        Target { profile: ProfileId(Uuid::from_u128(3)), revision: 1, reason: Reason::Wanted }
    }

    async fn filled(ground: &Ground) {
        let db = &ground.db;
        crate::schema::apply(db).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        crate::tenants::create(&mut tx, KEY.tenant, "t", Timestamp::UNIX_EPOCH).await.unwrap();
        let devices = sql(DEVICES).bind((KEY, wanted().profile));
        tx.execute(devices).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn plan(tx: &mut Transaction, statement: Statement) -> String {
        let (word, column) = match tx {
            Transaction::Sqlite(_) => ("EXPLAIN QUERY PLAN", "detail"),
            Transaction::Postgres(_) => ("EXPLAIN", "QUERY PLAN"),
        };
        let rows = tx.rows(statement.behind(word)).await.unwrap();
        rows.iter().map(|row| row.get::<String>(column).unwrap()).collect::<Vec<_>>().join("\n")
    }

    /// The next thousand are found by an index in its order: nothing is sorted, and what stands before is not read.
    async fn are_found_by_an_index(db: &Db, primary_key: &str) {
        let now = Timestamp::from_microsecond(10).unwrap();
        let default = Target { reason: Reason::Default(DevicePlatform::Ios), ..wanted() };
        for (target, place, index) in [
            (wanted(), ScanPosition::start(false), "devices_due"),
            (default.clone(), ScanPosition::Due(5, "c15000".to_owned()), "devices_due"),
            (wanted(), ScanPosition::All("c15000".to_owned()), "devices_desired"),
            (default, ScanPosition::All("c15000".to_owned()), primary_key),
        ] {
            let mut tx = db.read_bulk().await.unwrap();
            let plan = plan(&mut tx, find_behind(KEY, &target, Some("U"), &place, now)).await;
            assert!(plan.contains(index), "{target:?} {place:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{target:?} {place:?}: {plan}");
        }
    }

    #[tokio::test]
    async fn sqlite_finds_devices_to_assign_by_an_index() {
        let ground = Ground::sqlite("work_plan").await;
        filled(&ground).await;
        are_found_by_an_index(&ground.db, "sqlite_autoindex_devices_1").await;
        ground.end().await;
    }

    #[tokio::test]
    async fn postgres_finds_devices_to_assign_by_an_index_before_and_after_it_looked_at_the_table() {
        let ground = Ground::postgres("work_plan").await;
        filled(&ground).await;
        are_found_by_an_index(&ground.db, "devices_pkey").await;
        ground.db.settle("devices").await.unwrap();
        are_found_by_an_index(&ground.db, "devices_pkey").await;
        ground.end().await;
    }
}
