//! The upload of a server token, the heart of the service: open it, verify it at Apple, decide, save.
//!
//! A refused upload leaves nothing behind but an entry of the audit log, the count of failed opens and, where Apple asked for one,
//! a wait.

use std::{sync::Arc, time::Duration};

use adept_apple::{account::Account, error::AppleError, key_pair::PrivateKey, token::ServerToken};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Access, AccessAudit, Clock, Error, apple,
    apple_access::{AppleAccess, SettingTokens},
    audit::event,
    cores::Cores,
    failpoint,
    keyed_mutex::KeyedMutex,
    open_budget::OpenBudgets,
};
use crate::{
    domain::{
        Acceptance, AccessActor, AccessKind, AuditResource, Caller, Change, ClientAddress, KeyPairId, Known,
        Origin, Refusal, ServerIdentity, Setting, SettingId, SettingKey, TokenComparison, TokenId,
        TokenState, TokenType, Verification, accept, deadline::Lengths, setting_state::TokenChange,
    },
    storage::{self, NewToken, TokenChanged},
};

/// Everything together, waiting for one's turn included.
const UPLOAD_TIME: Duration = Duration::from_secs(20);

/// How often an upload that was superseded by another starts again.
const ATTEMPTS: usize = 3;

/// When an upload may be tried again that failed for a reason of the moment.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The most of a reason that the audit log keeps, in characters.
const LONGEST_REASON: usize = 1024;

/// What a client uploads.
pub struct TokenUpload {
    /// `appleId`: kept as it is when null or empty.
    pub apple_id: Option<String>,
    /// `depToken`: the file's text, or one of the spellings of `adept_apple::token`.
    pub dep_token: Zeroizing<String>,
}

/// An upload that was opened.
struct Offer {
    apple_id: Option<String>,
    token: Arc<ServerToken>,
    key_pair: KeyPairId,
}

/// Server tokens: their uploads, and what Apple says of those in use.
pub struct Tokens {
    pub(super) tokens: storage::Tokens,
    pub(super) key_pairs: storage::KeyPairs,
    pub(super) apple: AppleAccess,
    pub(super) cores: Cores,
    pub(super) opens: OpenBudgets,
    pub(super) access_audit: Arc<AccessAudit>,
    /// Entries of unreadable uploads that a log line tells of.
    pub(super) warned: moka::sync::Cache<Uuid, ()>,
    /// Parsed private keys; parsing one costs half an RSA operation. aws-lc zeroizes them when they are dropped.
    pub(super) private_keys: moka::sync::Cache<KeyPairId, Arc<PrivateKey>>,
    pub(super) mutex: KeyedMutex,
    pub(super) clock: Clock,
    pub(super) lengths: Lengths,
    pub(super) wake: Arc<Notify>,
}

impl Tokens {
    /// Uploads a server token: on `Ok` it is verified (or waits for terms), sealed and durable, and a sync is due.
    pub async fn upload_token(
        &self,
        origin: &Origin,
        id: SettingId,
        upload: TokenUpload,
    ) -> Result<(), Error> {
        let key = SettingKey::new(origin.caller.tenant, id);
        let deadline = Instant::now() + UPLOAD_TIME;
        let _turn = timeout_at(deadline, self.mutex.take(id)).await.map_err(|_| too_slow())?;
        let known = self.apple.tokens_of(key).await?.ok_or(Error::NO_SETTING)?;
        let resource = AuditResource::from(&known.setting);
        let uploaded = self.upload(origin, known, upload, deadline).await;
        if let Err(error) = &uploaded {
            self.note_refused(origin, resource, error);
        }
        uploaded
    }

    async fn upload(
        &self,
        origin: &Origin,
        mut known: SettingTokens,
        upload: TokenUpload,
        deadline: Instant,
    ) -> Result<(), Error> {
        let key = known.setting.key();
        if key.id.0 == key.tenant.0 {
            return Err(Error::invalid(
                "This setting stands for Apple Configurator and takes no server token. Nothing was changed.",
            ));
        }
        let (token, key_pair) = self.open_token(&origin.caller, key, upload.dep_token).await?;
        let expiry = token.access_token_expiry;
        if expiry <= self.clock.now() {
            return Err(Error::Invalid(format!(
                "The server token expired on {expiry}. Nothing was changed. Download a new one in Apple Business or \
                 School Manager and upload that."
            )));
        }
        let apple_id = upload.apple_id.filter(|text| !text.trim().is_empty());
        let offer = Offer { apple_id, token: Arc::new(token), key_pair };
        self.refuse_while_waiting(key, &offer.token).await?;
        failpoint::at("upload-opened");

        for _ in 0..ATTEMPTS {
            let asked = timeout_at(deadline, self.apple.show(&offer.token)).await.map_err(|_| too_slow())?;
            let verification = self.verification(key, &offer, asked).await?;
            failpoint::at("upload-verified");
            match self.save(origin, &known, &offer, &verification).await? {
                TokenChanged::Done => {
                    failpoint::at("upload-saved");
                    if let Some(old) = known.in_use.filter(|old| old.token != offer.token) {
                        self.apple.forget(&old.token);
                    }
                    self.wake.notify_one();
                    return Ok(());
                }
                TokenChanged::Stale => {
                    known = self.apple.tokens_of(key).await?.ok_or(Error::NO_SETTING)?;
                }
                TokenChanged::ServerTaken { setting, token_name } => {
                    return Err(server_taken(setting, token_name));
                }
            }
        }
        Err(Error::unavailable(
            "Other uploads to this setting superseded this one again and again. Nothing was changed by it; try again.",
            Some(RETRY_AFTER),
            "the token generation changed three times during one upload",
        ))
    }

