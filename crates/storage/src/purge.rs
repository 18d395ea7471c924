//! Purges of soft-deleted settings, in short transactions. When a purge may begin is decided by `domain`.

use jiff::Timestamp;

use super::{
    Error, Storage,
    db::{sql, sql_of_parts},
    setting_state,
};
use adept_domain::SettingKey;

impl Storage {
    /// Removes for good what was deleted long enough ago; audit entries stay, and the ids that Apple gave to profiles, by
    /// which a setting that is made again for the server knows what is ours. A setting cannot be restored from the moment
    /// at which its purge begins. Each transaction is short, however many devices there are. Answers how many went.
    pub async fn purge_settings(&self, now: Timestamp) -> Result<u64, Error> {
        let deleted = self
            .db
            .rows(sql(
                "SELECT tenant, id FROM setting_overview WHERE deleted_at IS NOT NULL ORDER BY tenant, id",
            ))
            .await?;
        let mut purged = 0;
        for row in &deleted {
            let key = row.key("id")?;
            if self.begin_purge(key, now).await? {
                for (table, columns) in CHILDREN {
                    while self.purge_some(key, table, columns).await? == PURGED_AT_ONCE {}
                }
                let mut tx = self.db.begin().await?;
                let setting = format!("DELETE FROM settings WHERE tenant = $1 AND id = $2 AND {IS_PURGED}");
                purged += tx.execute(sql_of_parts(setting).key(key)).await?;
                tx.commit().await?;
            }
        }
        Ok(purged)
    }

    async fn begin_purge(&self, key: SettingKey, now: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = setting_state::try_lock(&mut tx, key).await? else { return Ok(false) };
        let before = state.clone();
        let begins = state.begin_purge(now);
        if state != before {
            setting_state::save(&mut tx, &state).await?;
        }
        tx.commit().await?;
        Ok(begins)
    }

    /// Removes rows of a table, so many at once at most; answers how many went.
    async fn purge_some(&self, key: SettingKey, table: &str, columns: &str) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let text = format!(
            "DELETE FROM {table} WHERE tenant = $1 AND setting = $2 AND ({columns}) IN \
             (SELECT {columns} FROM {table} WHERE tenant = $1 AND setting = $2 LIMIT {PURGED_AT_ONCE}) AND {IS_PURGED}"
        );
        let removed = tx.execute(sql_of_parts(text).key(key)).await?;
        tx.commit().await?;
        Ok(removed)
    }
}

/// Rows that one transaction of a purge removes at most, so that no other write waits long.
const PURGED_AT_ONCE: u64 = 5000;

/// What must still hold of a setting in every transaction of its purge.
const IS_PURGED: &str = "EXISTS (SELECT 1 FROM setting_overview AS purged WHERE purged.tenant = $1 AND purged.id = $2 \
    AND purged.deleted_at IS NOT NULL AND purged.purging)";

/// Everything that belongs to a setting, and what tells its rows apart; the largest tables first. Cascades would remove
/// it all at once.
const CHILDREN: [(&str, &str); 10] = [
    ("device_events", "serial_key, at, event"),
    ("devices", "serial_key"),
    ("sync_runs", "run"),
    ("in_flight_calls", "id"),
    ("profile_definitions", "profile, revision"),
    ("default_profiles", "platform"),
    ("enrollment_profiles", "id"),
    ("apple_waits", "consumer"),
    ("server_tokens", "id"),
    ("key_pairs", "id"),
];
