//! A client of Apple's device-assignment service: sessions, pages of devices, details. It stores nothing, schedules
//! nothing and decides nothing about a refusal but whether a new session may cure it.
//!
//! TLS uses the process's rustls crypto provider, which the program installs at its start. Proxies are never used, and
//! redirects never followed: credentials go to the configured origin and nowhere else.

mod config;
mod decode;
mod exchange;
mod http_time;
mod live;
mod refusal;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use reqwest::Url;
use serde::Serialize;

pub use self::config::{Answer, ClientConfig, ClientConfigError, OnAnswer};
use self::{
    exchange::{Exchange, Request},
    live::{Boarding, Since, Slot, Slots, Ticket, Turn},
};
use crate::{
    account::{Account, LARGEST_PAGE},
    device::{Device, DevicePage},
    error::{AppleError, AppleErrorKind, Endpoint},
    token::ServerToken,
};

/// How often one request is sent at most. More than twice only when other callers keep renewing the session meanwhile.
const MOST_SENDS: u32 = 4;

/// How many serial numbers go into one request (Apple names no limit here; 1000 is that of assigning).
const MOST_SERIALS: usize = 1000;

/// Talks to one service for any number of tokens. Clones share connections and sessions.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    base: Url,
    config: ClientConfig,
    slots: Slots,
}

/// The calls that one server token may make. Sessions of equal credentials share one Apple session.
#[derive(Clone)]
pub struct Session {
    client: Client,
    token: Arc<ServerToken>,
    slot: Arc<Slot>,
}

impl Client {
    /// Makes a client; sends nothing.
    ///
    /// # Errors
    /// The base URL, User-Agent or roots are unusable.
    pub fn new(config: ClientConfig) -> Result<Self, ClientConfigError> {
        // reqwest takes the process-wide provider and panics without one. An owner that installed another keeps it.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let base = config.url()?;
        let http = config.http(&base)?;
        Ok(Self { inner: Arc::new(Inner { http, base, config, slots: Slots::default() }) })
    }

    /// Calls for `token`; sends nothing until the first one.
    #[must_use]
    pub fn session(&self, token: Arc<ServerToken>) -> Session {
        let slot = self.inner.slots.slot(&token);
        Session { client: self.clone(), token, slot }
    }

    /// Drops the Apple session of a token that is no longer used.
    pub fn forget(&self, token: &ServerToken) {
        self.inner.slots.forget(token);
    }
}

/// Each call opens a session when there is none and renews it once when it is refused; `endpoint` of an error tells
/// which of the two requests failed. A call that is dropped half-way leaves nothing behind.
impl Session {
    /// Proves the credentials: asks `GET /session` anew, whether or not there is a session.
    ///
    /// # Errors
    /// Apple's refusal, or none of its answers.
    pub async fn authenticate(&self) -> Result<(), AppleError> {
        self.open(self.slot.since_now()).await.map(drop)
    }

    /// Whose server this is.
    ///
    /// # Errors
    /// Apple's refusal, or none of its answers.
    pub async fn account(&self) -> Result<Account, AppleError> {
        let request = Request { endpoint: Endpoint::Account, body: Vec::new(), decode: decode::account };
        self.call(&request).await
    }

    /// A page of all devices; the first without a `cursor`. `limit` is 1 to 1000, see [`Account::page_limit`].
    ///
    /// # Errors
    /// Apple's refusal, or none of its answers. The cursor is as good as before.
    pub async fn fetch_devices(&self, cursor: Option<&str>, limit: u32) -> Result<DevicePage, AppleError> {
        self.page(Endpoint::FetchDevices, cursor, limit).await
    }

    /// A page of what changed since `cursor`. `limit` is 1 to 1000.
    ///
    /// # Errors
    /// Apple's refusal, or none of its answers. The cursor is as good as before.
    pub async fn sync_devices(&self, cursor: &str, limit: u32) -> Result<DevicePage, AppleError> {
        self.page(Endpoint::SyncDevices, Some(cursor), limit).await
    }

    /// The present records of `serials`, keyed as Apple filed them, 1000 a request; none, if there are no serials. A
    /// serial may be missing, and only one with `response_status` `SUCCESS` is a whole record.
    ///
    /// # Errors
    /// Apple's refusal of any of the requests, or none of its answers.
    pub async fn device_details(&self, serials: &[String]) -> Result<BTreeMap<String, Device>, AppleError> {
        #[derive(Serialize)]
        struct Body<'a> {
            devices: &'a [&'a str],
        }
        let mut seen = HashSet::new();
        let serials: Vec<&str> =
            serials.iter().map(String::as_str).filter(|serial| seen.insert(*serial)).collect();
        let mut details = BTreeMap::new();
        for devices in serials.chunks(MOST_SERIALS) {
            let endpoint = Endpoint::DeviceDetails;
            let body = json(endpoint, &Body { devices })?;
            details.append(&mut self.call(&Request { endpoint, body, decode: decode::details }).await?);
        }
        Ok(details)
    }

    async fn page(
        &self,
        endpoint: Endpoint,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<DevicePage, AppleError> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            cursor: Option<&'a str>,
            limit: u32,
        }
        let body = json(endpoint, &Body { cursor, limit: limit.clamp(1, LARGEST_PAGE) })?;
        self.call(&Request { endpoint, body, decode: decode::page }).await
    }

    async fn call<T>(&self, request: &Request<T>) -> Result<T, AppleError> {
        let mut renewed = false;
        let mut refusal = None;
        for _ in 0..MOST_SENDS {
            let ticket = match self.slot.board() {
                Boarding::Ready(ticket) => ticket,
                Boarding::Closed(_) if renewed => break,
                Boarding::Closed(since) => {
                    renewed = refusal.is_some();
                    self.open(since).await?
                }
            };
            let Exchange { result, rotated } =
                self.client.exchange(request, &self.token, Some(ticket.session())).await;
            if let Some(session) = rotated {
                self.slot.rotate(&ticket, session);
            }
            match result {
                Err(error) if error.asks_for_new_session() => {
                    self.slot.refused(&ticket);
                    refusal = Some(error);
                }
                result => return result,
            }
        }
        Err(refusal.unwrap_or_else(|| AppleError::new(AppleErrorKind::Unauthorized, request.endpoint)))
    }

    /// A session from one `/session` request, which all who wait at the same time share, a failure included.
    async fn open(&self, since: Since) -> Result<Ticket, AppleError> {
        match self.slot.turn(since).await {
            Turn::Ended(outcome) => outcome,
            Turn::Mine(flight) => {
                let request =
                    Request { endpoint: Endpoint::Session, body: Vec::new(), decode: decode::session };
                let Exchange { result, rotated } = self.client.exchange(&request, &self.token, None).await;
                flight.end(result.map(|session| rotated.unwrap_or(session)))
            }
        }
    }
}

fn json(endpoint: Endpoint, body: &impl Serialize) -> Result<Vec<u8>, AppleError> {
    serde_json::to_vec(body).map_err(|_| AppleError::new(AppleErrorKind::MalformedRequest, endpoint))
}
