//! Server tokens: what an upload needs to know, and the one transaction by which a token takes effect.

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::{
    Error, Tokens,
    assignment::forget_refusals,
    audit,
    db::{Row, Transaction, sql, sql_of_parts},
    erasures,
    sealing::SealedField,
    setting_state::{lock, save},
    settings::{self, setting_of_server},
};
use adept_domain::{
    AuditEvent, CLOCKS_APART, Fence, KeyPairId, Lease, ServerIdentity, Setting, SettingId, SettingKey,
    SettingState, TokenId, TokenState,
    deadline::{Lengths, horizon, is_over},
    setting_state::{TokenChange, TokenSwap, TokenVerification},
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
pub struct StoredTokens {
    /// The setting.
    pub setting: Setting,
    /// The token in use.
    pub in_use: Option<StoredToken>,
    /// The last one that Apple accepted, where that is another one.
    pub verified: Option<StoredToken>,
    /// A newer one that Apple refused while the verified one is used again.
    pub newer: Option<StoredToken>,
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

fn place(key: SettingKey, id: TokenId) -> SealedField {
    SealedField::of_setting("server_tokens", "token_sealed", key, id)
}

impl Tokens {
    fn stored_token(&self, key: SettingKey, row: &Row) -> Result<StoredToken, Error> {
        let id = row.get("id")?;
        let json = self.key.open(&place(key, id), &row.get::<Vec<u8>>("token_sealed")?)?;
        Ok(StoredToken { id, key_pair: row.get("key_pair")?, json })
    }

    /// The setting with its tokens; none when there is no such setting.
    pub async fn load(&self, key: SettingKey) -> Result<Option<StoredTokens>, Error> {
        let select = sql_of_parts(format!(
            "SELECT {}, token_newer FROM setting_overview WHERE tenant = $1 AND id = $2 \
             AND deleted_at IS NULL",
            settings::COLUMNS
        ))
        .bind(key)
        .by_key();
        let Some(row) = self.db.row(select).await? else { return Ok(None) };
        let mut onboarding =
            StoredTokens { setting: settings::setting(&row)?, in_use: None, verified: None, newer: None };
        let slot = |column| row.get::<Option<TokenId>>(column);
        let (in_use, verified, newer) =
            (slot("token_in_use")?, slot("token_verified")?, slot("token_newer")?);
        if in_use.is_none() {
            return Ok(Some(onboarding));
        }
        let select = sql("SELECT id, key_pair, expires_at, token_sealed FROM server_tokens \
            WHERE tenant = $1 AND setting = $2")
        .bind(key)
        .by_key();
        let tokens: Vec<_> = self.db.all(select, |row| self.stored_token(key, row)).await?;
        for token in tokens {
            match Some(token.id) {
                id if id == in_use => onboarding.in_use = Some(token),
                id if id == verified => onboarding.verified = Some(token),
                id if id == newer => onboarding.newer = Some(token),
                _ => {}
            }
        }
        Ok(Some(onboarding))
    }

    /// Makes an upload take effect, and a sync due by it: one transaction, or nothing. `binds`: the setting is bound to the
    /// server by it, for which no other setting of the tenant may stand.
    pub async fn change(
        &self,
        key: SettingKey,
        seen_generation: i64,
        (change, token): (TokenChange, Option<NewToken<'_>>),
        binds: bool,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<TokenChanged, Error> {
        let seal = |token: &NewToken<'_>| self.key.seal(&place(key, token.id), token.json);
        let sealed = token.as_ref().map(seal).transpose()?;
        let mut tx = self.db.begin().await?;
        if binds && let Some(taken) = server_taken(&mut tx, key, &change.server).await? {
            return Ok(taken);
        }
        let Some(mut state) = lock(&mut tx, key, &Fence::Generation(seen_generation)).await? else {
            return Ok(TokenChanged::Stale);
        };
        state.on_upload(change, now);
        if forget_refusals(&mut tx, key).await? {
            state.on_devices_changed(now, false);
        }
        if let (Some(token), Some(sealed)) = (&token, sealed) {
            let insert = sql("INSERT INTO server_tokens (tenant, setting, id, key_pair, expires_at, \
                token_sealed) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind((key, token.id, token.key_pair, token.expires_at, sealed));
            tx.execute_one("storing a token", insert).await?;
            mark_current_key(&mut tx, key, token.key_pair).await?;
        }
        finish(tx, &state, event).await?;
        Ok(TokenChanged::Done)
    }

    /// Notes that Apple accepts the token in use, and whose it is: one transaction, or nothing. It makes nothing due: the
    /// run that asked goes on by itself.
    pub async fn note_verification(
        &self,
        lease: &Lease,
        verification: TokenVerification,
        binds: bool,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<TokenChanged, Error> {
        let key = lease.key;
        let mut tx = self.db.begin().await?;
        if binds && let Some(taken) = server_taken(&mut tx, key, &verification.server).await? {
            return Ok(taken);
        }
        let Some(mut state) = lock(&mut tx, key, &Fence::Lease(*lease)).await? else {
            return Ok(TokenChanged::Stale);
        };
        state.on_verified(verification, now);
        finish(tx, &state, event).await?;
        Ok(TokenChanged::Done)
    }

    /// Uses the other one of two tokens that are kept, since Apple refuses the one in use. False when there is none, when
    /// it has expired, or when the setting has another token in use by now.
    pub async fn restore_other(
        &self,
        key: SettingKey,
        seen_generation: i64,
        refused: TokenState,
        now: Timestamp,
        lengths: &Lengths,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let Some(mut state) = lock(&mut tx, key, &Fence::Generation(seen_generation)).await? else {
            return Ok(false);
        };
        let Some(other) = state.token.other() else { return Ok(false) };
        let select = sql("SELECT key_pair, expires_at FROM server_tokens WHERE tenant = $1 \
            AND setting = $2 AND id = $3")
        .bind((key, other));
        let Some(row) = tx.row(select).await? else { return Ok(false) };
        let expires_at = row.get("expires_at")?;
        // It stays all the same: a clock that is wrong for a moment must not cost a token.
        if expires_at <= now {
            return Ok(false);
        }
        state.on_restored(TokenSwap { to: other, expires_at }, refused, now, lengths);
        mark_current_key(&mut tx, key, row.get("key_pair")?).await?;
        finish(tx, &state, event).await?;
        Ok(true)
    }

    /// Whether another setting of the tenant than `except` stands for `server`.
    pub async fn stands_for(&self, except: SettingKey, server: &ServerIdentity) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        Ok(setting_of_server(&mut tx, except, server).await?.is_some())
    }

    /// Until when Apple asked us to wait for this setting and consumer key (its digest), if that is still to come. A wait
    /// that lies further ahead than one of its kind may is not believed, and lifted: its time would come near later.
    pub async fn apple_wait(
        &self,
        key: SettingKey,
        consumer: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let select = sql("SELECT until, longest FROM apple_waits WHERE tenant = $1 AND setting = $2 \
            AND consumer = $3")
        .bind((key, consumer))
        .by_key();
        let Some(row) = self.db.row(select).await? else { return Ok(None) };
        let longest = SignedDuration::from_micros(row.get("longest")?);
        let until = row.get("until")?;
        if until > horizon(now, longest) {
            let lift = sql("DELETE FROM apple_waits WHERE tenant = $1 AND setting = $2 AND consumer = $3 \
                AND until = $4");
            self.db.write(lift.bind((key, consumer, until))).await?;
        }
        Ok(Some(until).filter(|until| !is_over(*until, now, longest)))
    }

    /// Keeps a wait that Apple asked for, unless the setting was purged; its kind lasts `longest` at most; of two that are to come the later end wins.
    pub async fn keep_apple_wait(
        &self,
        key: SettingKey,
        consumer: &str,
        until: Timestamp,
        longest: SignedDuration,
        now: Timestamp,
    ) -> Result<(), Error> {
        let longest = i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
        let insert = sql("INSERT INTO apple_waits (tenant, setting, consumer, until, longest) \
            SELECT tenant, id, $3, $4, $5 FROM settings WHERE tenant = $1 AND id = $2 \
            ON CONFLICT (tenant, setting, consumer) DO UPDATE \
            SET until = excluded.until, longest = excluded.longest \
            WHERE apple_waits.until < excluded.until OR apple_waits.until > $6 + apple_waits.longest + $7")
        .bind((key, consumer, until, longest, now))
        .bind(i64::try_from(CLOCKS_APART.as_micros()).unwrap_or(i64::MAX));
        self.db.write(insert).await.map(drop)
    }

    /// Lifts the waits of a setting: somebody asks Apple all the same.
    pub async fn lift_apple_waits(&self, key: SettingKey) -> Result<(), Error> {
        let delete = sql("DELETE FROM apple_waits WHERE tenant = $1 AND setting = $2").bind(key);
        self.db.write(delete).await.map(drop)
    }
}

/// Locks the tenant, so that the check holds, and answers whether another of its settings stands for the server.
async fn server_taken(
    tx: &mut Transaction,
    key: SettingKey,
    server: &ServerIdentity,
) -> Result<Option<TokenChanged>, Error> {
    settings::lock_tenant(tx, key.tenant).await?;
    let taken = setting_of_server(tx, key, server).await?;
    Ok(taken.map(|(setting, token_name)| TokenChanged::ServerTaken { setting, token_name }))
}

async fn mark_current_key(tx: &mut Transaction, key: SettingKey, key_pair: KeyPairId) -> Result<(), Error> {
    let update = sql("UPDATE key_pairs SET status = CASE WHEN id = $3 THEN 'current' ELSE 'previous' END \
        WHERE tenant = $1 AND setting = $2 AND ((id = $3 AND status <> 'current') OR (id <> $3 \
        AND status = 'current'))")
    .bind((key, key_pair));
    tx.execute_any(update).await
}

/// Saves the state and commits. What no slot of the setting names goes; nothing could bring it back.
async fn finish(mut tx: Transaction, state: &SettingState, event: &AuditEvent) -> Result<(), Error> {
    save(&mut tx, state).await?;
    let token = &state.token;
    let unused = "server_tokens WHERE tenant = $1 AND setting = $2 AND ($3 IS NULL OR id <> $3) \
        AND ($4 IS NULL OR id <> $4) AND ($5 IS NULL OR id <> $5)";
    let used = (state.key, token.in_use, token.verified, token.newer);
    erasures::note(&mut tx, unused, used).await?;
    tx.execute_any(sql_of_parts(format!("DELETE FROM {unused}")).bind(used)).await?;
    audit::commit(tx, state.key.tenant, event).await
}
