//! Onboarding settings: made, read, listed, changed, soft-deleted. What a token or a sync changes is in `onboarding` and
//! `sync`. A soft-deleted setting does not exist for anyone but the restore command and the purge.

use std::sync::Arc;

use adept_odata::Filter;
use jiff::Timestamp;

use super::{
    Error, SealingKey, audit, created_requests,
    db::{Db, Row, Transaction, Value, sql, sql_of_parts},
    filter::{Column, Holds, Sql},
    keys::{NewKeyPair, insert_key_pair, seal_private_key},
    list::{ListQuery, Listed, Source},
    setting_state,
};
use adept_domain::{
    AuditEvent, Fence, RequestKey, ServerIdentity, Setting, SettingField, SettingId, SettingKey,
    SettingState, SyncStatus, TenantId, TokenId, TokenState, members, setting_state::Deletion,
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

/// What people may change of a setting, as it is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingEdit {
    /// `tokenName`.
    pub token_name: Option<String>,
    /// `dataSharingConsentGranted`.
    pub data_sharing_consent: bool,
    /// `shareTokenWithSchoolDataSyncService`.
    pub share_with_school_data_sync: bool,
    /// `roleScopeTagIds`.
    pub role_scope_tag_ids: Option<Vec<String>>,
}

/// What becomes of a setting, and what the audit log says of that.
pub struct Edit {
    /// Its values from now on.
    pub values: SettingEdit,
    /// For the audit log.
    pub event: AuditEvent,
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
    column,
    tie: Column::fixed("id", Holds::Id { nullable: false }),
    key: None,
};

fn column(field: SettingField) -> Column {
    let (expression, holds) = match field {
        SettingField::Id => ("id", Holds::Id { nullable: false }),
        SettingField::AppleIdentifier => ("apple_identifier", Holds::Text),
        SettingField::TokenName => ("token_name", Holds::Text),
        SettingField::TokenType => ("token_type", Holds::Member(members::DEP_TOKEN_TYPE)),
        SettingField::TokenExpiration => ("token_expires_at", Holds::Time { nullable: false }),
        SettingField::LastModified => ("modified_at", Holds::Time { nullable: false }),
        SettingField::LastSuccessfulSync => ("sync_succeeded_at", Holds::Time { nullable: false }),
        SettingField::LastSyncTriggered => ("sync_triggered_at", Holds::Time { nullable: false }),
        SettingField::LastSyncErrorCode => return Column::made(sync_error_code(), Holds::Int),
        SettingField::SyncedDeviceCount => ("device_count", Holds::Int),
        SettingField::DataSharingConsent => ("data_sharing_consent", Holds::Bool),
        SettingField::ShareWithSchoolDataSync => ("share_with_sds", Holds::Bool),
        SettingField::RoleScopeTags => ("role_scope_tag_ids", Holds::Texts("tag")),
    };
    Column::fixed(expression, holds)
}

/// The code of a stored token state, from the one table of them.
fn sync_error_code() -> String {
    let cases =
        TokenState::ALL.map(|state| format!("WHEN '{}' THEN {} ", state.as_str(), state.sync_error_code()));
    format!("(CASE token_state {}END)", cases.concat())
}

