//! How Apple is spoken to, and what its answers mean: one table from its errors to what becomes of the token.

use std::{sync::Arc, time::Duration};

use adept_apple::{
    account::Account,
    client::{Client, ClientConfig, ClientConfigError, RequestOutcome},
    error::{AppleError, AppleErrorKind as Kind, Endpoint, believed_wait},
};
use aws_lc_rs::digest;
use jiff::SignedDuration;

use super::{
    Clock,
    counters::{Counted, Counters},
    purge::PurgeTimes,
};
use crate::domain::{
    AccountFacts, ServerIdentity, TokenState, deadline::LONGEST_REST, setting_state::AppleFault,
};

/// Where Apple is and how Adept presents itself.
#[derive(Clone, Debug)]
pub struct AppleOptions {
    /// `https://mdmenrollment.apple.com`, or a simulator's URL.
    pub url: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// Accept plain http to other machines than this one.
    pub allow_plain_http: bool,
    /// The time that one call may take.
    pub timeout: Duration,
    /// Further trusted roots (DER), for private test servers.
    pub extra_roots: Vec<Vec<u8>>,
}

impl Default for AppleOptions {
    fn default() -> Self {
        Self {
            url: "https://mdmenrollment.apple.com".to_owned(),
            user_agent: concat!("Adept/", env!("CARGO_PKG_VERSION")).to_owned(),
            allow_plain_http: false,
            timeout: Duration::from_secs(60),
            extra_roots: Vec::new(),
        }
    }
}

impl AppleOptions {
    pub(super) fn client(
        &self,
        clock: &Clock,
        counters: &Counters,
        times: &Arc<PurgeTimes>,
    ) -> Result<Client, ClientConfigError> {
        let (clock, answered) = (clock.clone(), clock.clone());
        let (counters, times) = (counters.clone(), Arc::clone(times));
        let mut config = ClientConfig::new(&self.user_agent);
        config.base_url.clone_from(&self.url);
        config.timeout = self.timeout;
        config.allow_plain_http = self.allow_plain_http;
        config.extra_roots.clone_from(&self.extra_roots);
        config.clock = Arc::new(move || clock.now());
        config.on_request_outcome = Some(Arc::new(move |outcome| {
            count(&counters, outcome);
            if let Some(date) = outcome.date {
                times.apple_says(date, &answered);
            }
        }));
        Client::new(config)
    }
}

fn count(counters: &Counters, answer: &RequestOutcome) {
    let code = match (answer.kind, answer.status) {
        (None, Some(status)) => status.to_string(),
        (Some(kind), _) => format!("{kind:?}"),
        (None, None) => "none".to_owned(),
    };
    counters.add(Counted::AppleAnswer(answer.endpoint.as_str(), code), 1);
}

/// The state that an error of Apple's puts the token in.
pub(super) fn state_of(error: &AppleError) -> TokenState {
    if error.clock_skew.is_some() && error.status.is_some_and(|status| (400..500).contains(&status)) {
        return TokenState::OurClock;
    }
    match error.kind {
        Kind::TermsNotSigned => TokenState::Terms,
        Kind::TokenExpired => TokenState::Expired,
        Kind::TokenRejected | Kind::SignatureInvalid | Kind::ConsumerKeyUnknown | Kind::Unauthorized => {
            TokenState::Revoked
        }
        Kind::Forbidden | Kind::AccessDenied => TokenState::Forbidden,
        Kind::TimestampRefused => TokenState::OurClock,
        Kind::TooManyRequests => TokenState::Throttled,
        Kind::ServerError | Kind::Timeout | Kind::Unreachable | Kind::NonceUsed => TokenState::Unreachable,
        // No other kind concerns the credentials, nor does one that the library learns until it is listed here.
        _ => TokenState::NotUnderstood,
    }
}

/// What an error of Apple's shows of the token. Only coded refusals are about the credential; one without a code is
/// believed when it was repeated.
pub(super) fn fault_of(error: &AppleError) -> AppleFault {
    let state = state_of(error);
    let is_refusal = matches!(state, TokenState::Revoked | TokenState::Forbidden | TokenState::Expired);
    let is_bare = is_refusal
        && match error.kind {
            Kind::Unauthorized => true,
            // A gateway's `Forbidden` is the name of the status; Apple's code has capitals only.
            Kind::Forbidden => !error.code.as_deref().is_some_and(|code| code.starts_with("FORBIDDEN")),
            _ => false,
        };
    let is_about_credential =
        is_refusal && (is_bare || state != TokenState::Forbidden || error.endpoint == Endpoint::Session);
    AppleFault { state, is_about_credential, is_bare }
}

/// The longest that a wait may last that came with this error: what Apple's answer of its kind is believed at most.
pub(super) fn longest_wait(error: &AppleError) -> SignedDuration {
    let believed = error.status.and_then(|status| believed_wait(status, error.body, Duration::MAX));
    believed.and_then(|longest| SignedDuration::try_from(longest).ok()).unwrap_or(LONGEST_REST)
}

/// What decides of an account.
pub(super) fn facts(account: &Account) -> AccountFacts {
    let limit = ["/server/devices", "/devices/sync"].map(|path| account.page_limit(path, 1000));
    AccountFacts {
        server: ServerIdentity {
            server_uuid: account.normalized_server_uuid(),
            org_id: account.org_id.clone(),
            server_name: account.server_name.clone(),
            org_name: account.org_name.clone(),
        },
        admin_id: account.admin_id.clone().or_else(|| account.facilitator_id.clone()),
        org_type: account.org_type.clone(),
        page_limit: limit[0].min(limit[1]),
    }
}

/// A consumer key's digest: names it in the database without telling it.
pub(super) fn consumer_digest(consumer_key: &str) -> String {
    let digest = digest::digest(&digest::SHA256, consumer_key.as_bytes());
    digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
