//! Purges of soft-deleted settings, in short transactions. When a purge may begin is decided by `domain`.

mod by_age;

use jiff::Timestamp;

pub(super) use by_age::AgedRows;

use super::{
    Error, Settings,
    db::{sql, sql_of_parts},
    deployment::{keep_value, value_of},
    erasures, setting_state,
};
use adept_domain::SettingKey;

impl Settings {
    /// Removes for good what was deleted long enough ago; audit entries stay, and the ids that Apple gave to profiles, by
    /// which a setting that is made again for the server knows what is ours. A setting cannot be restored from the moment
    /// at which its purge begins. Each transaction is short, however many devices there are. Answers how many went.
    pub async fn purge(&self, now: Timestamp) -> Result<u64, Error> {
        let mut purged = 0;
        for key in self.deleted().await? {
            if self.begin_purge(key, now).await? && self.purge_children(key).await? {
                let setting = format!("DELETE FROM settings WHERE tenant = $1 AND id = $2 AND {IS_PURGED}");
                purged += self.db.write(sql_of_parts(setting).bind(key)).await?;
            }
        }
        Ok(purged)
    }

    /// When the last purge was; none before the first one.
    pub async fn purged_at(&self) -> Result<Option<Timestamp>, Error> {
        let noted: Option<String> = self.db.first(value_of(PURGED_AT), |row| row.get("value")).await?;
        Ok(noted.and_then(|noted| noted.parse().ok()))
    }

    /// Notes that everything was purged that was old enough at `now`.
    pub async fn note_purged(&self, now: Timestamp) -> Result<(), Error> {
        self.db.write(keep_value(PURGED_AT, &now.to_string())).await.map(drop)
    }

    /// Dates deletions to `now` that the last purge, at `last`, did not find although they say that it would have. Answers
    /// how many.
    pub async fn date_deletions_forward(&self, last: Timestamp, now: Timestamp) -> Result<u64, Error> {
        let mut dated = 0;
        for key in self.deleted().await? {
            let mut tx = self.db.begin().await?;
            let Some(mut state) = setting_state::load(&mut tx, key).await? else { continue };
            if state.date_deletion_forward(last, now) {
                setting_state::save(&mut tx, &state).await?;
                dated += 1;
            }
            tx.commit().await?;
        }
        Ok(dated)
    }

    async fn deleted(&self) -> Result<Vec<SettingKey>, Error> {
        let select = sql("SELECT tenant, id FROM setting_overview WHERE deleted_at IS NOT NULL \
            ORDER BY tenant, id");
        self.db.all(select, |row| row.get("id")).await
    }

    async fn begin_purge(&self, key: SettingKey, now: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = setting_state::load(&mut tx, key).await? else { return Ok(false) };
        let before = state.clone();
        let begins = state.begin_purge(now);
        if state != before {
            setting_state::save(&mut tx, &state).await?;
        }
        tx.commit().await?;
        Ok(begins)
    }

    /// Removes what belongs to a setting; false while another process does so too, which goes on then.
    async fn purge_children(&self, key: SettingKey) -> Result<bool, Error> {
        for (table, columns) in CHILDREN {
            loop {
                match self.purge_some(key, table, columns).await? {
                    (_, false) => break,
                    (0, true) => return Ok(false),
                    (_, true) => {}
                }
            }
        }
        Ok(true)
    }

    /// Removes the first rows of a table in the order of their keys, so many at once at most; answers how many went and
    /// whether any are left. A range of keys is found by the index whatever PostgreSQL knows of the table; a list of them
    /// would be joined, row by row while the table was never analyzed.
    async fn purge_some(&self, key: SettingKey, table: &str, columns: &str) -> Result<(u64, bool), Error> {
        let last = PURGED_AT_ONCE - 1;
        let rows = format!("FROM {table} WHERE tenant = $1 AND setting = $2");
        let end = format!("SELECT {columns} {rows} ORDER BY {columns} LIMIT 1 OFFSET {last}");
        let mut tx = self.db.begin().await?;
        let mut removed = 0;
        // Up to the last row of so many; or all, where there are fewer.
        for bound in [format!("({columns}) <= ({end})"), format!("NOT EXISTS ({end})")] {
            if removed == 0 {
                let delete = format!("DELETE {rows} AND {IS_PURGED} AND {bound}");
                removed = tx.execute(sql_of_parts(delete).bind(key)).await?;
            }
        }
        if removed > 0 && SEALED.contains(&table) {
            erasures::note(&mut tx, "settings WHERE tenant = $1 AND id = $2", key).await?;
        }
        let left = tx.row(sql_of_parts(format!("SELECT 1 AS one {rows} LIMIT 1")).bind(key)).await?.is_some();
        tx.commit().await?;
        Ok((removed, left))
    }
}

/// The deployment's row for the time of the last purge.
const PURGED_AT: &str = "purged-at";

/// Rows that one transaction of a purge removes at most, so that no other write waits long.
pub(super) const PURGED_AT_ONCE: u64 = 5000;

/// What must still hold of a setting in every transaction of its purge.
const IS_PURGED: &str = "EXISTS (SELECT 1 FROM setting_overview AS purged WHERE purged.tenant = $1 AND purged.id = $2 \
    AND purged.deleted_at IS NOT NULL AND purged.purging)";

/// Tables with sealed values.
const SEALED: [&str; 3] = ["enrollment_profiles", "server_tokens", "key_pairs"];

/// Everything that belongs to a setting, and what tells its rows apart; the largest tables first. Cascades would remove
/// it all at once.
const CHILDREN: [(&str, &str); 14] = [
    ("device_events", "serial_key, at, event"),
    ("devices", "serial_key"),
    ("serial_blocks", "description, block"),
    ("device_counts", "platform, source, deleted, supervised, desired_profile, profile_status"),
    ("sync_runs", "run"),
    ("in_flight_calls", "id"),
    ("profile_definitions", "profile, revision"),
    ("default_profiles", "platform"),
    ("enrollment_profiles", "id"),
    ("foreign_profiles", "apple_uuid"),
    ("apple_waits", "consumer"),
    ("open_failures", "key_pair, caller"),
    ("server_tokens", "id"),
    ("key_pairs", "id"),
];
