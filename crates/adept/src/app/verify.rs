//! What `/account` verifies of the token in use. A token that was taken while terms waited, or whose server Apple never
//! named, is verified by the first good answer; if Apple refuses it, the last verified one comes back. Of a verified one it
//! tells when server or page limit are other ones by now.

use std::sync::Arc;

use adept_apple::{client::Session, error::AppleError};

use super::{
    App, Error, apple,
    apple_session::StoredSession,
    onboarding::{compare, read_stored},
};
use crate::{
    domain::{
        Acceptance, AccountFacts, Caller, Change, ServerIdentity, SettingId, SettingKey, TokenStanding,
        TokenState, TokenType, Verification, accept, setting_state::TokenVerification,
    },
    storage::{Claim, Onboarding, TokenChanged, TokenRow},
};

/// What became of the token.
pub(super) enum Verified {
    /// It is the setting's; go on with so many devices per page.
    Yes {
        /// What Apple allows.
        page_limit: u32,
    },
    /// It belongs to another server, or to one that another setting stands for; nothing is dropped.
    WrongServer,
    /// The setting changed meanwhile; whatever was learned is discarded.
    Superseded,
    /// Apple did not say.
    Failed(AppleError),
}

impl App {
    /// Asks `/account` for the token in use and writes down what it verifies; nothing when everything is known.
    pub(super) async fn verify_token(
        &self,
        claim: &Claim,
        known: &Onboarding,
        session: &Session,
    ) -> Result<Verified, Error> {
        let account = match session.account().await {
            Ok(account) => apple::facts(&account),
            Err(error) => return Ok(Verified::Failed(error)),
        };
        let setting = &known.setting;
        let token_type = TokenType::from_org_type(account.org_type.as_deref());
        let page_limit = account.page_limit;
        let Some((server, binds)) = server_of(known, account)? else {
            return self.wrong_server(known).await;
        };
        let (old_limit, new_limit) = (claim.state.page_limit.to_string(), page_limit.to_string());
        let (old, new) = (&setting.server, &server);
        let changes: Vec<_> = [
            Change::between("serverName", old.server_name.as_deref(), new.server_name.as_deref()),
            Change::between("organization", old.org_name.as_deref(), new.org_name.as_deref()),
            Change::between("tokenType", Some(setting.token_type.as_str()), Some(token_type.as_str())),
            Change::between("pageLimit", Some(&old_limit), Some(&new_limit)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if setting.token_verified && known.newer.is_none() && !binds && changes.is_empty() {
            return Ok(Verified::Yes { page_limit });
        }
        let verification = TokenVerification { token_type, server: server.clone(), page_limit };
        let event = self.event(None, "verifyDepToken", "Action", setting, changes);
        match self
            .storage
            .tokens
            .note_verification(&claim.lease, verification, binds, self.clock.now(), &event)
            .await?
        {
            TokenChanged::Done => Ok(Verified::Yes { page_limit }),
            TokenChanged::Stale => Ok(Verified::Superseded),
            TokenChanged::ServerTaken { .. } => self.wrong_server(known).await,
        }
    }

    /// Asks Apple how it takes the token of one of the caller's settings, and stores nothing but a wait that Apple asks
    /// for. Answers how the token stands, and Apple's code. An expired token is not shown to Apple.
    pub async fn check_token(
        self: Arc<Self>,
        caller: &Caller,
        id: SettingId,
    ) -> Result<(TokenStanding, Option<String>), Error> {
        let known =
            self.storage.tokens.load(SettingKey::new(caller.tenant, id)).await?.ok_or(Error::NO_SETTING)?;
        let setting = &known.setting;
        let now = self.clock.now();
        let expired = setting.token_expires_at.is_some_and(|end| end <= now);
        let Some((session, consumer)) = self.session_of(&known)?.filter(|_| !expired) else {
            return Ok((setting.standing(now), None));
        };
        let stands = |state| TokenStanding::at(now, state, true, setting.token_expires_at);
        if self.storage.tokens.apple_wait(setting.key(), &consumer, now).await?.is_some() {
            return Ok((stands(TokenState::Throttled), None));
        }
        let account = match session.account().await {
            Ok(account) => apple::facts(&account),
            Err(error) => {
                self.keep_wait(setting.key(), &consumer, &error).await?;
                return Ok((stands(apple::state_of(&error)), error.code));
            }
        };
        let state = match server_of(&known, account)? {
            None => TokenState::WrongServer,
            Some((server, true)) if self.storage.tokens.stands_for(setting.key(), &server).await? => {
                TokenState::WrongServer
            }
            Some(_) => TokenState::Ok,
        };
        Ok((stands(state), None))
    }

    async fn wrong_server(&self, known: &Onboarding) -> Result<Verified, Error> {
        match self.restore_other_token(known, TokenState::WrongServer).await? {
            true => Ok(Verified::Superseded),
            false => Ok(Verified::WrongServer),
        }
    }

    /// Uses the other one of two tokens that are kept, since Apple showed `state` of the one in use; false when there is
    /// none.
    pub(super) async fn restore_other_token(
        &self,
        known: &Onboarding,
        state: TokenState,
    ) -> Result<bool, Error> {
        let (name, Some(in_use)) =
            (known.verified.as_ref().map_or("newer", |_| "last verified"), &known.in_use)
        else {
            return Ok(false);
        };
        if known.verified.is_none() && known.newer.is_none() {
            return Ok(false);
        }
        let setting = &known.setting;
        let changes = vec![Change {
            property: "depToken",
            old: Some(format!("a token that Apple showed as {}", state.as_str())),
            new: Some(format!("the {name} token")),
        }];
        let event = self.event(None, "restoreDepToken", "Action", setting, changes);
        let restored = self
            .storage
            .tokens
            .restore_other(
                setting.key(),
                setting.token_generation,
                state,
                self.clock.now(),
                &self.lengths(),
                &event,
            )
            .await?;
        if restored {
            self.apple.forget(&read_stored(in_use)?);
            tracing::warn!(setting = %setting.id, state = state.as_str(), "the {name} server token is used again");
            self.wake_sync.notify_one();
        }
        Ok(restored)
    }

    /// Calls for the token in use, under the session that all processes share, and the digest of its consumer key.
    pub(super) fn session_of(&self, known: &Onboarding) -> Result<Option<(Session, String)>, Error> {
        let Some(stored) = &known.in_use else { return Ok(None) };
        let token = read_stored(stored)?;
        let consumer = apple::consumer_digest(token.consumer_key.expose());
        let shared = StoredSession {
            storage: self.storage.clone(),
            clock: self.clock.clone(),
            claim: self.options.lease,
            row: TokenRow { key: known.setting.key(), token: stored.id },
            text_key: stored.id.to_string(),
        };
        Ok(Some((self.apple.shared_session(Arc::new(token), Arc::new(shared)), consumer)))
    }
}

/// The server of the token in use as known from now on, and whether the setting is bound by that; none when it is not
/// the setting's.
fn server_of(known: &Onboarding, account: AccountFacts) -> Result<Option<(ServerIdentity, bool)>, Error> {
    let Some(current) = &known.in_use else { return Ok(None) };
    let compared = compare(known, &read_stored(current)?)?;
    Ok(match accept(&compared, &Verification::Account(account)) {
        Ok(Acceptance::Repeated { server, binds }) => Some((server, binds)),
        _ => None,
    })
}