    fn note_refused(&self, origin: &Origin, resource: AuditResource, error: &Error) {
        let kind = match error {
            Error::Unreadable(_) | Error::TooManyFailedOpens { .. } => AccessKind::UploadUnreadable,
            Error::Invalid(_) | Error::Conflict(_) => AccessKind::UploadRefused,
            _ => return,
        };
        let Caller { tenant, client, address, .. } = &origin.caller;
        let setting = resource.id.clone();
        let entry = self.access_audit.note(Access {
            kind,
            tenant: Some(*tenant),
            actor: AccessActor::Verified(origin.caller.clone()),
            address: address.map(ClientAddress),
            resource,
            reason: Some(error.to_string().chars().take(LONGEST_REASON).collect()),
            request: origin.request,
        });
        if kind == AccessKind::UploadUnreadable && self.warned.entry(entry).or_insert(()).is_fresh() {
            let client = client.map(|client| client.to_string());
            let address = address.map(|address| address.to_string());
            tracing::warn!(
                %tenant, setting, client, address, request_id = %origin.request,
                "a server token that is sealed to a key pair of this setting could not be opened; of those within this \
                 minute only the first is logged"
            );
        }
    }

    async fn refuse_while_waiting(&self, key: SettingKey, token: &ServerToken) -> Result<(), Error> {
        let Some(until) = self.apple.wait(key, token).await? else { return Ok(()) };
        let rest = Duration::try_from(until.duration_since(self.clock.now())).unwrap_or_default();
        Err(Error::unavailable(
            "Apple asked us to wait before it is asked about this token again. Nothing was changed; try again when the \
             time is over.",
            Some(rest.max(Duration::from_secs(1))),
            format!("Apple's wait lasts until {until}"),
        ))
    }

    /// What Apple's answer verifies; a refusal of Apple's becomes one of ours.
    async fn verification(
        &self,
        key: SettingKey,
        offer: &Offer,
        asked: Result<Account, AppleError>,
    ) -> Result<Verification, Error> {
        let error = match asked {
            Ok(account) => return Ok(Verification::Account(apple::facts(&account))),
            Err(error) => error,
        };
        let fault = apple::fault_of(&error);
        let state = if fault.is_bare { TokenState::NotUnderstood } else { fault.state };
        tracing::info!(state = state.as_str(), setting = %key.id, "Apple did not accept an uploaded token: {error}");
        let consumer = apple::consumer_digest(offer.token.consumer_key.expose());
        self.apple.keep_wait(key, &consumer, &error).await?;
        match state {
            TokenState::Terms => Ok(Verification::TermsNotSigned),
            state if fault.is_about_credential && !fault.is_bare => Err(Error::Invalid(format!(
                "Apple does not accept this server token ({}). Nothing was changed. {}",
                error.code.as_deref().unwrap_or("no reason given"),
                state.sentence()
            ))),
            state => {
                let means = state.sentence();
                Err(Error::unavailable(
                    format!("The server token could not be verified at Apple. Nothing was changed. {means}"),
                    Some(error.server_wait().unwrap_or(RETRY_AFTER)),
                    error,
                ))
            }
        }
    }

