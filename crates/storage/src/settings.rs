//! Onboarding settings: made, read, listed, changed, hidden. What a token or a sync changes is in `onboarding` and
//! `sync`. A hidden setting does not exist for anyone but the restore command and the purge.

use adept_odata::Filter;
use jiff::Timestamp;

use super::{
    Error, Storage, audit, created_requests,
    db::{Row, Transaction, sql, sql_of_parts},
    filter::{Column, Holds, Sql},
    keys::NewKeyPair,
    list::{ListQuery, Listed, Source},
};
use adept_domain::{
    AuditEvent, RequestKey, ServerIdentity, Setting, SettingField, SettingId, SyncStatus, TenantId,
    TokenState, TokenType, members,
};

pub(super) const COLUMNS: &str = "tenant, id, token_name, apple_identifier, token_type, data_sharing_consent, \
    share_with_sds, role_scope_tag_ids, created_at, modified_at, token_state, token_generation, \
    current_token, verified_token, token_expires_at, server_uuid, org_id, server_name, org_name, sync_triggered_at, \
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

const SOURCE: Source<SettingField> = Source {
    columns: COLUMNS,
    table: "onboarding_settings",
    column,
    tie: Column::fixed("id", Holds::FoldedText),
    key: None,
};

fn column(field: SettingField) -> Column {
    let (expression, holds) = match field {
        SettingField::Id => ("id", Holds::FoldedText),
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
    let word = |column| row.get::<String>(column);
    let unknown =
        |what: &str, word: &str| Error::Corrupt(format!("{what} '{word}' is not known to this version"));
    let token_type = word("token_type")?;
    let token_state = word("token_state")?;
    let tags = row.get::<Option<String>>("role_scope_tag_ids")?;
    let current = row.get::<Option<String>>("current_token")?;
    Ok(Setting {
        tenant: row.parse("tenant")?,
        id: row.parse("id")?,
        token_name: row.get("token_name")?,
        apple_identifier: row.get("apple_identifier")?,
        token_type: TokenType::from_word(&token_type)
            .ok_or_else(|| unknown("the token type", &token_type))?,
        data_sharing_consent: row.get("data_sharing_consent")?,
        share_with_school_data_sync: row.get("share_with_sds")?,
        role_scope_tag_ids: tags
            .map(|tags| {
                serde_json::from_str(&tags).map_err(|e| Error::Corrupt(format!("role_scope_tag_ids: {e}")))
            })
            .transpose()?,
        created_at: row.time("created_at")?.unwrap_or_default(),
        modified_at: row.time("modified_at")?.unwrap_or_default(),
        token_state: TokenState::from_word(&token_state)
            .ok_or_else(|| unknown("the token state", &token_state))?,
        token_verified: current.is_some() && current == row.get::<Option<String>>("verified_token")?,
        token_generation: row.get("token_generation")?,
        token_expires_at: row.time("token_expires_at")?,
        server: ServerIdentity {
            server_uuid: row.get("server_uuid")?,
            org_id: row.get("org_id")?,
            server_name: row.get("server_name")?,
            org_name: row.get("org_name")?,
        },
        sync: SyncStatus {
            triggered_at: row.time("sync_triggered_at")?,
            succeeded_at: row.time("sync_succeeded_at")?,
            failures: row.get("sync_failures")?,
            device_count: row.get("device_count")?,
        },
    })
}

fn tags_json(tags: Option<&Vec<String>>) -> Option<String> {
    tags.map(|tags| serde_json::Value::from(tags.clone()).to_string())
}

/// The visible settings of a tenant.
fn scope(tenant: TenantId) -> impl Fn(&mut Sql) {
    move |sql| {
        sql.push("tenant = ").bind(tenant.to_string()).push(" AND deleted_at IS NULL");
    }
}

impl Storage {
    /// The visible setting of that id in that tenant.
    pub async fn setting(&self, tenant: TenantId, id: SettingId) -> Result<Option<Setting>, Error> {
        let row = self
            .db
            .row(
                sql_of_parts(format!(
                    "SELECT {COLUMNS} FROM onboarding_settings WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL"
                ))
                .bind(tenant.to_string())
                .bind(id.to_string()),
            )
            .await?;
        row.as_ref().map(setting).transpose()
    }

    /// Lists the visible settings of a tenant, in the order of their ids when no other is asked for.
    pub async fn settings(
        &self,
        tenant: TenantId,
        query: &ListQuery<SettingField>,
    ) -> Result<Listed<Setting>, Error> {
        SOURCE.list(&self.db, query, scope(tenant), setting).await
    }

    /// Counts the visible settings of a tenant.
    pub async fn count_settings(
        &self,
        tenant: TenantId,
        filter: Option<&Filter<SettingField>>,
    ) -> Result<i64, Error> {
        SOURCE.count(&self.db, filter, scope(tenant)).await
    }

    /// Makes a setting with its first key pair, unless the tenant has `maximum` settings.
    pub async fn create_setting(
        &self,
        setting: &Setting,
        key_pair: &NewKeyPair,
        maximum: i64,
        key: Option<RequestKey>,
        event: &AuditEvent,
    ) -> Result<Created, Error> {
        let sealed = self.seal_private_key(setting.tenant, setting.id, key_pair)?;
        let mut tx = self.db.begin().await?;
        lock_tenant(&mut tx, setting.tenant).await?;
        let exists = |id| {
            sql("SELECT id FROM onboarding_settings WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL")
                .bind(setting.tenant.to_string())
                .bind(SettingId(id).to_string())
        };
        let new = (setting.id.0, setting.created_at);
        if let Some(id) = created_requests::claim(&mut tx, setting.tenant, key, new, exists).await? {
            return Ok(Created::Earlier(SettingId(id)));
        }
        let row = tx
            .row(
                sql("SELECT COUNT(*) AS total FROM onboarding_settings \
                     WHERE tenant = $1 AND deleted_at IS NULL AND token_type <> 'none'")
                .bind(setting.tenant.to_string()),
            )
            .await?;
        if row.map(|row| row.get::<i64>("total")).transpose()?.unwrap_or(0) >= maximum {
            return Ok(Created::TooMany);
        }
        tx.execute_one(
            "making a setting",
            sql("INSERT INTO onboarding_settings (tenant, id, token_name, token_type, data_sharing_consent, \
                 share_with_sds, role_scope_tag_ids, created_at, modified_at, token_state, \
                 token_generation, page_limit, cursor_complete, cursor_revision, sync_failures, device_count, \
                 lease_epoch, lease_until) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, 0, 1000, FALSE, 0, 0, 0, 0, 0)")
            .bind(setting.tenant.to_string())
            .bind(setting.id.to_string())
            .bind(setting.token_name.as_deref())
            .bind(setting.token_type.as_str())
            .bind(setting.data_sharing_consent)
            .bind(setting.share_with_school_data_sync)
            .bind(tags_json(setting.role_scope_tag_ids.as_ref()))
            .bind(setting.created_at)
            .bind(setting.token_state.as_str()),
        )
        .await?;
        Self::insert_key_pair(&mut tx, setting.tenant, setting.id, key_pair, sealed).await?;
        audit::write(&mut tx, setting.tenant, event).await?;
        tx.commit().await?;
        Ok(Created::Done)
    }

    /// Stores what people may change of a setting; false when it is gone.
    pub async fn update_setting(&self, setting: &Setting, event: &AuditEvent) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let touched = tx
            .execute(
                sql("UPDATE onboarding_settings SET token_name = $3, data_sharing_consent = $4, share_with_sds = $5, \
                     role_scope_tag_ids = $6, modified_at = $7 \
                     WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL")
                .bind(setting.tenant.to_string())
                .bind(setting.id.to_string())
                .bind(setting.token_name.as_deref())
                .bind(setting.data_sharing_consent)
                .bind(setting.share_with_school_data_sync)
                .bind(tags_json(setting.role_scope_tag_ids.as_ref()))
                .bind(setting.modified_at),
            )
            .await?;
        if touched == 1 {
            audit::write(&mut tx, setting.tenant, event).await?;
            tx.commit().await?;
        }
        Ok(touched == 1)
    }

    /// Hides a setting and erases its tokens at once; false when there is none. The generation grows, so that whatever
    /// is under way for it is discarded.
    pub async fn soft_delete_setting(
        &self,
        tenant: TenantId,
        id: SettingId,
        seen_generation: i64,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let touched = tx
            .execute(
                sql("UPDATE onboarding_settings SET deleted_at = $3, modified_at = $3, sync_due_at = NULL, \
                     token_state = 'none', assignment_fault = NULL, assignment_failures = 0, current_token = NULL, verified_token = NULL, token_expires_at = NULL, \
                     token_generation = token_generation + 1 \
                     WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL AND token_generation = $4")
                .bind(tenant.to_string())
                .bind(id.to_string())
                .bind(now)
                .bind(seen_generation),
            )
            .await?;
        if touched == 1 {
            for text in [
                "DELETE FROM server_tokens WHERE tenant = $1 AND setting = $2",
                "DELETE FROM apple_waits WHERE tenant = $1 AND setting = $2",
            ] {
                tx.execute(sql(text).bind(tenant.to_string()).bind(id.to_string())).await?;
            }
            audit::write(&mut tx, tenant, event).await?;
            tx.commit().await?;
        }
        Ok(touched == 1)
    }

    /// The hidden settings, with the time at which each was hidden.
    pub async fn soft_deleted_settings(&self) -> Result<Vec<(Setting, Timestamp)>, Error> {
        let rows = self
            .db
            .rows(sql(
                "SELECT * FROM onboarding_settings WHERE deleted_at IS NOT NULL ORDER BY deleted_at, id",
            ))
            .await?;
        rows.iter().map(|row| Ok((setting(row)?, row.time("deleted_at")?.unwrap_or_default()))).collect()
    }

    /// Brings a hidden setting back, without a token. Refused (false) when there is none, or when its server has
    /// another setting by now.
    pub async fn restore_setting(
        &self,
        hidden: &Setting,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        lock_tenant(&mut tx, hidden.tenant).await?;
        if super::onboarding::setting_of_server(&mut tx, hidden.tenant, hidden.id, &hidden.server)
            .await?
            .is_some()
        {
            return Ok(false);
        }
        let touched = tx
            .execute(
                sql("UPDATE onboarding_settings SET deleted_at = NULL, modified_at = $3 \
                     WHERE tenant = $1 AND id = $2 AND deleted_at IS NOT NULL")
                .bind(hidden.tenant.to_string())
                .bind(hidden.id.to_string())
                .bind(now),
            )
            .await?;
        if touched == 1 {
            audit::write(&mut tx, hidden.tenant, event).await?;
            tx.commit().await?;
        }
        Ok(touched == 1)
    }

    /// Removes for good what was hidden before `before`; audit entries stay, and the ids that Apple gave to profiles, by which
    /// a setting that is made again for the server knows what is ours. Answers how many settings went.
    pub async fn purge_settings(&self, before: Timestamp) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let old = tx
            .rows(sql("SELECT tenant, id FROM onboarding_settings WHERE deleted_at < $1").bind(before))
            .await?;
        for row in &old {
            let (tenant, setting): (TenantId, SettingId) = (row.parse("tenant")?, row.parse("id")?);
            for text in [
                "DELETE FROM devices WHERE tenant = $1 AND setting = $2",
                "DELETE FROM device_events WHERE tenant = $1 AND setting = $2",
            ] {
                tx.execute(sql(text).bind(tenant.0).bind(setting.0)).await?;
            }
        }
        for text in [
            "DELETE FROM enrollment_profiles WHERE (tenant, setting) IN \
             (SELECT tenant, id FROM onboarding_settings WHERE deleted_at < $1)",
            "DELETE FROM default_profiles WHERE (tenant, setting) IN \
             (SELECT tenant, id FROM onboarding_settings WHERE deleted_at < $1)",
            "DELETE FROM profile_definitions WHERE (tenant, setting) IN \
             (SELECT tenant, id FROM onboarding_settings WHERE deleted_at < $1)",
            "DELETE FROM in_flight_calls WHERE (tenant, setting) IN \
             (SELECT tenant, id FROM onboarding_settings WHERE deleted_at < $1)",
            "DELETE FROM sync_runs WHERE (tenant, setting) IN \
             (SELECT tenant, id FROM onboarding_settings WHERE deleted_at < $1)",
            "DELETE FROM key_pairs WHERE (tenant, setting) IN \
             (SELECT tenant, id FROM onboarding_settings WHERE deleted_at < $1)",
        ] {
            tx.execute(sql(text).bind(before)).await?;
        }
        let purged =
            tx.execute(sql("DELETE FROM onboarding_settings WHERE deleted_at < $1").bind(before)).await?;
        tx.commit().await?;
        Ok(purged)
    }
}

/// Takes the tenant's row until the end of the transaction, so that checks over several settings hold.
pub(super) async fn lock_tenant(tx: &mut Transaction, tenant: TenantId) -> Result<(), Error> {
    tx.execute_one(
        "taking the tenant's row",
        sql("UPDATE tenants SET bindings = bindings + 1 WHERE id = $1").bind(tenant.to_string()),
    )
    .await
}

/// Takes a visible setting's row until the end of the transaction, before anything of the setting is written, as a sync
/// does too; false when it is gone.
pub(super) async fn take_setting(
    tx: &mut Transaction,
    tenant: TenantId,
    id: SettingId,
) -> Result<bool, Error> {
    let touched = tx
        .execute(
            sql("UPDATE onboarding_settings SET modified_at = modified_at \
                 WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL")
            .bind(tenant.to_string())
            .bind(id.to_string()),
        )
        .await?;
    Ok(touched == 1)
}
