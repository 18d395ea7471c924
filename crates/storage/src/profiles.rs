//! Enrollment profiles: kept, listed, changed, deleted. Which of them are defaults is in `defaults`, which device wants
//! which in `desired state`.

mod defaults;
mod values;

use adept_odata::Expr;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{
    Error, Profiles, audit,
    column::{Column, Holds},
    created_requests::{self, EntityCreated},
    db::{Row, Statement, Transaction, Value, id_text, sql, sql_of_parts},
    erasures,
    list::{ListQuery, Listed, Source, of_setting},
    sealing::SealedField,
    setting_state::{lock, save},
};
use adept_domain::{
    AuditEvent, Fence, Kept, Profile, ProfileField, ProfileId, ProfileKind, RequestKey, SettingKey,
};
use values::{json_of, read_values};

macro_rules! is_default {
    () => {
        "(EXISTS (SELECT 1 FROM default_profiles WHERE default_profiles.tenant = enrollment_profiles.tenant \
         AND default_profiles.setting = enrollment_profiles.setting \
         AND default_profiles.profile = enrollment_profiles.id))"
    };
}

pub(super) const COLUMNS: &str = concat!(
    "tenant, setting, id, kind, display_name, description, properties, revision, version, created_at, modified_at, \
     (admin_password_sealed IS NOT NULL) AS has_admin_password, ",
    is_default!(),
    " AS is_default"
);

const SOURCE: Source<ProfileField> = Source {
    columns: COLUMNS,
    table: "enrollment_profiles",
    number: "COUNT(*)",
    column,
    tie: Column::fixed("id", Holds::Id),
    key: None,
};

/// The column of a field; settings ask for those of their profiles too.
pub(super) fn column(field: ProfileField) -> Column {
    match field {
        ProfileField::Id => id_column(),
        ProfileField::DisplayName => Column::nullable("enrollment_profiles.display_name", Holds::Text),
        ProfileField::Description => Column::nullable("enrollment_profiles.description", Holds::Text),
        ProfileField::Kind => Column::fixed("enrollment_profiles.kind", Holds::Member(ProfileKind::WORDS)),
        ProfileField::IsDefault => Column::fixed(is_default!(), Holds::Bool),
        ProfileField::Kept(name, kept) => kept_column(name, kept),
    }
}

/// Graph's id of a profile: the setting's and its own.
fn id_column() -> Column {
    let [setting, id] = ["enrollment_profiles.setting", "enrollment_profiles.id"].map(id_text);
    Column::made(format!("({setting} || '_' || {id})"), Holds::FoldedText)
}