    async fn save(
        &self,
        origin: &Origin,
        known: &SettingTokens,
        offer: &Offer,
        verification: &Verification,
    ) -> Result<TokenChanged, Error> {
        let setting = &known.setting;
        let comparison = compare(known, &offer.token);
        let accepted = accept(&comparison, verification).map_err(refusal)?;
        let account = match verification {
            Verification::Account(account) => Some(account),
            Verification::TermsNotSigned => None,
        };
        let admin_id = account.and_then(|account| account.admin_id.clone());
        let apple_identifier =
            offer.apple_id.clone().or_else(|| setting.apple_identifier.clone()).or_else(|| admin_id.clone());
        let verified = !matches!(accepted, Acceptance::Unverified);
        let repeated = comparison.same_as_current;
        let (server, binds, other_account) = match &accepted {
            Acceptance::Verified { server, binds, other_account } => (server, *binds, *other_account),
            Acceptance::Repeated { server, binds } => (server, *binds, false),
            Acceptance::Unverified => (&setting.server, false, false),
        };
        let token_type = account
            .map_or(setting.token_type, |account| TokenType::from_org_type(account.org_type.as_deref()));
        let json = offer.token.to_json();
        let token = (!repeated).then(|| NewToken {
            id: TokenId(self.clock.new_id()),
            json: &json,
            key_pair: offer.key_pair,
            expires_at: offer.token.access_token_expiry,
        });
        let change = TokenChange {
            token: token.as_ref().map(|token| (token.id, token.expires_at)),
            apple_identifier: apple_identifier.clone(),
            token_type,
            state: if verified { TokenState::Ok } else { TokenState::Terms },
            server: server.clone(),
            verified,
            page_limit: account.map(|account| account.page_limit),
        };
        let mut changes = token_changes(setting, offer, apple_identifier.as_deref(), server);
        if other_account {
            let by = admin_id.as_deref().unwrap_or("another Apple account");
            changes.extend(Change::between("downloadedBy", None, Some(by)));
        }
        let event = event(&self.clock, Some(origin), "uploadDepToken", setting, changes);
        Ok(self
            .tokens
            .change(setting.key(), setting.token_generation, (change, token), binds, self.clock.now(), &event)
            .await?)
    }
}

/// What is known of the setting, compared with the token that is offered.
pub(super) fn compare(known: &SettingTokens, offered: &ServerToken) -> Known {
    let with = |stored: &ServerToken| TokenComparison {
        same_consumer_key: stored.consumer_key == offered.consumer_key,
        same_token: stored == offered,
        later: offered.access_token_expiry > stored.access_token_expiry,
    };
    let current = known.in_use.as_ref().map(|in_use| with(&in_use.token));
    let verified = known.verified.as_deref().map(with);
    Known {
        server: known.setting.server.clone(),
        same_as_current: current.is_some_and(|current| current.same_token),
        token: verified.or(current),
    }
}

fn token_changes(
    setting: &Setting,
    offer: &Offer,
    apple_id: Option<&str>,
    server: &ServerIdentity,
) -> Vec<Change> {
    let old_expiry = setting.token_expires_at.map(|at| at.to_string());
    let new_expiry = offer.token.access_token_expiry.to_string();
    Change::among([
        ("appleIdentifier", setting.apple_identifier.as_deref(), apple_id),
        ("tokenExpirationDateTime", old_expiry.as_deref(), Some(&new_expiry)),
        ("serverName", setting.server.server_name.as_deref(), server.server_name.as_deref()),
        ("organization", setting.server.org_name.as_deref(), server.org_name.as_deref()),
    ])
}

fn server_taken(setting: SettingId, token_name: Option<String>) -> Error {
    let name = token_name.map_or_else(String::new, |name| format!(" ('{name}')"));
    Error::Conflict(format!(
        "The server that this token is for is onboarded already, in the setting {setting}{name}. Nothing was changed. \
         Upload the token there, or delete that setting first."
    ))
}

fn name_of(server: &ServerIdentity) -> String {
    let name = server.server_name.as_deref().unwrap_or("without a name");
    match (&server.org_name, &server.server_uuid) {
        (Some(org), Some(uuid)) => format!("'{name}' of {org} ({uuid})"),
        (None, Some(uuid)) => format!("'{name}' ({uuid})"),
        (_, None) => format!("'{name}'"),
    }
}

fn refusal(refusal: Refusal) -> Error {
    Error::Conflict(match refusal {
        Refusal::AnotherServer { ours, theirs } => format!(
            "The token belongs to another server: this setting stands for {}, the token is for {}. Nothing was \
             changed. Download a token for this setting's server, or make another setting for the other server.",
            name_of(&ours),
            name_of(&theirs)
        ),
        Refusal::ServerNotNamed => {
            "Apple does not say which server this token is for, and another Apple account downloaded it than the last \
             one. Nothing was changed. Download the token with the account that downloaded the last one."
                .to_owned()
        }
        Refusal::TermsWithUnknownKey => {
            "Apple waits for new terms, so nobody can tell whether this token belongs to this setting's server. Nothing \
             was changed. Let an administrator accept the terms in Apple Business or School Manager, then upload the \
             token again."
                .to_owned()
        }
    })
}

fn too_slow() -> Error {
    Error::unavailable(
        "Apple did not answer in time, or other uploads to this setting took too long. Nothing was changed; try again.",
        Some(RETRY_AFTER),
        format!("the upload took longer than {} s", UPLOAD_TIME.as_secs()),
    )
}
