//! A client of Apple's device-assignment service: every call of it, under one session per server token. It stores
//! nothing, schedules nothing and decides nothing about a refusal but whether a new session may cure it.
//!
//! The calls are in `client/devices.rs`, `client/profiles.rs` and `client/enrollment.rs`. One that acts on devices is
//! one request of at most [`MOST_SERIALS`], so that its outcome is known for each device; [`chunks`] splits longer lists.
//!
//! TLS uses the process's rustls crypto provider, which the program installs at its start. Proxies are never used, and
//! redirects never followed: credentials go to the configured origin and nowhere else.

mod config;
mod decode;
mod devices;
mod enrollment;
mod exchange;
mod http_time;
mod open;
mod profiles;
mod refusal;
mod session_cache;
mod shared;

use std::{collections::HashSet, sync::Arc, time::Duration};

use reqwest::Url;
use tokio::time::{Instant, timeout_at};

pub use self::config::{ClientConfig, ClientConfigError, OnRequestOutcome, RequestOutcome};
pub use self::shared::{KeepOutcome, SharedSessionStore, StoreError, StoreFuture, StoreLookup};
use self::{
    exchange::{Exchange, Request},
    session_cache::{Lookup, SessionCache, SessionEntry},
};
use crate::{
    account::Account,
    error::{AppleError, AppleErrorKind, Endpoint},
    token::ServerToken,
};

/// How often one request is sent at most. More than twice only when other callers keep renewing the session meanwhile.
const MOST_SENDS: u32 = 4;

/// How many serial numbers go into one request: Apple's limit for assigning; for the other calls it names none.
pub const MOST_SERIALS: usize = 1000;

/// `serials` without doubles, in their order, in as many parts as there have to be requests.
#[must_use]
pub fn chunks<S: AsRef<str>>(serials: &[S]) -> Vec<Vec<&str>> {
    distinct(serials).chunks(MOST_SERIALS).map(<[&str]>::to_vec).collect()
}

fn distinct<S: AsRef<str>>(serials: &[S]) -> Vec<&str> {
    let mut seen = HashSet::with_capacity(serials.len());
    serials.iter().map(AsRef::as_ref).filter(|serial| seen.insert(*serial)).collect()
}

/// Talks to one service for any number of tokens. Clones share connections and sessions.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    base: Url,
    config: ClientConfig,
    sessions: SessionCache,
}

/// The calls that one server token may make. Sessions of equal credentials share one Apple session.
#[derive(Clone)]
pub struct Session {
    client: Client,
    token: Arc<ServerToken>,
    entry: Arc<SessionEntry>,
    shared: Option<Arc<dyn SharedSessionStore>>,
    /// When its calls are cut.
    deadline: Option<Instant>,
}

impl Client {
    /// Makes a client; sends nothing.
    ///
    /// # Errors
    /// The base URL, User-Agent or roots are unusable, or the process has no rustls crypto provider.
    pub fn new(config: ClientConfig) -> Result<Self, ClientConfigError> {
        // reqwest takes the process-wide provider, and panics without one.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(ClientConfigError::NoTlsProvider);
        }
        let base = config.url()?;
        let http = config.http(&base)?;
        Ok(Self { inner: Arc::new(Inner { http, base, config, sessions: SessionCache::default() }) })
    }

    /// Calls for `token` under a session of this client; sends nothing until the first one.
    #[must_use]
    pub fn session(&self, token: Arc<ServerToken>) -> Session {
        let entry = self.inner.sessions.entry(&token);
        Session { client: self.clone(), token, entry, shared: None, deadline: None }
    }

    /// The same, but the session is shared with other processes. One that this client has already is used, and shared
    /// from the first call on.
    #[must_use]
    pub fn shared_session(&self, token: Arc<ServerToken>, shared: Arc<dyn SharedSessionStore>) -> Session {
        Session { shared: Some(shared), ..self.session(token) }
    }

    /// Drops the Apple session of a token that is no longer used.
    pub fn forget(&self, token: &ServerToken) {
        self.inner.sessions.forget(token);
    }
}

/// Each call opens a session when there is none and renews it once when it is refused; `endpoint` of an error names
/// the one of the two requests that failed. A call that is dropped half-way leaves nothing behind.
impl Session {
    /// The same calls, each cut when `time` from now is over; the error names the request that was cut, so that a call
    /// whose session was still being opened is known not to have been made.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        Self { deadline: Some(Instant::now() + time), ..self.clone() }
    }

    /// Verifies the credentials: sends `GET /session`, also when there is a session.
    ///
    /// # Errors
    /// Apple's refusal, or none of its answers.
    pub async fn authenticate(&self) -> Result<(), AppleError> {
        self.open(self.entry.since_now()).await.map(drop)
    }

    /// Whose server this is.
    ///
    /// # Errors
    /// Apple's refusal, or none of its answers.
    pub async fn account(&self) -> Result<Account, AppleError> {
        self.call(&Request::bare(Endpoint::Account, decode::account)).await
    }

    /// Repeats a request only after a refusal that says that nothing was done: the session was not accepted. A request
    /// whose answer is lost is never repeated.
    async fn call<T>(&self, request: &Request<T>) -> Result<T, AppleError> {
        let mut renewed = false;
        let mut refusal = None;
        for _ in 0..MOST_SENDS {
            let session_use = match self.entry.lookup() {
                Lookup::Hit(session_use) => session_use,
                Lookup::Miss(_) if renewed => break,
                Lookup::Miss(since) => {
                    let opened = self.in_time(Endpoint::Session, self.open(since)).await??;
                    renewed = opened.is_new && refusal.is_some();
                    opened.session_use
                }
            };
            let exchange = self.client.exchange(request, &self.token, Some(session_use.session()));
            let Exchange { result, rotated } = self.in_time(request.endpoint, exchange).await?;
            if let Some(session) = rotated {
                self.entry.rotate(&session_use, session);
            }
            match result {
                Err(error) if error.asks_for_new_session() => {
                    self.entry.refused(&session_use);
                    refusal = Some(error);
                }
                result => {
                    self.share().await;
                    return result;
                }
            }
        }
        Err(refusal.unwrap_or_else(|| AppleError::new(AppleErrorKind::Unauthorized, request.endpoint)))
    }

    async fn in_time<F: Future>(&self, endpoint: Endpoint, work: F) -> Result<F::Output, AppleError> {
        match self.deadline {
            None => Ok(work.await),
            Some(deadline) => timeout_at(deadline, work)
                .await
                .map_err(|_| AppleError::new(AppleErrorKind::Timeout, endpoint)),
        }
    }
}
