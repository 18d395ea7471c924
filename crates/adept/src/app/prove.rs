//! A token that was taken while terms waited, or whose server Apple never named, is proven by the first good answer of
//! `/account`; if Apple refuses it, the last proven one comes back.

use std::sync::Arc;

use adept_apple::{client::Session, error::AppleError};
use jiff::SignedDuration;

use super::{App, Error, apple, apple_session::StoredSession, onboarding::read_stored};
use crate::{
    domain::{
        Acceptance, Caller, Change, Known, Proof, SettingId, TokenStanding, TokenState, TokenType, accept,
    },
    storage::{Onboarding, TokenChange, TokenChanged, TokenRow},
};

/// What became of the token.
pub(super) enum Proven {
    /// It is the setting's; go on.
    Yes,
    /// It belongs to another server, or to one that another setting stands for; nothing is dropped.
    WrongServer,
    /// The setting changed meanwhile; whatever was learned is discarded.
    Overtaken,
    /// Apple did not say.
    Failed(AppleError),
}

impl App {
    /// Asks `/account` for the token in use and writes down what it proves.
    pub(super) async fn prove_token(&self, known: &Onboarding, session: &Session) -> Result<Proven, Error> {
        let account = match session.account().await {
            Ok(account) => apple::facts(&account),
            Err(error) => return Ok(Proven::Failed(error)),
        };
        let setting = &known.setting;
        let compared = Known { server: setting.server.clone(), same_as_current: true, token: None };
        let token_type = TokenType::from_org_type(account.org_type.as_deref());
        let page_limit = Some(account.page_limit);
        let Ok(Acceptance::Repeated { server, binds }) = accept(&compared, &Proof::Account(account)) else {
            return self.wrong_server(known).await;
        };
        let change = TokenChange {
            seen_generation: setting.token_generation,
            token: None,
            apple_identifier: setting.apple_identifier.clone(),
            token_type,
            state: TokenState::Ok,
            server: &server,
            binds,
            proven: true,
            page_limit,
        };
        let changes = Change::between(
            "serverName",
            setting.server.server_name.as_deref(),
            server.server_name.as_deref(),
        );
        let event = self.event(None, "proveDepToken", "Action", setting, changes.into_iter().collect());
        match self.storage.change_token(setting.tenant, setting.id, &change, self.clock.now(), &event).await?
        {
            TokenChanged::Done => Ok(Proven::Yes),
            TokenChanged::Stale => Ok(Proven::Overtaken),
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
        let known = self.storage.onboarding(caller.tenant, id).await?.ok_or(Error::NO_SETTING)?;
        let setting = &known.setting;
        let now = self.clock.now();
        let expired = setting.token_expires_at.is_some_and(|end| end <= now);
        let Some((session, consumer)) = self.session_of(&known)?.filter(|_| !expired) else {
            return Ok((setting.standing(now), None));
        };
        let stands = |state| TokenStanding::at(now, state, true, setting.token_expires_at);
        if self.storage.apple_wait(setting.tenant, id, &consumer, now).await?.is_some() {
            return Ok((stands(TokenState::Throttled), None));
        }
        let account = match session.account().await {
            Ok(account) => apple::facts(&account),
            Err(error) => {
                if let Some(wait) = apple::wait_of(&error) {
                    let wait = SignedDuration::try_from(wait).unwrap_or_default();
                    let until = now.checked_add(wait).unwrap_or(now);
                    self.storage.keep_apple_wait(setting.tenant, id, &consumer, until, now).await?;
                }
                return Ok((stands(apple::state_of(&error)), error.code));
            }
        };
        let compared = Known { server: setting.server.clone(), same_as_current: true, token: None };
        let state = match accept(&compared, &Proof::Account(account)) {
            Ok(_) => TokenState::Ok,
            Err(_) => TokenState::WrongServer,
        };
        Ok((stands(state), None))
    }

    async fn wrong_server(&self, known: &Onboarding) -> Result<Proven, Error> {
        match self.bring_back_proven(known, TokenState::WrongServer).await? {
            true => Ok(Proven::Overtaken),
            false => Ok(Proven::WrongServer),
        }
    }

    /// Puts the last proven token back in the place of an unproven one that showed `state`.
    pub(super) async fn bring_back_proven(
        &self,
        known: &Onboarding,
        state: TokenState,
    ) -> Result<bool, Error> {
        let (Some(proven), Some(current)) = (&known.proven, &known.current) else { return Ok(false) };
        let setting = &known.setting;
        let changes = vec![Change {
            property: "depToken",
            old: Some(format!("a token that Apple showed as {}", state.as_str())),
            new: Some("the last proven token".to_owned()),
        }];
        let event = self.event(None, "restoreDepToken", "Action", setting, changes);
        let now = self.clock.now();
        let back = self
            .storage
            .restore_proven_token(setting.tenant, setting.id, setting.token_generation, proven, now, &event)
            .await?;
        if back {
            self.apple.forget(&read_stored(current)?);
            tracing::warn!(setting = %setting.id, state = state.as_str(), "the last proven server token came back");
            self.wake_sync.notify_one();
        }
        Ok(back)
    }

    /// Calls for the token in use, under the session that all processes share, and the digest of its consumer key.
    pub(super) fn session_of(&self, known: &Onboarding) -> Result<Option<(Session, String)>, Error> {
        let Some(stored) = &known.current else { return Ok(None) };
        let token = read_stored(stored)?;
        let consumer = apple::consumer_digest(token.consumer_key.expose());
        let shared = StoredSession {
            storage: self.storage.clone(),
            clock: self.clock.clone(),
            claim: self.options.lease,
            row: TokenRow {
                tenant: known.setting.tenant,
                setting: known.setting.id,
                token: stored.id.clone(),
            },
        };
        Ok(Some((self.apple.shared_session(Arc::new(token), Arc::new(shared)), consumer)))
    }
}
