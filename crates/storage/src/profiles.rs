//! Enrollment profiles: kept, listed, changed, deleted. Which of them are defaults is in `defaults`, which device wants
//! which in `desired state`.

mod defaults;

use adept_odata::Filter;
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::{
    Error, Storage, audit,
    db::{Row, Transaction, id_text, sql, sql_of_parts},
    filter::{Column, Holds, Sql},
    list::{ListQuery, Listed, Source},
    sealing::SealedField,
    setting_state::{lock, save},
};
use adept_domain::{
    AuditEvent, Fence, Kept, Profile, ProfileField, ProfileId, ProfileKind, ProfileValue, ProfileValues,
    SettingKey, TenantId,
};

pub(super) const COLUMNS: &str = "tenant, setting, id, kind, display_name, description, properties, revision, version, \
    created_at, modified_at, (admin_password_sealed IS NOT NULL) AS has_admin_password, \
    (EXISTS (SELECT 1 FROM default_profiles WHERE default_profiles.tenant = enrollment_profiles.tenant \
    AND default_profiles.setting = enrollment_profiles.setting \
    AND default_profiles.profile = enrollment_profiles.id)) AS is_default";

/// The same as in `COLUMNS`.
const IS_DEFAULT: &str = "(EXISTS (SELECT 1 FROM default_profiles \
    WHERE default_profiles.tenant = enrollment_profiles.tenant \
    AND default_profiles.setting = enrollment_profiles.setting \
    AND default_profiles.profile = enrollment_profiles.id))";

const SOURCE: Source<ProfileField> = Source {
    columns: COLUMNS,
    table: "enrollment_profiles",
    column,
    tie: Column::fixed("id", Holds::Id { nullable: false }),
    key: None,
};

const KINDS: &[&str] = &[
    "enrollmentProfile",
    "depEnrollmentProfile",
    "depIOSEnrollmentProfile",
    "depMacOSEnrollmentProfile",
    "depTvOSEnrollmentProfile",
    "depVisionOSEnrollmentProfile",
];

fn column(field: ProfileField) -> Column {
    let (expression, holds) = match field {
        ProfileField::Id => return id_column(),
        ProfileField::DisplayName => ("display_name", Holds::Text),
        ProfileField::Description => ("description", Holds::Text),
        ProfileField::Kind => ("kind", Holds::Member(KINDS)),
        ProfileField::IsDefault => (IS_DEFAULT, Holds::Bool),
        ProfileField::Kept(name, kept) => return kept_column(name, kept),
    };
    Column::fixed(expression, holds)
}

/// Graph's id of a profile: the setting's and its own.
fn id_column() -> Column {
    Column::made(format!("({} || '_' || {})", id_text("setting"), id_text("id")), Holds::FoldedText)
}

/// A property in the JSON object. Both databases know this function of lists, and the names are Graph's own.
fn kept_column(name: &'static str, kept: Kept) -> Column {
    let value = format!("(SELECT value ->> '{name}' FROM json_each('[' || properties || ']'))");
    let (expression, holds) = match kept {
        Kept::Text => (format!("NULLIF({value}, '')"), Holds::Text),
        // A boolean of JSON is a word in one database and a number in the other.
        Kept::Bool => (format!("(COALESCE(CAST({value} AS TEXT), '') IN ('true', '1'))"), Holds::Bool),
        Kept::Int => (format!("COALESCE(CAST({value} AS BIGINT), 0)"), Holds::Int),
        Kept::OptionalInt => (format!("CAST({value} AS BIGINT)"), Holds::Int),
        Kept::Member(members) => {
            let unset = members.first().copied().unwrap_or_default();
            (format!("COALESCE({value}, '{unset}')"), Holds::Member(members))
        }
        Kept::Texts => (value, Holds::Texts(name)),
    };
    Column::made(expression, holds)
}

/// A password to keep: a new one, or none any more.
pub type PasswordChange<'a> = Option<&'a Zeroizing<String>>;

/// What came of deleting a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileDeleted {
    /// It is gone.
    Done,
    /// There is none.
    NotFound,
    /// It is a default.
    IsDefault,
    /// So many devices want it.
    Wanted(i64),
}

fn place<'a>(tenant: TenantId, row: &'a str) -> SealedField<'a> {
    SealedField { table: "enrollment_profiles", column: "admin_password_sealed", tenant, row }
}

fn row_name(profile: &Profile) -> String {
    format!("{}/{}", profile.setting, profile.id)
}

