//! Server tokens: what an upload needs to know, and the one transaction by which a token takes effect.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{
    Error, Storage,
    assignment::forget_refusals,
    audit,
    db::{Row, Transaction, sql},
    sealing::SealedField,
    settings,
    sync::{BETWEEN_SYNCS, BETWEEN_SYNCS_MICROS},
};
use adept_domain::{
    AuditEvent, KeyPairId, ServerIdentity, Setting, SettingId, SettingKey, TenantId, TokenId, TokenState,
    TokenType,
};

/// A stored server token, opened: Apple's JSON. No `Debug`.
pub struct StoredToken {
    /// Its row.
    pub id: TokenId,
    /// The pair that opened the file it came in.
    pub key_pair: KeyPairId,
    /// Apple's JSON.
    pub json: Zeroizing<Vec<u8>>,
}

/// Everything that an upload to a setting, or a call to Apple for it, has to know.
pub struct Onboarding {
    /// The setting.
    pub setting: Setting,
    /// The token in use.
    pub current: Option<StoredToken>,
    /// The last one that Apple accepted, where that is another one.
    pub verified: Option<StoredToken>,
}

/// What a token changes.
pub struct TokenChange<'a> {
    /// The generation under which everything was learned.
    pub seen_generation: i64,
    /// The token to store; none when the very same token was uploaded again.
    pub token: Option<NewToken<'a>>,
    /// `appleIdentifier` from now on.
    pub apple_identifier: Option<String>,
    /// `tokenType` from now on.
    pub token_type: TokenType,
    /// What Apple said.
    pub state: TokenState,
    /// The server, as far as known from now on.
    pub server: &'a ServerIdentity,
    /// Whether `server` is bound to the setting by this change, so that no other setting may stand for it.
    pub binds: bool,
    /// Whether Apple accepted the token that is in use from now on.
    pub verified: bool,
    /// Devices per page that Apple allows; none leaves what is known.
    pub page_limit: Option<u32>,
}

/// A token to store.
pub struct NewToken<'a> {
    /// Its row.
    pub id: TokenId,
    /// Apple's JSON.
    pub json: &'a [u8],
    /// The pair that opened it.
    pub key_pair: KeyPairId,
    /// Its end.
    pub expires_at: Timestamp,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenChanged {
    /// It is durable.
    Done,
    /// The setting was deleted, or got another token meanwhile. Nothing was changed.
    Stale,
    /// Another setting stands for this server. Nothing was changed.
    ServerTaken {
        /// That setting.
        setting: SettingId,
        /// Its `tokenName`.
        token_name: Option<String>,
    },
}

fn place<'a>(tenant: TenantId, row: &'a str) -> SealedField<'a> {
    SealedField { table: "server_tokens", column: "token_sealed", tenant, row }
}

impl Storage {
    fn stored_token(&self, key: SettingKey, row: &Row) -> Result<StoredToken, Error> {
        let id: TokenId = row.id("id")?;
        let sealed: Vec<u8> = row.get("token_sealed")?;
        let json = self.key.open(place(key.tenant, &format!("{}/{id}", key.id)), &sealed)?;
        Ok(StoredToken { id, key_pair: row.id("key_pair")?, json })
    }

