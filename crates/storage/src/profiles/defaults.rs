//! Default profiles: at most one for each platform of a setting.

use super::{COLUMNS, profile, take};
use crate::{
    Error, Profiles,
    assignment::bump_desired_generation,
    audit,
    db::{sql, sql_of_parts},
};
use adept_domain::{AuditEvent, DevicePlatform, Profile, SettingKey};

impl Profiles {
    /// The default profile of a platform.
    pub async fn default_of(
        &self,
        key: SettingKey,
        platform: DevicePlatform,
    ) -> Result<Option<Profile>, Error> {
        let select = sql_of_parts(format!(
            "SELECT {COLUMNS} FROM enrollment_profiles WHERE tenant = $1 AND setting = $2 AND id = \
             (SELECT profile FROM default_profiles WHERE tenant = $1 AND setting = $2 AND platform = $3)"
        ))
        .bind((key, platform.as_str()));
        self.db.first(select, profile).await
    }

    /// Makes a profile the default of a platform, in place of the one that was; false when it is gone.
    pub async fn set_default(
        &self,
        profile: &Profile,
        platform: DevicePlatform,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        if !bump_desired_generation(&mut tx, profile.key(), event.at, true).await?
            || !take(&mut tx, profile).await?
        {
            return Ok(false);
        }
        let insert = sql("INSERT INTO default_profiles (tenant, setting, platform, profile, set_at) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, setting, platform) DO UPDATE \
            SET profile = excluded.profile, set_at = excluded.set_at")
        .bind((profile.key(), platform.as_str(), profile.id, event.at));
        tx.execute_one("setting a default profile", insert).await?;
        audit::commit(tx, profile.tenant, event).await?;
        Ok(true)
    }

    /// Leaves a platform without a default; false when it has none.
    pub async fn clear_default(
        &self,
        key: SettingKey,
        platform: DevicePlatform,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        if !bump_desired_generation(&mut tx, key, event.at, false).await? {
            return Ok(false);
        }
        let delete = sql("DELETE FROM default_profiles WHERE tenant = $1 AND setting = $2 \
            AND platform = $3")
        .bind((key, platform.as_str()));
        let touched = tx.execute(delete).await?;
        if touched == 1 {
            audit::commit(tx, key.tenant, event).await?;
        }
        Ok(touched == 1)
    }
}
