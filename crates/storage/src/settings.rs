//! Onboarding settings: made, read, listed, changed, soft-deleted. What a token or a sync changes is in `onboarding` and
//! `sync`. A soft-deleted setting does not exist for anyone but the restore command and the purge.

use adept_odata::Expr;
use jiff::Timestamp;

use super::{
    Error, Settings, audit,
    column::{Column, Holds},
    created_requests,
    db::{Row, Statement, Transaction, Value, sql, sql_of_parts},
    device_lists, erasures,
    filter::Sql,
    keys::{NewKeyPair, insert_key_pair, seal_private_key},
    list::{ListQuery, Listed, Source},
    profiles, setting_state,
};
use adept_domain::{
    AuditEvent, DevicePlatform, Fence, RequestKey, ServerIdentity, Setting, SettingField, SettingId,
    SettingKey, SettingState, SyncStatus, TenantId, TokenId, TokenState, members, setting_state::Deletion,
};

pub(super) const COLUMNS: &str = "tenant, id, token_name, apple_identifier, token_type, data_sharing_consent, \
    share_with_sds, role_scope_tag_ids, created_at, modified_at, token_state, token_generation, \
    token_in_use, token_verified, token_expires_at, credential_refused, server_uuid, org_id, server_name, org_name, sync_triggered_at, \
    sync_succeeded_at, sync_failures, device_count";

/// What came of making a setting.
pub enum Created {
    /// It was made.
    Done,
    /// An earlier request of the same key made this one.
    Earlier(SettingId),
    /// The tenant has as many settings as are allowed.
    TooMany,
}

/// What came of restoring a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It is there again.
    Done,
    /// There is no such soft-deleted setting, or its purge has begun.
    NotThere,
    /// Another setting stands for its server by now: its id and `tokenName`.
    ServerTaken(SettingId, Option<String>),
}

const SOURCE: Source<SettingField> = Source {
    columns: COLUMNS,
    table: "setting_overview",
    number: "COUNT(*)",
    column,
    tie: Column::fixed("id", Holds::Id),
    key: None,
};

fn column(field: SettingField) -> Column {
    let (fixed, nullable) = (Column::fixed, Column::nullable);
    match field {
        SettingField::Id => fixed("setting_overview.id", Holds::Id),
        SettingField::AppleIdentifier => nullable("setting_overview.apple_identifier", Holds::Text),
        SettingField::TokenName => nullable("setting_overview.token_name", Holds::Text),
        SettingField::TokenType => {
            fixed("setting_overview.token_type", Holds::Member(members::DEP_TOKEN_TYPE))
        }
        SettingField::TokenExpiration => Column::time_or_year_one("setting_overview.token_expires_at"),
        SettingField::LastModified => fixed("setting_overview.modified_at", Holds::Time),
        SettingField::LastSuccessfulSync => Column::time_or_year_one("setting_overview.sync_succeeded_at"),
        SettingField::LastSyncTriggered => Column::time_or_year_one("setting_overview.sync_triggered_at"),
        SettingField::LastSyncErrorCode => Column::made(sync_error_code(), Holds::Int),
        SettingField::SyncedDeviceCount => fixed("setting_overview.device_count", Holds::Int),
        SettingField::DataSharingConsent => fixed("setting_overview.data_sharing_consent", Holds::Bool),
        SettingField::ShareWithSchoolDataSync => fixed("setting_overview.share_with_sds", Holds::Bool),
        SettingField::RoleScopeTags => fixed("setting_overview.role_scope_tag_ids", Holds::Texts("tag")),
        SettingField::Devices => Column::made(of_setting("devices"), Holds::Rows),
        SettingField::Device(field) => device_lists::column(field),
        SettingField::Profiles => Column::made(of_setting("enrollment_profiles"), Holds::Rows),
        SettingField::Profile(field) => profiles::column(field),
        SettingField::DefaultProfile(platform) => {
            Column::made(default_profile(platform), Holds::Whole).or_null()
        }
        SettingField::DefaultProfileField(platform, field) => {
            let column = profiles::column(field);
            let (of, profile) = (of_setting("enrollment_profiles"), default_profile(platform));
            let value = format!("(SELECT {} {of} AND enrollment_profiles.id = {profile})", column.expression);
            Column { expression: value.into(), nullable: true, ..column }
        }
    }
}

/// The rows of a table that belong to the setting at hand.
fn of_setting(table: &str) -> String {
    format!(
        "FROM {table} WHERE {table}.tenant = setting_overview.tenant AND {table}.setting = setting_overview.id"
    )
}

fn default_profile(platform: DevicePlatform) -> String {
    format!(
        "(SELECT profile {} AND default_profiles.platform = '{}')",
        of_setting("default_profiles"),
        platform.as_str()
    )
}

/// The code of a stored token state, from the one table of them.
fn sync_error_code() -> String {
    let cases =
        TokenState::ALL.map(|state| format!("WHEN '{}' THEN {} ", state.as_str(), state.sync_error_code()));
    format!("CAST((CASE setting_overview.token_state {}END) AS BIGINT)", cases.concat())
}