pub(super) fn profile(row: &Row) -> Result<Profile, Error> {
    let kind: String = row.get("kind")?;
    let properties: String = row.get("properties")?;
    Ok(Profile {
        tenant: row.id("tenant")?,
        setting: row.id("setting")?,
        id: row.id("id")?,
        kind: ProfileKind::from_word(&kind).ok_or_else(|| {
            Error::Corrupt(format!("the profile type '{kind}' is not known to this version"))
        })?,
        display_name: row.get("display_name")?,
        description: row.get("description")?,
        values: read_values(&properties)?,
        has_admin_password: row.get("has_admin_password")?,
        is_default: row.get("is_default")?,
        revision: row.get("revision")?,
        version: row.get("version")?,
        created_at: row.time("created_at")?.unwrap_or_default(),
        modified_at: row.time("modified_at")?.unwrap_or_default(),
        enrollment_url: None,
    })
}

fn read_values(text: &str) -> Result<ProfileValues, Error> {
    match serde_json::from_str(text) {
        Ok(Json::Object(members)) => {
            Ok(members.into_iter().filter_map(|(name, json)| Some((name, value(json)?))).collect())
        }
        _ => Err(Error::Corrupt("column properties: not a JSON object".to_owned())),
    }
}

fn value(json: Json) -> Option<ProfileValue> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(value) => ProfileValue::Bool(value),
        Json::Number(number) => ProfileValue::Int(number.as_i64()?),
        Json::String(text) => ProfileValue::Text(text),
        Json::Array(items) => ProfileValue::List(items.into_iter().filter_map(value).collect()),
        Json::Object(members) => ProfileValue::Object(
            members.into_iter().filter_map(|(name, json)| Some((name, value(json)?))).collect(),
        ),
    })
}

fn json(value: &ProfileValue) -> Json {
    match value {
        ProfileValue::Null => Json::Null,
        ProfileValue::Bool(value) => Json::from(*value),
        ProfileValue::Int(number) => Json::from(*number),
        ProfileValue::Text(text) => Json::from(text.as_str()),
        ProfileValue::List(items) => items.iter().map(json).collect(),
        ProfileValue::Object(members) => json_of(members),
    }
}

fn json_of(values: &ProfileValues) -> Json {
    Json::Object(values.iter().map(|(name, value)| (name.clone(), json(value))).collect())
}

fn scope(key: SettingKey) -> impl Fn(&mut Sql) {
    move |sql| {
        sql.push("tenant = ").bind(key.tenant).push(" AND setting = ").bind(key.id);
    }
}

impl Storage {
    /// Lists the profiles of a setting, oldest first when no other order is asked for.
    pub async fn profiles(
        &self,
        key: SettingKey,
        query: &ListQuery<ProfileField>,
    ) -> Result<Listed<Profile>, Error> {
        SOURCE.list(&self.db, query, scope(key), profile).await
    }

    /// Counts the profiles of a setting that fulfil the filter.
    pub async fn count_profiles(
        &self,
        key: SettingKey,
        filter: Option<&Filter<ProfileField>>,
    ) -> Result<i64, Error> {
        SOURCE.count(&self.db, filter, scope(key)).await
    }

    /// The profile of that id.
    pub async fn profile(&self, key: SettingKey, id: ProfileId) -> Result<Option<Profile>, Error> {
        let row = self
            .db
            .row(
                sql_of_parts(format!(
                    "SELECT {COLUMNS} FROM enrollment_profiles WHERE tenant = $1 AND setting = $2 AND id = $3"
                ))
                .key(key)
                .bind(id),
            )
            .await?;
        row.as_ref().map(profile).transpose()
    }

