//! The plan of a setting: which profiles its devices are to have, and what is known of them at Apple.

use std::collections::HashMap;

use crate::{
    Assignments, Error,
    db::{Row, sql, sql_of_parts},
    profiles,
};
use adept_domain::{DefinitionTries, Profile, ProfileId, Reason, SettingKey, Target};

/// A profile that devices may be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedProfile {
    /// The profile as it is now.
    pub profile: Profile,
    /// Whether a device wants it explicitly.
    pub is_desired: bool,
    /// Apple's id of this revision.
    pub apple_uuid: Option<String>,
    /// How defining this revision went so far.
    pub tries: Option<DefinitionTries>,
}

/// What a setting's devices are to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(pub Vec<PlannedProfile>);

impl Plan {
    /// Every reason for which devices are to have a profile.
    pub fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        for planned in &self.0 {
            let profile = &planned.profile;
            let default = profile.is_default.then(|| profile.kind.platform()).flatten().map(Reason::Default);
            let wanted = planned.is_desired.then_some(Reason::Wanted);
            let reasons = wanted.into_iter().chain(default);
            targets.extend(reasons.map(|reason| Target {
                profile: profile.id,
                revision: profile.revision,
                reason,
            }));
        }
        targets
    }

    /// The profile of that id.
    pub fn profile(&self, id: ProfileId) -> Option<&PlannedProfile> {
        self.0.iter().find(|planned| planned.profile.id == id)
    }
}

impl Assignments {
    /// Reads the plan of a setting: the profiles that are wanted by a device or are a default. What Apple was told with
    /// another `common` digest than this one counts as not defined.
    pub async fn plan(&self, key: SettingKey, common: Option<&str>) -> Result<Plan, Error> {
        let select = sql_of_parts(format!(
            "SELECT {}, (EXISTS (SELECT 1 FROM devices WHERE devices.tenant = $1 AND devices.setting = $2 \
             AND devices.desired_profile = enrollment_profiles.id)) AS is_desired \
             FROM enrollment_profiles WHERE tenant = $1 AND setting = $2 ORDER BY id",
            profiles::COLUMNS
        ))
        .bind(key);
        let planned = |row: &Row| {
            let (profile, is_desired) = (profiles::profile(row)?, row.get("is_desired")?);
            Ok(PlannedProfile { profile, is_desired, apple_uuid: None, tries: None })
        };
        let mut plan = Plan(self.db.all(select, planned).await?);
        plan.0.retain(|planned| planned.is_desired || planned.profile.is_default);
        if plan.0.is_empty() {
            return Ok(plan);
        }
        let mut uuids = self.apple_uuids(key, common).await?;
        let mut tries = self.definition_tries(key).await?;
        for planned in &mut plan.0 {
            let key = (planned.profile.id, planned.profile.revision);
            planned.apple_uuid = uuids.remove(&key);
            planned.tries = tries.remove(&key);
        }
        Ok(plan)
    }

    /// The ids that Apple gave and still knows, the latest of each revision.
    async fn apple_uuids(
        &self,
        key: SettingKey,
        common: Option<&str>,
    ) -> Result<HashMap<(ProfileId, i64), String>, Error> {
        let select = sql("SELECT profile, revision, apple_uuid FROM apple_profiles WHERE tenant = $1 \
            AND setting = $2 AND unknown_at IS NULL AND ($3 IS NULL \
            OR COALESCE(shared_options_digest, $3) = $3) ORDER BY received_at, apple_uuid")
        .bind((key, common));
        self.db
            .all(select, |row| Ok(((row.get("profile")?, row.get("revision")?), row.get("apple_uuid")?)))
            .await
    }

    async fn definition_tries(
        &self,
        key: SettingKey,
    ) -> Result<HashMap<(ProfileId, i64), DefinitionTries>, Error> {
        let select = sql("SELECT profile, revision, attempts, attempted_at, failure, again_at \
            FROM profile_definitions WHERE tenant = $1 AND setting = $2")
        .bind(key);
        self.db
            .all(select, |row| {
                let tries = DefinitionTries {
                    attempts: row.get("attempts")?,
                    attempted_at: row.get("attempted_at")?,
                    failure: row.get("failure")?,
                    again_at: row.get("again_at")?,
                };
                Ok(((row.get("profile")?, row.get("revision")?), tries))
            })
            .await
    }
}
