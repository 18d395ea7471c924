//! Server tokens: issuing, revoking, and judging the credentials that a session is asked for with.
//!
//! The consumer key stands for a server and the Apple account that downloaded the token. The same account keeps its
//! consumer key and the stem of its access token; both secrets are new, so the old signature no longer fits.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Consumer, PortalRefused, Server, World};
use crate::p7m::{self, Certificate, Shape};

/// Apple's tokens live for 365 days of 24 hours.
const LIFETIME: SignedDuration = SignedDuration::from_hours(365 * 24);

/// An Apple account that downloaded a token for a server.
pub(super) struct Account {
    email: String,
    consumer_key: String,
    /// `AT_O<digits>O<hex>`; the issue time is added to it.
    access_stem: String,
}

/// The newest token of a server.
pub(super) struct Token {
    account: usize,
    access_token: String,
    consumer_secret: String,
    access_secret: String,
    expires: Timestamp,
    pub(super) revoked: bool,
}

/// The text inside a token, in Apple's order of fields.
#[derive(Serialize)]
struct TokenText<'a> {
    consumer_key: &'a str,
    consumer_secret: &'a str,
    access_token: &'a str,
    access_secret: &'a str,
    access_token_expiry: String,
}

/// Why credentials are refused before or after their signature was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenRefused {
    /// No server ever had this consumer key.
    UnknownConsumer,
    /// The Apple account behind it was revoked.
    AccountGone,
    /// Revoked, or replaced by a token of another Apple account, or an access token that never was.
    Rejected,
}

/// What a signature is checked against.
pub(crate) struct Credentials<'a> {
    pub(crate) server: usize,
    pub(crate) consumer_secret: &'a str,
    pub(crate) access_secret: &'a str,
    expires: Timestamp,
}

impl Credentials<'_> {
    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        self.expires <= now
    }
}

impl Server {
    /// The Apple account behind the newest token.
    pub(crate) fn admin(&self) -> Option<&str> {
        self.token.as_ref().map(|token| self.accounts[token.account].email.as_str())
    }

    /// The consumer key of the newest token.
    pub(crate) fn consumer_key(&self) -> Option<&str> {
        self.token.as_ref().map(|token| self.accounts[token.account].consumer_key.as_str())
    }

    /// When the newest token ends; `None` when there is none or it was revoked.
    pub(crate) fn token_expiry(&self) -> Option<Timestamp> {
        self.token.as_ref().filter(|token| !token.revoked).map(|token| token.expires)
    }

    /// Whether sessions of this generation still count at `now`.
    pub(super) fn lives(&self, generation: u64, now: Timestamp) -> bool {
        self.generation == generation && self.token_expiry().is_some_and(|expiry| now < expiry)
    }

    /// Whether an Apple account ever downloaded a token.
    pub(super) fn has_account(&self, email: &str) -> bool {
        self.accounts.iter().any(|known| known.email == email)
    }

    fn sealable(&self) -> Result<&Certificate, PortalRefused> {
        let missing =
            "The server has no certificate yet. Upload one with PUT /_sim/servers/{server_uuid}/certificate.";
        self.certificate.as_ref().ok_or_else(|| PortalRefused::Conflict(missing.to_owned()))
    }
}