    /// Keeps a new profile; false when its setting is gone.
    pub async fn create_profile(
        &self,
        new: &Profile,
        password: PasswordChange<'_>,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        if lock(&mut tx, new.key(), &Fence::Exists).await?.is_none() {
            return Ok(false);
        }
        tx.execute_one(
            "making a profile",
            sql("INSERT INTO enrollment_profiles (tenant, setting, id, kind, display_name, description, properties, \
                 revision, version, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
                .key(new.key())
                .bind(new.id)
                .bind(new.kind.as_str())
                .bind(new.display_name.as_deref())
                .bind(new.description.as_deref())
                .bind(json_of(&new.values))
                .bind(new.revision)
                .bind(new.version)
                .bind(new.created_at)
                .bind(new.modified_at),
        )
        .await?;
        if password.is_some() {
            self.keep_password(&mut tx, new, password).await?;
        }
        audit::write(&mut tx, new.tenant, event).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Stores a changed profile, whose version is one more than that of the row it was made from. False, and nothing
    /// stored, when it was changed or deleted meanwhile.
    pub async fn update_profile(
        &self,
        changed: &Profile,
        password: Option<PasswordChange<'_>>,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = lock(&mut tx, changed.key(), &Fence::Exists).await? else { return Ok(false) };
        let stored = tx
            .row(
                sql(
                    "SELECT revision FROM enrollment_profiles WHERE tenant = $1 AND setting = $2 AND id = $3",
                )
                .key(changed.key())
                .bind(changed.id),
            )
            .await?;
        let revision = stored.map(|row| row.get::<i64>("revision")).transpose()?;
        // A new revision may be desired of any device.
        state.on_desired(changed.modified_at, revision != Some(changed.revision));
        save(&mut tx, &state).await?;
        let touched = tx
            .execute(
                sql("UPDATE enrollment_profiles SET display_name = $5, description = $6, properties = $7, \
                     revision = $8, version = $4, modified_at = $9 \
                     WHERE tenant = $1 AND setting = $2 AND id = $3 AND version = $4 - 1")
                .key(changed.key())
                .bind(changed.id)
                .bind(changed.version)
                .bind(changed.display_name.as_deref())
                .bind(changed.description.as_deref())
                .bind(json_of(&changed.values))
                .bind(changed.revision)
                .bind(changed.modified_at),
            )
            .await?;
        if touched == 1 {
            if let Some(password) = password {
                self.keep_password(&mut tx, changed, password).await?;
            }
            audit::write(&mut tx, changed.tenant, event).await?;
            tx.commit().await?;
        }
        Ok(touched == 1)
    }

    async fn keep_password(
        &self,
        tx: &mut Transaction,
        profile: &Profile,
        password: PasswordChange<'_>,
    ) -> Result<(), Error> {
        let statement = match password {
            None => sql("UPDATE enrollment_profiles SET admin_password_sealed = NULL \
                         WHERE tenant = $1 AND setting = $2 AND id = $3"),
            Some(_) => sql("UPDATE enrollment_profiles SET admin_password_sealed = $4 \
                            WHERE tenant = $1 AND setting = $2 AND id = $3"),
        };
        let statement = statement.key(profile.key()).bind(profile.id);
        let statement = match password {
            None => statement,
            Some(text) => {
                let row = row_name(profile);
                statement.bind(self.key.seal(place(profile.tenant, &row), text.as_bytes())?)
            }
        };
        tx.execute_one("keeping a profile's password", statement).await
    }

    /// Opens the password of the administrator's account that a profile makes; none when none is kept.
    pub async fn admin_password(&self, profile: &Profile) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let row = self
            .db
            .row(
                sql("SELECT admin_password_sealed FROM enrollment_profiles \
                     WHERE tenant = $1 AND setting = $2 AND id = $3")
                .key(profile.key())
                .bind(profile.id),
            )
            .await?;
        let sealed =
            row.map(|row| row.get::<Option<Vec<u8>>>("admin_password_sealed")).transpose()?.flatten();
        let row = row_name(profile);
        sealed.map(|sealed| self.key.open(place(profile.tenant, &row), &sealed)).transpose()
    }

    /// Deletes a profile that is no default and that no device wants. What Apple gave it is remembered.
    pub async fn delete_profile(
        &self,
        profile: &Profile,
        event: &AuditEvent,
    ) -> Result<ProfileDeleted, Error> {
        let mut tx = self.db.begin().await?;
        if !take(&mut tx, profile).await? {
            return Ok(ProfileDeleted::NotFound);
        }
        let mut uses = async |text: &'static str| -> Result<i64, Error> {
            let counted = tx.row(sql(text).key(profile.key()).bind(profile.id)).await?;
            Ok(counted.map(|row| row.get("total")).transpose()?.unwrap_or(0))
        };
        let defaults = "SELECT COUNT(*) AS total FROM default_profiles \
                        WHERE tenant = $1 AND setting = $2 AND profile = $3";
        if uses(defaults).await? > 0 {
            return Ok(ProfileDeleted::IsDefault);
        }
        let wanted = "SELECT COUNT(*) AS total FROM devices \
                      WHERE tenant = $1 AND setting = $2 AND desired_profile = $3";
        match uses(wanted).await? {
            0 => {}
            devices => return Ok(ProfileDeleted::Wanted(devices)),
        }
        tx.execute_one(
            "deleting a profile",
            sql("DELETE FROM enrollment_profiles WHERE tenant = $1 AND setting = $2 AND id = $3")
                .key(profile.key())
                .bind(profile.id),
        )
        .await?;
        audit::write(&mut tx, profile.tenant, event).await?;
        tx.commit().await?;
        Ok(ProfileDeleted::Done)
    }
}

/// Takes a profile's row until the end of the transaction, so that it is not deleted while something comes to need it;
/// false when it is gone.
pub(super) async fn take(tx: &mut Transaction, profile: &Profile) -> Result<bool, Error> {
    let touched = tx
        .execute(
            sql("UPDATE enrollment_profiles SET version = version + 1 WHERE tenant = $1 AND setting = $2 AND id = $3")
                .key(profile.key())
                .bind(profile.id),
        )
        .await?;
    Ok(touched == 1)
}
