//! Profiles that devices carry at Apple and that no row of ours names: found, and what Apple said of them remembered.

use jiff::Timestamp;

use crate::{
    Assignments, Error,
    db::{sql, sql_of_parts},
};
use adept_domain::{Lease, Ownership, ProfileId, RecognizedProfile};

/// The revision of a profile of ours that is not known any more: no row of ours has it, so that it is never taken for the
/// present one.
const UNKNOWN_REVISION: i64 = 0;

impl Assignments {
    /// Apple's ids of profiles that devices carry and that nothing is known of, at most `limit`; of all devices, or of
    /// those that are due at `now`.
    pub async fn unknown_apple_profiles(
        &self,
        lease: &Lease,
        all: bool,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<String>, Error> {
        let statement = sql_of_parts(format!(
            "SELECT DISTINCT profile_uuid FROM devices WHERE tenant = $1 AND setting = $2 \
             AND deleted = FALSE AND profile_uuid IS NOT NULL \
             AND profile_status NOT IN ('empty', 'removed') AND profile_uuid NOT IN (SELECT apple_uuid \
             FROM apple_profiles WHERE apple_profiles.tenant = $1) AND profile_uuid NOT IN \
             (SELECT apple_uuid FROM foreign_profiles WHERE foreign_profiles.tenant = $1 \
             AND foreign_profiles.setting = $2){} LIMIT $3",
            if all { "" } else { " AND assign_due_at <= $4" }
        ));
        let statement = statement.bind((lease.key, limit));
        let statement = if all { statement } else { statement.bind(now) };
        let mut tx = self.db.read_bulk().await?;
        tx.all(statement, |row| row.get("profile_uuid")).await
    }

    /// The names of the setting's profiles.
    pub async fn profile_names(&self, lease: &Lease) -> Result<Vec<String>, Error> {
        let select = sql("SELECT display_name FROM enrollment_profiles WHERE tenant = $1 AND setting = $2 \
            AND display_name IS NOT NULL ORDER BY display_name")
        .bind(lease.key);
        self.db.all(select, |row| row.get("display_name")).await
    }

    /// Remembers what Apple said of a profile; false, and nothing stored, when lease or token are not those any more.
    pub async fn keep_recognized_profile(
        &self,
        lease: &Lease,
        recognized: &RecognizedProfile,
    ) -> Result<bool, Error> {
        let (uuid, at) = (recognized.apple_uuid.as_str(), recognized.at);
        let statement = match recognized.ownership {
            Ownership::Own => sql(
                "INSERT INTO apple_profiles (tenant, setting, apple_uuid, received_at, profile, revision) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, setting, apple_uuid) DO NOTHING",
            )
            .bind((lease.key, uuid, at, ProfileId(uuid::Uuid::nil()), UNKNOWN_REVISION)),
            Ownership::Foreign => {
                sql("INSERT INTO foreign_profiles (tenant, setting, apple_uuid, checked_at) \
                    VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, setting, apple_uuid) DO NOTHING")
                .bind((lease.key, uuid, at))
            }
        };
        self.write_under_lease(lease, [statement]).await
    }
}
