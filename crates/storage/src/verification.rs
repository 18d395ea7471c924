//! What Apple's `/account` verified of the token in use, noted under the lease of the run that asked. It makes nothing
//! due: the run that asked goes on by itself.

use jiff::Timestamp;

use super::{
    Error, Storage, audit,
    db::sql,
    lease::Lease,
    onboarding::TokenChanged,
    settings::{self, setting_of_server},
};
use adept_domain::{AuditEvent, ServerIdentity, SettingKey, TokenType};

/// What is known of a token and its server from now on.
pub struct TokenVerification<'a> {
    /// `tokenType`.
    pub token_type: TokenType,
    /// The server, as far as known.
    pub server: &'a ServerIdentity,
    /// Whether `server` is bound to the setting by this, so that no other setting may stand for it.
    pub binds: bool,
    /// Devices per page that Apple allows.
    pub page_limit: u32,
}

impl Storage {
    /// Notes that Apple accepts the token in use, and whose it is: one transaction, or nothing.
    pub async fn note_verification(
        &self,
        lease: &Lease,
        verification: &TokenVerification<'_>,
        now: Timestamp,
        event: &AuditEvent,
    ) -> Result<TokenChanged, Error> {
        let Lease { key, epoch, generation } = *lease;
        let server = verification.server;
        let mut tx = self.db.begin().await?;
        if verification.binds {
            settings::lock_tenant(&mut tx, key.tenant).await?;
            if let Some((setting, token_name)) = setting_of_server(&mut tx, key, server).await? {
                return Ok(TokenChanged::ServerTaken { setting, token_name });
            }
        }
        let touched = tx
            .execute(
                sql("UPDATE settings SET token_type = $5, verified_token = current_token, \
                     token_state = COALESCE(assignment_fault, 'ok'), token_checked_at = $6, modified_at = $6, \
                     server_uuid = $7, org_id = $8, server_name = $9, org_name = $10, page_limit = $11 \
                     WHERE tenant = $1 AND id = $2 AND lease_epoch = $3 AND token_generation = $4 \
                     AND deleted_at IS NULL")
                .key(key)
                .bind(epoch)
                .bind(generation)
                .bind(verification.token_type.as_str())
                .bind(now)
                .bind(server.server_uuid.as_deref())
                .bind(server.org_id.as_deref())
                .bind(server.server_name.as_deref())
                .bind(server.org_name.as_deref())
                .bind(i64::from(verification.page_limit)),
            )
            .await?;
        if touched != 1 {
            return Ok(TokenChanged::Stale);
        }
        Self::drop_unused_tokens(&mut tx, key).await?;
        audit::write(&mut tx, key.tenant, event).await?;
        tx.commit().await?;
        Ok(TokenChanged::Done)
    }

    /// Whether another visible setting of the tenant than `except` stands for `server`.
    pub async fn stands_for(&self, except: SettingKey, server: &ServerIdentity) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        Ok(setting_of_server(&mut tx, except, server).await?.is_some())
    }
}