pub(super) fn setting(row: &Row) -> Result<Setting, Error> {
    let tags = row.get::<Option<String>>("role_scope_tag_ids")?;
    let current = row.optional_id::<TokenId>("token_in_use")?;
    Ok(Setting {
        tenant: row.id("tenant")?,
        id: row.id("id")?,
        token_name: row.get("token_name")?,
        apple_identifier: row.get("apple_identifier")?,
        token_type: setting_state::token_type(row)?,
        data_sharing_consent: row.get("data_sharing_consent")?,
        share_with_school_data_sync: row.get("share_with_sds")?,
        role_scope_tag_ids: tags
            .map(|tags| {
                serde_json::from_str(&tags).map_err(|e| Error::Corrupt(format!("role_scope_tag_ids: {e}")))
            })
            .transpose()?,
        created_at: row.time("created_at")?.unwrap_or_default(),
        modified_at: row.time("modified_at")?.unwrap_or_default(),
        token_state: setting_state::token_state(row)?,
        credential_refused: row.get("credential_refused")?,
        token_verified: current.is_some() && current == row.optional_id("token_verified")?,
        token_generation: row.get("token_generation")?,
        token_expires_at: row.time("token_expires_at")?,
        server: setting_state::server(row)?,
        sync: SyncStatus {
            triggered_at: row.time("sync_triggered_at")?,
            succeeded_at: row.time("sync_succeeded_at")?,
            failures: row.get("sync_failures")?,
            device_count: row.get("device_count")?,
        },
    })
}

fn tags_json(tags: Option<&Vec<String>>) -> Value {
    tags.map_or(Value::Text(None), |tags| serde_json::Value::from(tags.clone()).into())
}

/// The visible settings of a tenant.
fn scope(tenant: TenantId) -> impl Fn(&mut Sql) {
    move |sql| {
        sql.push("tenant = ").bind(tenant).push(" AND deleted_at IS NULL");
    }
}

/// Onboarding settings: what people see of them, and the state that the machine needs.
#[derive(Clone)]
pub struct Settings {
    pub(crate) db: Db,
    pub(crate) key: Arc<SealingKey>,
}

impl Settings {
    /// The visible setting of that id in that tenant.
    pub async fn get(&self, key: SettingKey) -> Result<Option<Setting>, Error> {
        let row = self.db.row(select_one().key(key)).await?;
        row.as_ref().map(setting).transpose()
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
    pub async fn count(&self, tenant: TenantId, filter: Option<&Filter<SettingField>>) -> Result<i64, Error> {
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
                .bind(setting.tenant)
                .bind(SettingId(id))
        };
        let new = (setting.id.0, setting.created_at);
        if let Some(id) = created_requests::claim(&mut tx, setting.tenant, key, new, exists).await? {
            return Ok(Created::Earlier(SettingId(id)));
        }
        let row = tx
            .row(
                sql("SELECT COUNT(*) AS total FROM setting_overview \
                     WHERE tenant = $1 AND deleted_at IS NULL AND token_type <> 'none'")
                .bind(setting.tenant),
            )
            .await?;
        if row.map(|row| row.get::<i64>("total")).transpose()?.unwrap_or(0) >= maximum {
            return Ok(Created::TooMany);
        }
        insert(&mut tx, setting).await?;
        insert_key_pair(&mut tx, setting.key(), key_pair, sealed).await?;
        audit::write(&mut tx, setting.tenant, event).await?;
        tx.commit().await?;
        Ok(Created::Done)
    }

