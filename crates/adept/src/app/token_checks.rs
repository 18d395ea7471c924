//! What `/account` verifies of the token in use. A token that was taken while terms waited, or whose server Apple never
//! named, is verified by the first good answer; if Apple refuses it, the last verified one comes back. Of a verified one it
//! tells when server or page limit are other ones by now.

use super::{
    Error, Tokens, apple,
    apple_access::{Access, NoAccess, SettingTokens},
    audit::event,
    sync::Outcome,
    token_uploads::compare,
};
use crate::{
    domain::{
        Acceptance, AccountFacts, Caller, Change, ServerIdentity, Setting, SettingId, SettingKey,
        TokenStanding, TokenState, TokenType, Verification, accept, setting_state::TokenVerification,
    },
    storage::{Claim, TokenChanged},
};

impl Tokens {
    /// Asks `/account` for the token in use and writes down what it verifies; nothing when everything is known. Answers how
    /// many devices a page may hold when the token is this setting's; otherwise how the sync ends.
    pub(super) async fn verify_token(&self, claim: &Claim, access: &Access) -> Result<u32, Outcome> {
        let account = apple::facts(&access.session.account().await.map_err(Outcome::Apple)?);
        let setting = &access.tokens.setting;
        let token_type = TokenType::from_org_type(account.org_type.as_deref());
        let page_limit = account.page_limit;
        let Some((server, binds)) = server_of(access, account) else {
            return Err(self.wrong_server(&access.tokens).await?);
        };
        let (old_limit, new_limit) = (claim.state.page_limit.to_string(), page_limit.to_string());
        let (old, new) = (&setting.server, &server);
        let changes = Change::among([
            ("serverName", old.server_name.as_deref(), new.server_name.as_deref()),
            ("organization", old.org_name.as_deref(), new.org_name.as_deref()),
            ("tokenType", Some(setting.token_type.as_str()), Some(token_type.as_str())),
            ("pageLimit", Some(&old_limit), Some(&new_limit)),
        ]);
        if setting.token_verified && !access.tokens.has_newer && !binds && changes.is_empty() {
            return Ok(page_limit);
        }
        let verification = TokenVerification { token_type, server: server.clone(), page_limit };
        let event = event(&self.clock, None, "verifyDepToken", setting, changes);
        match self
            .tokens
            .note_verification(&claim.lease, verification, binds, self.clock.now(), &event)
            .await?
        {
            TokenChanged::Done => Ok(page_limit),
            TokenChanged::Stale => Err(Outcome::Superseded),
            TokenChanged::ServerTaken { .. } => Err(self.wrong_server(&access.tokens).await?),
        }
    }

    /// Asks Apple how it takes the token of one of the caller's settings, and stores nothing but a wait that Apple asks
    /// for. Answers how the token stands, and Apple's code. An expired token is not shown to Apple.
    pub async fn check_token(
        &self,
        caller: &Caller,
        id: SettingId,
    ) -> Result<(TokenStanding, Option<String>), Error> {
        let now = self.clock.now();
        let stands = |setting: &Setting, state| TokenStanding::at(now, state, true, setting.token_expires_at);
        let access = match self.apple.access(SettingKey::new(caller.tenant, id), None).await? {
            Ok(access) => access,
            Err(NoAccess::Gone) => return Err(Error::NO_SETTING),
            Err(NoAccess::Superseded(setting) | NoAccess::Expired(setting)) => {
                return Ok((setting.standing(now), None));
            }
            Err(NoAccess::Wait(setting, _)) => return Ok((stands(&setting, TokenState::Throttled), None)),
        };
        let setting = &access.tokens.setting;
        let account = match access.session.account().await {
            Ok(account) => apple::facts(&account),
            Err(error) => {
                self.apple.keep_wait(setting.key(), &access.consumer, &error).await?;
                return Ok((stands(setting, apple::state_of(&error)), error.code));
            }
        };
        let state = match server_of(&access, account) {
            None => TokenState::WrongServer,
            Some((server, true)) if self.tokens.stands_for(setting.key(), &server).await? => {
                TokenState::WrongServer
            }
            Some(_) => TokenState::Ok,
        };
        Ok((stands(setting, state), None))
    }

    /// The token belongs to another server, or to one that another setting stands for; nothing is dropped.
    async fn wrong_server(&self, known: &SettingTokens) -> Result<Outcome, Error> {
        Ok(match self.restore_other_token(known, TokenState::WrongServer).await? {
            true => Outcome::Superseded,
            false => Outcome::State(TokenState::WrongServer),
        })
    }

    /// Uses the other one of two tokens that are kept, since Apple showed `state` of the one in use; false when there is
    /// none.
    pub(super) async fn restore_other_token(
        &self,
        known: &SettingTokens,
        state: TokenState,
    ) -> Result<bool, Error> {
        let name = match (&known.verified, known.has_newer) {
            (Some(_), _) => "last verified",
            (None, true) => "newer",
            (None, false) => return Ok(false),
        };
        let Some(in_use) = &known.in_use else { return Ok(false) };
        let setting = &known.setting;
        let old = format!("a token that Apple showed as {}", state.as_str());
        let changes = Change::among([("depToken", Some(&old), Some(&format!("the {name} token")))]);
        let event = event(&self.clock, None, "restoreDepToken", setting, changes);
        let restored = self
            .tokens
            .restore_other(
                setting.key(),
                setting.token_generation,
                state,
                self.clock.now(),
                &self.lengths,
                &event,
            )
            .await?;
        if restored {
            self.apple.forget(&in_use.token);
            tracing::warn!(setting = %setting.id, state = state.as_str(), "the {name} server token is used again");
            self.wake.notify_one();
        }
        Ok(restored)
    }
}

/// The server of the token in use as known from now on, and whether the setting is bound by that; none when it is not
/// the setting's.
fn server_of(access: &Access, account: AccountFacts) -> Option<(ServerIdentity, bool)> {
    let compared = compare(&access.tokens, &access.token);
    match accept(&compared, &Verification::Account(account)) {
        Ok(Acceptance::Repeated { server, binds }) => Some((server, binds)),
        _ => None,
    }
}