/// A property in the JSON object. Both databases know this function of lists, and the names are Graph's own.
fn kept_column(name: &'static str, kept: Kept) -> Column {
    let value =
        format!("(SELECT value ->> '{name}' FROM json_each('[' || enrollment_profiles.properties || ']'))");
    let (expression, holds) = match kept {
        Kept::Text => return Column::made(value, Holds::Text).or_null(),
        // A boolean of JSON is a word in one database and a number in the other.
        Kept::Bool => (format!("(COALESCE(CAST({value} AS TEXT), '') IN ('true', '1'))"), Holds::Bool),
        Kept::Int => (format!("COALESCE(CAST({value} AS BIGINT), 0)"), Holds::Int),
        Kept::OptionalInt => {
            return Column::made(format!("CAST({value} AS BIGINT)"), Holds::Int).or_null();
        }
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

fn place(profile: &Profile) -> SealedField {
    SealedField::of_setting("enrollment_profiles", "admin_password_sealed", profile.key(), profile.id)
}

pub(super) fn profile(row: &Row) -> Result<Profile, Error> {
    Ok(Profile {
        tenant: row.get("tenant")?,
        setting: row.get("setting")?,
        id: row.get("id")?,
        kind: row.get("kind")?,
        display_name: row.get("display_name")?,
        description: row.get("description")?,
        values: read_values(row.get("properties")?)?,
        has_admin_password: row.get("has_admin_password")?,
        is_default: row.get("is_default")?,
        revision: row.get("revision")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        modified_at: row.get("modified_at")?,
        enrollment_url: None,
    })
}

impl Profiles {
    /// Lists the profiles of a setting, oldest first when no other order is asked for.
    pub async fn list(
        &self,
        key: SettingKey,
        query: &ListQuery<ProfileField>,
    ) -> Result<Listed<Profile>, Error> {
        SOURCE.list(&self.db, query, of_setting(key), profile).await
    }

    /// Counts the profiles of a setting that fulfil the filter.
    pub async fn count(&self, key: SettingKey, filter: Option<&Expr<ProfileField>>) -> Result<i64, Error> {
        SOURCE.count(&self.db, filter, of_setting(key)).await
    }

    /// The profile of that id.
    pub async fn get(&self, key: SettingKey, id: ProfileId) -> Result<Option<Profile>, Error> {
        self.db.first(of_id(key, id), profile).await
    }

    /// Keeps a new profile.
    pub async fn create(
        &self,
        new: &Profile,
        password: PasswordChange<'_>,
        key: Option<RequestKey>,
        event: &AuditEvent,
    ) -> Result<EntityCreated<ProfileId>, Error> {
        let mut tx = self.db.begin().await?;
        if lock(&mut tx, new.key(), &Fence::Exists).await?.is_none() {
            return Ok(EntityCreated::NotFound);
        }
        let exists = |id| {
            sql("SELECT id FROM enrollment_profiles WHERE tenant = $1 AND setting = $2 AND id = $3")
                .bind((new.key(), ProfileId(id)))
        };
        let made = (new.id.0, new.created_at);
        if let Some(id) = created_requests::claim(&mut tx, new.tenant, key, made, exists).await? {
            tx.commit().await?;
            return Ok(EntityCreated::Earlier(ProfileId(id)));
        }
        let insert = sql("INSERT INTO enrollment_profiles (tenant, setting, id, kind, display_name, \
            description, properties, revision, version, created_at, modified_at) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind((new.key(), new.id, new.kind, new.display_name.as_deref()))
        .bind((new.description.as_deref(), json_of(&new.values), new.revision, new.version))
        .bind((new.created_at, new.modified_at));
        tx.execute_one("making a profile", insert).await?;
        if password.is_some() {
            self.keep_password(&mut tx, new, password).await?;
        }
        audit::commit(tx, new.tenant, event).await?;
        Ok(EntityCreated::Done)
    }

    /// Changes a profile. `decide` is handed it as it is under its row's lock and returns it as it shall be, with the
    /// event for the audit log. None, and nothing stored, when the profile or its setting does not exist.
    pub async fn update<E: From<Error>>(
        &self,
        (key, id): (SettingKey, ProfileId),
        password: Option<PasswordChange<'_>>,
        now: Timestamp,
        decide: impl FnOnce(&Profile) -> Result<(Profile, AuditEvent), E> + Send,
    ) -> Result<Option<Profile>, E> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = lock(&mut tx, key, &Fence::Exists).await? else { return Ok(None) };
        if !lock_profile(&mut tx, key, id).await? {
            return Ok(None);
        }
        let Some(old) = tx.first(of_id(key, id), profile).await? else { return Ok(None) };
        let (changed, event) = decide(&old)?;
        // Any device may need the new revision.
        state.on_desired(now, changed.revision != old.revision);
        save(&mut tx, &state).await?;
        let update = sql("UPDATE enrollment_profiles SET display_name = $4, description = $5, properties \
            = $6, revision = $7, modified_at = $8 WHERE tenant = $1 AND setting = $2 AND id = $3")
        .bind((key, id, changed.display_name.as_deref(), changed.description.as_deref()))
        .bind((json_of(&changed.values), changed.revision, changed.modified_at));
        tx.execute_one("changing a profile", update).await?;
        if let Some(password) = password {
            self.keep_password(&mut tx, &changed, password).await?;
        }
        audit::commit(tx, key.tenant, &event).await?;
        Ok(Some(changed))
    }

    async fn keep_password(
        &self,
        tx: &mut Transaction,
        profile: &Profile,
        password: PasswordChange<'_>,
    ) -> Result<(), Error> {
        let seal = |text: &Zeroizing<String>| self.key.seal(&place(profile), text.as_bytes());
        let sealed = password.map(seal).transpose()?.map_or(Value::Bytes(None), Value::from);
        erasures::note(tx, WITH_PASSWORD, (profile.key(), profile.id)).await?;
        let update = sql("UPDATE enrollment_profiles SET admin_password_sealed = $4 WHERE tenant = $1 \
            AND setting = $2 AND id = $3")
        .bind((profile.key(), profile.id, sealed));
        tx.execute_one("keeping a profile's password", update).await
    }

    /// Opens the password of the administrator's account that a profile makes; none when none is kept.
    pub async fn admin_password(&self, profile: &Profile) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let select = sql("SELECT admin_password_sealed FROM enrollment_profiles WHERE tenant = $1 \
            AND setting = $2 AND id = $3")
        .bind((profile.key(), profile.id));
        let sealed = self.db.first(select, |row| row.get("admin_password_sealed")).await?.flatten();
        sealed.map(|sealed: Vec<u8>| self.key.open(&place(profile), &sealed)).transpose()
    }

    /// Deletes a profile that is no default and that no device wants. What Apple gave it is remembered.
    pub async fn delete(&self, profile: &Profile, event: &AuditEvent) -> Result<ProfileDeleted, Error> {
        let mut tx = self.db.begin().await?;
        if !take(&mut tx, profile).await? {
            return Ok(ProfileDeleted::NotFound);
        }
        let mut uses = async |text: &'static str| -> Result<i64, Error> {
            tx.count(sql(text).bind((profile.key(), profile.id))).await
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
        erasures::note(&mut tx, WITH_PASSWORD, (profile.key(), profile.id)).await?;
        let delete = sql("DELETE FROM enrollment_profiles WHERE tenant = $1 AND setting = $2 AND id = $3")
            .bind((profile.key(), profile.id));
        tx.execute_one("deleting a profile", delete).await?;
        audit::commit(tx, profile.tenant, event).await?;
        Ok(ProfileDeleted::Done)
    }
}

/// A profile that keeps a password.
const WITH_PASSWORD: &str = "enrollment_profiles WHERE tenant = $1 AND setting = $2 AND id = $3 AND admin_password_sealed IS NOT NULL";

fn of_id(key: SettingKey, id: ProfileId) -> Statement {
    sql_of_parts(format!(
        "SELECT {COLUMNS} FROM enrollment_profiles WHERE tenant = $1 AND setting = $2 AND id = $3"
    ))
    .bind((key, id))
}

/// Locks a profile's row until the end of the transaction, so that it is not deleted while something comes to need it;
/// false when it does not exist.
pub(super) async fn take(tx: &mut Transaction, profile: &Profile) -> Result<bool, Error> {
    lock_profile(tx, profile.key(), profile.id).await
}

async fn lock_profile(tx: &mut Transaction, key: SettingKey, id: ProfileId) -> Result<bool, Error> {
    let update = sql("UPDATE enrollment_profiles SET version = version + 1 WHERE tenant = $1 \
        AND setting = $2 AND id = $3")
    .bind((key, id));
    let touched = tx.execute(update).await?;
    Ok(touched == 1)
}