    /// Changes what people may change of a setting: `decide` is handed the setting as it is, which nobody else changes until
    /// this is done, and says what becomes of it. None when it is gone.
    pub async fn edit(
        &self,
        key: SettingKey,
        now: Timestamp,
        decide: impl FnOnce(&Setting) -> Edit + Send,
    ) -> Result<Option<Setting>, Error> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = setting_state::lock(&mut tx, key, &Fence::Exists).await? else {
            return Ok(None);
        };
        let Some(row) = tx.row(select_one().key(key)).await? else { return Ok(None) };
        let mut setting = setting(&row)?;
        let Edit { values, event } = decide(&setting);
        let SettingEdit { token_name, data_sharing_consent, share_with_school_data_sync, role_scope_tag_ids } =
            values;
        setting.token_name = token_name;
        setting.data_sharing_consent = data_sharing_consent;
        setting.share_with_school_data_sync = share_with_school_data_sync;
        setting.role_scope_tag_ids = role_scope_tag_ids;
        setting.modified_at = now;
        state.on_edited(now);
        tx.execute_one(
            "changing a setting",
            sql("UPDATE settings SET token_name = $3, data_sharing_consent = $4, share_with_sds = $5, \
                 role_scope_tag_ids = $6 WHERE tenant = $1 AND id = $2")
            .key(key)
            .bind(setting.token_name.as_deref())
            .bind(setting.data_sharing_consent)
            .bind(setting.share_with_school_data_sync)
            .bind(tags_json(setting.role_scope_tag_ids.as_ref())),
        )
        .await?;
        setting_state::save(&mut tx, &state).await?;
        audit::write(&mut tx, key.tenant, &event).await?;
        tx.commit().await?;
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
            for text in [
                "DELETE FROM server_tokens WHERE tenant = $1 AND setting = $2",
                "DELETE FROM apple_waits WHERE tenant = $1 AND setting = $2",
            ] {
                tx.execute(sql(text).key(key)).await?;
            }
            audit::write(&mut tx, key.tenant, event).await?;
            tx.commit().await?;
        }
        Ok(Some(deletion))
    }

    /// The soft-deleted settings that can still be restored, with the time at which each was deleted.
    pub async fn list_soft_deleted(&self) -> Result<Vec<(Setting, Timestamp)>, Error> {
        let rows = self
            .db
            .rows(sql_of_parts(format!(
                "SELECT {COLUMNS}, deleted_at FROM setting_overview WHERE deleted_at IS NOT NULL ORDER BY deleted_at, id"
            )))
            .await?;
        rows.iter().map(|row| Ok((setting(row)?, row.time("deleted_at")?.unwrap_or_default()))).collect()
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
        audit::write(&mut tx, key.tenant, event).await?;
        tx.commit().await?;
        Ok(Restored::Done)
    }
}

/// Stores a new setting and its state.
pub(super) async fn insert(tx: &mut Transaction, setting: &Setting) -> Result<(), Error> {
    tx.execute_one(
        "making a setting",
        sql("INSERT INTO settings (tenant, id, token_name, data_sharing_consent, share_with_sds, role_scope_tag_ids, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .key(setting.key())
        .bind(setting.token_name.as_deref())
        .bind(setting.data_sharing_consent)
        .bind(setting.share_with_school_data_sync)
        .bind(tags_json(setting.role_scope_tag_ids.as_ref()))
        .bind(setting.created_at),
    )
    .await?;
    let state = SettingState::new(setting.key(), setting.token_type, setting.created_at);
    setting_state::insert(tx, &state).await
}

fn select_one() -> super::db::Statement {
    sql_of_parts(format!(
        "SELECT {COLUMNS} FROM setting_overview WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL"
    ))
    .by_key()
}

/// Takes the tenant's row until the end of the transaction, so that checks over several settings hold.
pub(super) async fn lock_tenant(tx: &mut Transaction, tenant: TenantId) -> Result<(), Error> {
    tx.execute_one(
        "taking the tenant's row",
        sql("UPDATE tenants SET bindings = bindings + 1 WHERE id = $1").bind(tenant),
    )
    .await
}

/// The visible setting of the tenant, another one than `except`, that stands for `server`.
pub(super) async fn setting_of_server(
    tx: &mut Transaction,
    except: SettingKey,
    server: &ServerIdentity,
) -> Result<Option<(SettingId, Option<String>)>, Error> {
    let row = tx
        .row(
            sql("SELECT id, token_name FROM setting_overview \
                 WHERE tenant = $1 AND server_uuid = $2 AND id <> $3 AND deleted_at IS NULL \
                 AND ($4 IS NULL OR org_id IS NULL OR org_id = $4) ORDER BY id LIMIT 1")
            .bind(except.tenant)
            .bind(server.server_uuid.as_deref())
            .bind(except.id)
            .bind(server.org_id.as_deref()),
        )
        .await?;
    row.map(|row| Ok((row.id("id")?, row.get("token_name")?))).transpose()
}