impl World {
    /// Issues a token and seals it, which kills the previous one and its sessions. Nothing changes on an error.
    pub(crate) fn issue_token(
        &mut self,
        uuid: &str,
        account: Option<String>,
        expires: Option<Timestamp>,
        shape: &Shape,
        now: Timestamp,
    ) -> Result<Vec<u8>, PortalRefused> {
        let position = self.server_position(uuid)?;
        let expires = match expires {
            Some(expires) => expires,
            None => now.checked_add(LIFETIME).map_err(|_| {
                let why =
                    "A token of today would end after the year 9999. Move the clock back, or name expires.";
                PortalRefused::Conflict(why.to_owned())
            })?,
        };
        let server = &self.servers[position];
        let organization = &self.organizations[&server.org_id];
        let email = account.unwrap_or_else(|| server.admin().unwrap_or(&organization.org_email).to_owned());
        self.may_download(&email)?;
        let (random, server) = (&mut self.random, &mut self.servers[position]);
        let known = server.accounts.iter().position(|known| known.email == email);
        let account = match known {
            Some(account) => account,
            None => {
                server.accounts.push(Account {
                    email,
                    consumer_key: format!("CK_{}", random.hex::<48>("consumer_key")),
                    access_stem: format!(
                        "AT_O{}O{}",
                        random.digits::<11>("access_token"),
                        random.hex::<20>("access_token")
                    ),
                });
                server.accounts.len() - 1
            }
        };
        let Account { consumer_key, access_stem, .. } = &server.accounts[account];
        let token = Token {
            account,
            access_token: format!("{access_stem}O{}", now.as_millisecond()),
            consumer_secret: format!("CS_{}", random.hex::<20>("consumer_secret")),
            access_secret: format!("AS_{}", random.hex::<20>("access_secret")),
            expires: whole_seconds(expires),
            revoked: false,
        };
        let text = TokenText {
            consumer_key,
            consumer_secret: &token.consumer_secret,
            access_token: &token.access_token,
            access_secret: &token.access_secret,
            access_token_expiry: token.expires.to_string(),
        };
        let sealed = server.sealable().and_then(|certificate| {
            let json =
                serde_json::to_string(&text).map_err(|error| PortalRefused::Conflict(error.to_string()))?;
            p7m::token_file(certificate, &json, shape)
                .map_err(|error| PortalRefused::Conflict(error.to_string()))
        });
        if sealed.is_err() && known.is_none() {
            server.accounts.pop();
        }
        let sealed = sealed?;
        self.consumers.insert(consumer_key_of(server, account), Consumer { server: position, account });
        server.token = Some(token);
        server.generation += 1;
        Ok(sealed)
    }

    /// Revokes the newest token of a server and ends its sessions.
    pub(crate) fn revoke_token(&mut self, uuid: &str) -> Result<(), PortalRefused> {
        let position = self.server_position(uuid)?;
        let server = &mut self.servers[position];
        let missing = || PortalRefused::Conflict("The server has no token to revoke.".to_owned());
        server.token.as_mut().ok_or_else(missing)?.revoked = true;
        server.generation += 1;
        Ok(())
    }

    /// The position of the server that a consumer key stands for.
    pub(crate) fn consumers_server(&self, consumer: &str) -> Option<usize> {
        self.consumers.get(consumer).map(|consumer| consumer.server)
    }

    /// The secrets that belong to a consumer key and access token. An access token of an earlier issue of the same
    /// account finds the newest secrets: its signature is then what fails.
    pub(crate) fn credentials(&self, consumer: &str, access: &str) -> Result<Credentials<'_>, TokenRefused> {
        let Consumer { server: position, account } =
            *self.consumers.get(consumer).ok_or(TokenRefused::UnknownConsumer)?;
        let server = &self.servers[position];
        if self.revoked_accounts.contains(&server.accounts[account].email) {
            return Err(TokenRefused::AccountGone);
        }
        let token = server.token.as_ref().filter(|token| token.account == account && !token.revoked);
        let token = token.ok_or(TokenRefused::Rejected)?;
        let stem = &server.accounts[account].access_stem;
        let issued = access.strip_prefix(stem.as_str()).and_then(|rest| rest.strip_prefix('O'));
        if issued.is_none_or(|time| time.is_empty() || !time.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(TokenRefused::Rejected);
        }
        Ok(Credentials {
            server: position,
            consumer_secret: &token.consumer_secret,
            access_secret: &token.access_secret,
            expires: token.expires,
        })
    }
}

fn consumer_key_of(server: &Server, account: usize) -> String {
    server.accounts[account].consumer_key.clone()
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