pub(super) fn setting(row: &Row) -> Result<Setting, Error> {
    let current = row.get::<Option<TokenId>>("token_in_use")?;
    Ok(Setting {
        tenant: row.get("tenant")?,
        id: row.get("id")?,
        token_name: row.get("token_name")?,
        apple_identifier: row.get("apple_identifier")?,
        token_type: row.get("token_type")?,
        data_sharing_consent: row.get("data_sharing_consent")?,
        share_with_school_data_sync: row.get("share_with_sds")?,
        role_scope_tag_ids: row.get("role_scope_tag_ids")?,
        created_at: row.get("created_at")?,
        modified_at: row.get("modified_at")?,
        token_state: row.get("token_state")?,
        credential_refused: row.get("credential_refused")?,
        token_verified: current.is_some() && current == row.get("token_verified")?,
        token_generation: row.get("token_generation")?,
        token_expires_at: row.get("token_expires_at")?,
        server: ServerIdentity {
            server_uuid: row.get("server_uuid")?,
            org_id: row.get("org_id")?,
            server_name: row.get("server_name")?,
            org_name: row.get("org_name")?,
        },
        sync: SyncStatus {
            triggered_at: row.get("sync_triggered_at")?,
            succeeded_at: row.get("sync_succeeded_at")?,
            failures: row.get("sync_failures")?,
            device_count: row.get("device_count")?,
        },
    })
}

/// What people typed: name, consent, sharing and tags.
fn typed(setting: &Setting) -> Vec<Value> {
    let tags = setting.role_scope_tag_ids.clone();
    vec![
        (&setting.token_name).into(),
        setting.data_sharing_consent.into(),
        setting.share_with_school_data_sync.into(),
        tags.map(|tags| serde_json::Value::from(tags).to_string()).into(),
    ]
}

/// The visible settings of a tenant.
/// The setting for Apple Configurator, whose id is the tenant's, is listed when it holds something: programs loop over the
/// list and take every row for a server token.
fn scope(tenant: TenantId) -> impl Fn(&mut Sql) {
    let holds =
        ["enrollment_profiles", "devices"].map(|table| format!("EXISTS (SELECT 1 {})", of_setting(table)));
    let listed = format!(" AND deleted_at IS NULL AND (id <> tenant OR {})", holds.join(" OR "));
    move |sql| {
        sql.push("tenant = ").bind(tenant).push(&listed);
    }
}

impl Settings {
    /// The visible setting of that id in that tenant.
    pub async fn get(&self, key: SettingKey) -> Result<Option<Setting>, Error> {
        self.db.first(select_one(key), setting).await
    }

    /// Lists the visible settings of a tenant, in the order of their ids when no other is asked for.
    pub async fn list(
        &self,
        tenant: TenantId,
        query: &ListQuery<SettingField>,
    ) -> Result<Listed<Setting>, Error> {
        SOURCE.list(&self.db, query, scope(tenant), setting).await
    }

    /// Counts the visible settings of a tenant.
    pub async fn count(&self, tenant: TenantId, filter: Option<&Expr<SettingField>>) -> Result<i64, Error> {
        SOURCE.count(&self.db, filter, scope(tenant)).await
    }

    /// Makes a setting with its first key pair, unless the tenant has `maximum` settings.
    pub async fn create(
        &self,
        setting: &Setting,
        key_pair: &NewKeyPair,
        maximum: i64,
        key: Option<RequestKey>,
        event: &AuditEvent,
    ) -> Result<Created, Error> {
        let sealed = seal_private_key(&self.key, setting.key(), key_pair)?;
        let mut tx = self.db.begin().await?;
        lock_tenant(&mut tx, setting.tenant).await?;
        let exists = |id| {
            sql("SELECT id FROM setting_overview WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL")
                .bind((setting.tenant, SettingId(id)))
        };
        let new = (setting.id.0, setting.created_at);
        if let Some(id) = created_requests::claim(&mut tx, setting.tenant, key, new, exists).await? {
            tx.commit().await?;
            return Ok(Created::Earlier(SettingId(id)));
        }
        let select = sql("SELECT COUNT(*) AS total FROM setting_overview WHERE tenant = $1 \
            AND deleted_at IS NULL AND token_type <> 'none'")
        .bind(setting.tenant);
        if tx.count(select).await? >= maximum {
            return Ok(Created::TooMany);
        }
        insert(&mut tx, setting).await?;
        insert_key_pair(&mut tx, setting.key(), key_pair, sealed).await?;
        audit::commit(tx, setting.tenant, event).await?;
        Ok(Created::Done)
    }