    /// The setting with its tokens; none when there is no such visible setting.
    pub async fn onboarding(&self, key: SettingKey) -> Result<Option<Onboarding>, Error> {
        let row = self
            .db
            .row(
                super::db::sql_of_parts(format!(
                    "SELECT {} FROM settings WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL",
                    settings::COLUMNS
                ))
                .key(key),
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let setting = settings::setting(&row)?;
        let current: Option<TokenId> = row.optional_id("current_token")?;
        let verified: Option<TokenId> = row.optional_id("verified_token")?;
        let tokens = match current.is_some() || verified.is_some() {
            true => {
                self.db
                    .rows(
                        sql("SELECT id, key_pair, token_sealed FROM server_tokens WHERE tenant = $1 AND setting = $2")
                            .key(key),
                    )
                    .await?
            }
            false => Vec::new(),
        };
        let mut onboarding = Onboarding { setting, current: None, verified: None };
        for token in &tokens {
            let token = self.stored_token(key, token)?;
            if Some(token.id) == current {
                onboarding.current = Some(token);
            } else if Some(token.id) == verified {
                onboarding.verified = Some(token);
            }
        }
        Ok(Some(onboarding))
    }

    /// Makes an upload take effect, and a sync due by it: one transaction, or nothing.
    pub async fn change_token(
        &self,
        key: SettingKey,
        change: &TokenChange<'_>,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<TokenChanged, Error> {
        let sealed = match &change.token {
            Some(token) => {
                Some(self.key.seal(place(key.tenant, &format!("{}/{}", key.id, token.id)), token.json)?)
            }
            None => None,
        };
        let mut tx = self.db.begin().await?;
        if change.binds {
            settings::lock_tenant(&mut tx, key.tenant).await?;
            if let Some((setting, token_name)) =
                settings::setting_of_server(&mut tx, key, change.server).await?
            {
                return Ok(TokenChanged::ServerTaken { setting, token_name });
            }
        }
        if Self::update_setting_of_token(&mut tx, key, change, now).await? != 1 {
            return Ok(TokenChanged::Stale);
        }
        if let (Some(token), Some(sealed)) = (&change.token, sealed) {
            Self::put_token(&mut tx, key, token, sealed).await?;
        }
        Self::drop_unused_tokens(&mut tx, key).await?;
        forget_refusals(&mut tx, key, now).await?;
        audit::write(&mut tx, key.tenant, event).await?;
        tx.commit().await?;
        Ok(TokenChanged::Done)
    }

    async fn update_setting_of_token(
        tx: &mut Transaction,
        key: SettingKey,
        change: &TokenChange<'_>,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let token = change.token.as_ref();
        tx.execute(
            sql("UPDATE settings SET apple_identifier = $4, token_type = $5, token_state = $6, \
                 token_checked_at = $7, modified_at = $7, sync_triggered_at = $7, sync_failures = 0, \
                 assignment_due_at = CASE WHEN assignment_fault IS NULL THEN assignment_due_at ELSE $7 END, \
                 assignment_fault = NULL, assignment_failures = 0, \
                 sync_due_at = CASE WHEN sync_started_at > $17 THEN sync_started_at + $18 ELSE $7 END, \
                 server_uuid = $8, org_id = $9, server_name = $10, org_name = $11, \
                 page_limit = COALESCE($12, page_limit), \
                 token_generation = token_generation + $13, \
                 token_expires_at = COALESCE($14, token_expires_at), \
                 current_token = COALESCE($15, current_token), \
                 verified_token = CASE WHEN $16 THEN COALESCE($15, current_token) ELSE verified_token END \
                 WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL AND token_generation = $3")
            .key(key)
            .bind(change.seen_generation)
            .bind(change.apple_identifier.as_deref())
            .bind(change.token_type.as_str())
            .bind(change.state.as_str())
            .bind(now)
            .bind(change.server.server_uuid.as_deref())
            .bind(change.server.org_id.as_deref())
            .bind(change.server.server_name.as_deref())
            .bind(change.server.org_name.as_deref())
            .bind(change.page_limit.map(i64::from))
            .bind(i64::from(token.is_some()))
            .bind(token.map(|t| t.expires_at))
            .bind(token.map(|t| t.id))
            .bind(change.verified)
            .bind(now.checked_sub(BETWEEN_SYNCS).unwrap_or(now))
            .bind(BETWEEN_SYNCS_MICROS),
        )
        .await
    }

    async fn put_token(
        tx: &mut Transaction,
        key: SettingKey,
        token: &NewToken<'_>,
        sealed: Vec<u8>,
    ) -> Result<(), Error> {
        tx.execute_one(
            "storing a token",
            sql("INSERT INTO server_tokens (tenant, setting, id, key_pair, expires_at, token_sealed) \
                 VALUES ($1, $2, $3, $4, $5, $6)")
            .key(key)
            .bind(token.id)
            .bind(token.key_pair)
            .bind(token.expires_at)
            .bind(sealed),
        )
        .await?;
        Self::mark_current_key(tx, key, token.key_pair).await
    }

    async fn mark_current_key(
        tx: &mut Transaction,
        key: SettingKey,
        key_pair: KeyPairId,
    ) -> Result<(), Error> {
        tx.execute(
            sql("UPDATE key_pairs SET status = CASE WHEN id = $3 THEN 'current' ELSE 'previous' END \
                 WHERE tenant = $1 AND setting = $2 \
                 AND ((id = $3 AND status <> 'current') OR (id <> $3 AND status = 'current'))")
            .key(key)
            .bind(key_pair),
        )
        .await?;
        Ok(())
    }

    /// Whatever is neither in use nor the last verified token goes; it could not be restored anyway.
    pub(super) async fn drop_unused_tokens(tx: &mut Transaction, key: SettingKey) -> Result<(), Error> {
        tx.execute(
            sql("DELETE FROM server_tokens WHERE tenant = $1 AND setting = $2 AND NOT EXISTS \
                 (SELECT 1 FROM settings WHERE settings.tenant = $1 AND settings.id = $2 \
                  AND (current_token = server_tokens.id OR verified_token = server_tokens.id))")
            .key(key),
        )
        .await?;
        Ok(())
    }

    /// Puts the last verified token back in the place of one that Apple refused; false when there is none, or when the
    /// setting has another token by now.
    pub async fn restore_verified_token(
        &self,
        key: SettingKey,
        seen_generation: i64,
        verified: &StoredToken,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let touched = tx
            .execute(
                sql("UPDATE settings SET current_token = verified_token, \
                     token_generation = token_generation + 1, modified_at = $5, sync_due_at = $5, \
                     assignment_due_at = CASE WHEN assignment_fault IS NULL THEN assignment_due_at ELSE $5 END, \
                     assignment_fault = NULL, assignment_failures = 0, \
                     token_state = 'ok', token_expires_at = (SELECT expires_at FROM server_tokens \
                         WHERE tenant = $1 AND setting = $2 AND id = $4) \
                     WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL AND token_generation = $3 \
                     AND verified_token = $4 AND current_token <> $4")
                .key(key)
                .bind(seen_generation)
                .bind(verified.id)
                .bind(now),
            )
            .await?;
        if touched == 1 {
            Self::mark_current_key(&mut tx, key, verified.key_pair).await?;
            Self::drop_unused_tokens(&mut tx, key).await?;
            audit::write(&mut tx, key.tenant, event).await?;
            tx.commit().await?;
        }
        Ok(touched == 1)
    }

    /// Until when Apple asked us to wait for this setting and consumer key (its digest), if that is still to come.
    pub async fn apple_wait(
        &self,
        key: SettingKey,
        consumer: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let row = self
            .db
            .row(
                sql("SELECT until FROM apple_waits WHERE tenant = $1 AND setting = $2 AND consumer = $3 AND until > $4")
                    .key(key)
                    .bind(consumer)
                    .bind(now),
            )
            .await?;
        row.map(|row| row.time("until")).transpose().map(Option::flatten)
    }

    /// Keeps a wait that Apple asked for, unless the setting was purged; a later end wins. Waits that are over are forgotten.
    pub async fn keep_apple_wait(
        &self,
        key: SettingKey,
        consumer: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.execute(
            sql("DELETE FROM apple_waits WHERE tenant = $1 AND setting = $2 AND until <= $3")
                .key(key)
                .bind(now),
        )
        .await?;
        tx.execute(
            sql("INSERT INTO apple_waits (tenant, setting, consumer, until) \
                 SELECT tenant, id, $3, $4 FROM settings WHERE tenant = $1 AND id = $2 \
                 ON CONFLICT (tenant, setting, consumer) DO UPDATE SET until = excluded.until \
                 WHERE apple_waits.until < excluded.until")
            .key(key)
            .bind(consumer)
            .bind(until),
        )
        .await?;
        tx.commit().await
    }
}
