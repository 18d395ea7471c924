//! The one gate to Apple: whether a setting's token may be shown to Apple now, the session for it, and what is kept when
//! Apple asks for a wait. The JSON of stored tokens is read here, once for each use.

use std::sync::Arc;

use adept_apple::{
    account::Account,
    client::{Client, Session},
    error::AppleError,
    token::ServerToken,
};
use jiff::{SignedDuration, Timestamp};

use super::{Clock, Error, apple, apple_session::StoredSession};
use crate::{
    domain::{Setting, SettingKey, TokenId, deadline::later},
    storage::{self, TokenRow},
};

/// Whether Apple may be asked, and with what. Cheap to clone.
#[derive(Clone)]
pub struct AppleAccess {
    pub(super) client: Client,
    pub(super) tokens: storage::Tokens,
    pub(super) sessions: storage::AppleSessions,
    pub(super) clock: Clock,
    /// How long one process alone may open a session; a minute at most.
    pub(super) claim: SignedDuration,
}

/// A setting and the tokens that are kept of it.
pub(super) struct SettingTokens {
    pub(super) setting: Setting,
    pub(super) in_use: Option<TokenInUse>,
    /// The one that was verified last, when another one is in use.
    pub(super) verified: Option<Arc<ServerToken>>,
    /// Whether a newer one than that in use waits to be verified.
    pub(super) has_newer: bool,
}

/// The token in use.
pub(super) struct TokenInUse {
    pub(super) id: TokenId,
    pub(super) token: Arc<ServerToken>,
}

/// The token in use may be shown to Apple.
pub(super) struct Access {
    pub(super) tokens: SettingTokens,
    pub(super) token: Arc<ServerToken>,
    /// For calls with it, under the session that all processes share.
    pub(super) session: Session,
    /// The digest of its consumer key, by which waits are kept.
    pub(super) consumer: String,
}

/// Why Apple is not asked.
pub(super) enum NoAccess {
    /// The setting does not exist any more.
    Gone,
    /// The token is another one than that of the generation, or there is none.
    Superseded(Box<Setting>),
    /// The token's time is over.
    Expired(Box<Setting>),
    /// Apple asked for a wait until then.
    Wait(Box<Setting>, Timestamp),
}

impl AppleAccess {
    /// Access with the token in use, which must be that of `generation` where one is given.
    pub(super) async fn access(
        &self,
        key: SettingKey,
        generation: Option<i64>,
    ) -> Result<Result<Access, NoAccess>, Error> {
        let Some(tokens) = self.tokens_of(key).await? else { return Ok(Err(NoAccess::Gone)) };
        let (setting, now) = (&tokens.setting, self.clock.now());
        let is_other = generation.is_some_and(|generation| generation != setting.token_generation);
        let Some(in_use) = tokens.in_use.as_ref().filter(|_| !is_other) else {
            return Ok(Err(NoAccess::Superseded(Box::new(tokens.setting))));
        };
        if setting.token_expires_at.is_none_or(|expiry| expiry <= now) {
            return Ok(Err(NoAccess::Expired(Box::new(tokens.setting))));
        }
        let token = Arc::clone(&in_use.token);
        if let Some(until) = self.wait(key, &token).await? {
            return Ok(Err(NoAccess::Wait(Box::new(tokens.setting), until)));
        }
        let shared = StoredSession {
            sessions: self.sessions.clone(),
            clock: self.clock.clone(),
            claim: self.claim,
            row: TokenRow { key, token: in_use.id },
            text_key: in_use.id.to_string(),
        };
        let consumer = apple::consumer_digest(token.consumer_key.expose());
        let session = self.client.shared_session(Arc::clone(&token), Arc::new(shared));
        Ok(Ok(Access { tokens, token, session, consumer }))
    }

    /// The setting and its tokens; none when it does not exist.
    pub(super) async fn tokens_of(&self, key: SettingKey) -> Result<Option<SettingTokens>, Error> {
        let Some(stored) = self.tokens.load(key).await? else { return Ok(None) };
        let read = |json: &[u8]| {
            let token = ServerToken::from_json(json);
            token
                .map(Arc::new)
                .map_err(|_| Error::Internal { cause: "a stored server token is not readable".to_owned() })
        };
        let in_use =
            stored.in_use.map(|row| Ok::<_, Error>(TokenInUse { id: row.id, token: read(&row.json)? }));
        Ok(Some(SettingTokens {
            in_use: in_use.transpose()?,
            verified: stored.verified.map(|row| read(&row.json)).transpose()?,
            has_newer: stored.newer.is_some(),
            setting: stored.setting,
        }))
    }

    /// Shows Apple a token that is not stored; its session is this process's own.
    pub(super) async fn show(&self, token: &Arc<ServerToken>) -> Result<Account, AppleError> {
        let session = self.client.session(Arc::clone(token));
        session.authenticate().await?;
        session.account().await
    }

    /// Until when Apple asked not to be asked with this token.
    pub(super) async fn wait(
        &self,
        key: SettingKey,
        token: &ServerToken,
    ) -> Result<Option<Timestamp>, Error> {
        let consumer = apple::consumer_digest(token.consumer_key.expose());
        Ok(self.tokens.apple_wait(key, &consumer, self.clock.now()).await?)
    }

    /// Keeps the wait that Apple asked for by this answer, if it did, whatever becomes of everything else.
    pub(super) async fn keep_wait(
        &self,
        key: SettingKey,
        consumer: &str,
        error: &AppleError,
    ) -> Result<(), Error> {
        let Some(wait) = error.server_wait() else { return Ok(()) };
        let now = self.clock.now();
        let until = later(now, SignedDuration::try_from(wait).unwrap_or_default());
        Ok(self.tokens.keep_apple_wait(key, consumer, until, apple::longest_wait(error), now).await?)
    }

    /// Forgets the session of a token that is not used any more.
    pub(super) fn forget(&self, token: &ServerToken) {
        self.client.forget(token);
    }
}