    /// Changes what people may change of a setting, and only that: `change` is handed the setting, which nobody else changes
    /// until this is done, and answers the event for the audit log. None when it is gone.
    pub async fn edit(
        &self,
        key: SettingKey,
        now: Timestamp,
        change: impl FnOnce(&mut Setting) -> AuditEvent + Send,
    ) -> Result<Option<Setting>, Error> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = setting_state::lock(&mut tx, key, &Fence::Exists).await? else {
            return Ok(None);
        };
        let Some(mut setting) = tx.first(select_one(key), setting).await? else { return Ok(None) };
        let event = change(&mut setting);
        setting.modified_at = now;
        state.on_edited(now);
        let update = sql("UPDATE settings SET token_name = $3, data_sharing_consent = $4, share_with_sds \
            = $5, role_scope_tag_ids = $6 WHERE tenant = $1 AND id = $2")
        .bind((key, typed(&setting)));
        tx.execute_one("changing a setting", update).await?;
        setting_state::save(&mut tx, &state).await?;
        audit::commit(tx, key.tenant, &event).await?;
        Ok(Some(setting))
    }

    /// Deletes a setting softly and erases its tokens at once, if that may be; `forced` leaves its use out of account. None
    /// when there is none.
    pub async fn soft_delete(
        &self,
        key: SettingKey,
        forced: bool,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<Option<Deletion>, Error> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = setting_state::lock(&mut tx, key, &Fence::Exists).await? else {
            return Ok(None);
        };
        let deletion = state.deletion(now, forced);
        if deletion == Deletion::Allowed {
            state.on_deleted(now);
            setting_state::save(&mut tx, &state).await?;
            erasures::note(&mut tx, "server_tokens WHERE tenant = $1 AND setting = $2", key).await?;
            for table in ["server_tokens", "apple_waits"] {
                let delete = format!("DELETE FROM {table} WHERE tenant = $1 AND setting = $2");
                tx.execute_any(sql_of_parts(delete).bind(key)).await?;
            }
            audit::commit(tx, key.tenant, event).await?;
        }
        Ok(Some(deletion))
    }

    /// The soft-deleted settings that can still be restored, with the time at which each was deleted.
    pub async fn list_soft_deleted(&self) -> Result<Vec<(Setting, Timestamp)>, Error> {
        let select = sql_of_parts(format!(
            "SELECT {COLUMNS}, deleted_at FROM setting_overview WHERE deleted_at IS NOT NULL \
             ORDER BY deleted_at, id"
        ));
        self.db.all(select, |row| Ok((setting(row)?, row.get("deleted_at")?))).await
    }

    /// Brings a soft-deleted setting back, without a token.
    pub async fn restore(
        &self,
        key: SettingKey,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<Restored, Error> {
        let mut tx = self.db.begin().await?;
        lock_tenant(&mut tx, key.tenant).await?;
        let Some(mut state) = setting_state::lock(&mut tx, key, &Fence::Deleted).await? else {
            return Ok(Restored::NotThere);
        };
        if let Some((id, token_name)) = setting_of_server(&mut tx, key, &state.server).await? {
            return Ok(Restored::ServerTaken(id, token_name));
        }
        state.on_undeleted(now);
        setting_state::save(&mut tx, &state).await?;
        audit::commit(tx, key.tenant, event).await?;
        Ok(Restored::Done)
    }
}

/// Stores a new setting and its state.
pub(super) async fn insert(tx: &mut Transaction, setting: &Setting) -> Result<(), Error> {
    let insert = sql("INSERT INTO settings (tenant, id, token_name, data_sharing_consent, share_with_sds, \
        role_scope_tag_ids, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind((setting.key(), typed(setting), setting.created_at));
    tx.execute_one("making a setting", insert).await?;
    let state = SettingState::new(setting.key(), setting.token_type, setting.created_at);
    setting_state::insert(tx, &state).await
}

fn select_one(key: SettingKey) -> Statement {
    sql_of_parts(format!(
        "SELECT {COLUMNS} FROM setting_overview WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL"
    ))
    .bind(key)
    .by_key()
}

/// Takes the tenant's row until the end of the transaction, so that checks over several settings hold.
pub(super) async fn lock_tenant(tx: &mut Transaction, tenant: TenantId) -> Result<(), Error> {
    let update = sql("UPDATE tenants SET bindings = bindings + 1 WHERE id = $1").bind(tenant);
    tx.execute_one("taking the tenant's row", update).await
}

/// The visible setting of the tenant, another one than `except`, that stands for `server`.
pub(super) async fn setting_of_server(
    tx: &mut Transaction,
    except: SettingKey,
    server: &ServerIdentity,
) -> Result<Option<(SettingId, Option<String>)>, Error> {
    let select = sql("SELECT id, token_name FROM setting_overview WHERE tenant = $1 AND server_uuid = $2 \
        AND id <> $3 AND deleted_at IS NULL AND ($4 IS NULL OR org_id IS NULL OR org_id = $4) ORDER BY id \
        LIMIT 1")
    .bind((except.tenant, server.server_uuid.as_deref(), except.id, server.org_id.as_deref()));
    tx.first(select, |row| Ok((row.get("id")?, row.get("token_name")?))).await
}
