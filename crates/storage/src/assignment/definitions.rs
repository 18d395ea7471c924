//! Defining profiles at Apple: the attempt is stored before the call, every id that Apple gives is remembered.

use jiff::Timestamp;

use super::renew_for_call;
use crate::{
    Assignments, Error, audit,
    db::{Transaction, sql},
};
use adept_domain::{AuditEvent, Lease, Profile, ProfileId, SettingKey, deadline::Lengths};

impl Assignments {
    /// Stores that a revision is about to be sent to Apple, and renews the lease. False, and nothing
    /// stored, when lease, token or desired state are not those that were seen.
    pub async fn begin_definition(
        &self,
        lease: &Lease,
        seen_desired_generation: i64,
        profile: &Profile,
        now: Timestamp,
        lengths: &Lengths,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        if renew_for_call(&mut tx, lease, now, lengths)
            .await?
            .is_none_or(|held| held.desired_generation != seen_desired_generation)
        {
            return Ok(false);
        }
        let insert = sql("INSERT INTO profile_definitions (tenant, setting, profile, revision, attempts, \
            attempted_at, failure) VALUES ($1, $2, $3, $4, 1, $5, NULL) \
            ON CONFLICT (tenant, setting, profile, revision) DO UPDATE \
            SET attempts = profile_definitions.attempts + 1, attempted_at = excluded.attempted_at, \
            failure = NULL, again_at = NULL")
        .bind((lease.key, profile.id, profile.revision, now));
        tx.execute_one("beginning a definition", insert).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Remembers an id that Apple gave, and the digest of what it was told of every profile alike; no answer is lost by
    /// then. Anyone who holds the lease by now: the profile is at Apple.
    pub async fn keep_definition(
        &self,
        profile: &Profile,
        apple_uuid: &str,
        common: &str,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let insert = sql("INSERT INTO apple_profiles (tenant, setting, apple_uuid, profile, revision, \
            received_at, shared_options_digest) VALUES ($1, $2, $3, $4, $5, $6, $7) \
            ON CONFLICT (tenant, setting, apple_uuid) DO NOTHING")
        .bind((profile.key(), apple_uuid, profile.id, profile.revision, now, common));
        tx.execute_any(insert).await?;
        let update = sql("UPDATE profile_definitions SET attempts = 0 WHERE tenant = $1 AND setting = $2 \
            AND profile = $3 AND revision = $4")
        .bind((profile.key(), profile.id, profile.revision));
        tx.execute_any(update).await?;
        audit::commit(tx, profile.tenant, event).await
    }

    /// Takes back an attempt that Apple surely did not act on.
    pub async fn take_back_definition(&self, lease: &Lease, profile: &Profile) -> Result<(), Error> {
        let update = sql("UPDATE profile_definitions SET attempts = attempts - 1, attempted_at = CASE \
            WHEN attempts = 1 THEN 0 ELSE attempted_at END WHERE tenant = $1 AND setting = $2 \
            AND profile = $3 AND revision = $4 AND attempts > 0")
        .bind((lease.key, profile.id, profile.revision));
        self.write_under_lease(lease, [update]).await.map(drop)
    }

    /// Gives a revision up, or until `again_at`, for a reason that [`adept_domain::about_definition`] explains.
    pub async fn give_up_definition(
        &self,
        lease: &Lease,
        profile: &Profile,
        failure: &str,
        again_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let insert = sql("INSERT INTO profile_definitions (tenant, setting, profile, revision, attempts, \
            attempted_at, failure, again_at) VALUES ($1, $2, $3, $4, 0, 0, $5, $6) \
            ON CONFLICT (tenant, setting, profile, revision) DO UPDATE \
            SET failure = excluded.failure, again_at = excluded.again_at")
        .bind((lease.key, profile.id, profile.revision, failure, again_at));
        self.write_under_lease(lease, [insert]).await.map(drop)
    }

    /// Notes that Apple does not know a profile any more, so that it is defined again.
    pub async fn forget_apple_profile(
        &self,
        lease: &Lease,
        apple_uuid: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let update = sql("UPDATE apple_profiles SET unknown_at = $4 WHERE tenant = $1 AND setting = $2 \
            AND apple_uuid = $3")
        .bind((lease.key, apple_uuid, now));
        let delete =
            sql("DELETE FROM in_flight_calls WHERE tenant = $1 AND setting = $2 AND apple_uuid = $3")
                .bind((lease.key, apple_uuid));
        self.write_under_lease(lease, [update, delete]).await.map(drop)
    }

    /// The profile and revision that Apple knows by an id; none when it is not ours. It may be of a setting that is deleted
    /// by now.
    pub async fn profile_of_uuid(
        &self,
        key: SettingKey,
        apple_uuid: &str,
    ) -> Result<Option<(ProfileId, i64)>, Error> {
        let select = sql("SELECT profile, revision FROM apple_profiles WHERE tenant = $1 \
            AND apple_uuid = $3 ORDER BY (setting = $2) DESC, setting LIMIT 1")
        .bind((key, apple_uuid));
        self.db.first(select, |row| Ok((row.get("profile")?, row.get("revision")?))).await
    }
}

/// Has definitions sent at once that Apple refused for a reason that is not the profile's: another token may be allowed
/// more. Answers whether there are any.
pub(crate) async fn forget_refusals(tx: &mut Transaction, key: SettingKey) -> Result<bool, Error> {
    let update = sql("UPDATE profile_definitions SET failure = NULL, again_at = NULL WHERE tenant = $1 \
        AND setting = $2 AND again_at IS NOT NULL")
    .bind(key);
    let forgotten = tx.execute(update).await?;
    Ok(forgotten > 0)
}
