//! The portal side as a typed handle for tests and programs: organizations, servers, tokens, devices, faults, clock, log.
//! It speaks HTTP to a simulator anywhere and keeps nothing; `README.md` describes what stands behind each call.

mod fault;
mod http;
mod records;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub use self::fault::Fault;
use self::http::{Http, Reply, encoded};
pub use self::records::{
    ClockState, FaultState, LoggedRequest, NewOrganization, NewServer, PortalOrganization, PortalProfile,
    PortalServer, TokenFile,
};

/// Most devices that the portal side lists at once.
const AT_ONCE: usize = 10_000;

/// Why a portal call has no result. Nothing was changed, unless the connection broke after the request was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortalError {
    /// Not an `http://host:port` URL.
    #[error("{0:?} is no http URL of a simulator")]
    Url(String),
    /// No connection, or one that broke.
    #[error("the simulator's portal side cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    /// The portal side refused the call.
    #[error("{method} {path} was refused with {status}: {error}")]
    Refused {
        /// Such as `POST`.
        method: String,
        /// With the query.
        path: String,
        /// HTTP status.
        status: u16,
        /// The plain sentence of the portal side.
        error: String,
    },
    /// The answer is none of the portal side's.
    #[error("the portal side's answer is not understood: {0}")]
    NotUnderstood(String),
}

/// One answered portal call, for those who show or count them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PortalExchange {
    /// Such as `POST`.
    pub method: String,
    /// With the query, from `/_sim` on.
    pub path: String,
    /// HTTP status.
    pub status: u16,
    /// From the start of the request to the end of the answer.
    pub took: Duration,
}

type Observer = Arc<dyn Fn(&PortalExchange) + Send + Sync>;
type Done = Result<(), PortalError>;

/// The portal side of one simulator. Clones share a connection and the observer.
#[derive(Clone)]
pub struct Portal {
    http: Http,
    observer: Option<Observer>,
}

impl Portal {
    /// The portal side of the simulator at `url`, as [`crate::Simulator::url`] returns it. Sends nothing.
    ///
    /// # Errors
    /// The URL is not `http://host:port`.
    pub fn at(url: &str) -> Result<Self, PortalError> {
        let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let authority =
            authority.filter(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']));
        let mut authority = authority.ok_or_else(|| PortalError::Url(url.to_owned()))?.to_owned();
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if !has_port {
            authority += ":80";
        }
        Ok(Self { http: Http::new(authority), observer: None })
    }

    /// The portal side of a simulator of this process, whose URL is known to be right.
    pub(crate) fn of(url: &str) -> Self {
        let authority = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { http: Http::new(authority), observer: None }
    }

    /// The same handle; `observer` sees every exchange, refused ones included.
    #[must_use]
    pub fn observed(self, observer: impl Fn(&PortalExchange) + Send + Sync + 'static) -> Self {
        Self { observer: Some(Arc::new(observer)), ..self }
    }

    /// Any call, for what has no method here: `path` without `/_sim`. Returns the body.
    ///
    /// # Errors
    /// As every method: the call was refused, or there was no answer.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: impl AsRef<[u8]>,
    ) -> Result<Vec<u8>, PortalError> {
        Ok(self.reply(method, path, body.as_ref()).await?.body)
    }

    /// Makes an organization.
    pub async fn create_organization(
        &self,
        new: &NewOrganization<'_>,
    ) -> Result<PortalOrganization, PortalError> {
        self.json("POST", "/organizations", &json!(new)).await
    }

    /// Accepts Apple's terms for an organization, or not: then every call is refused with `T_C_NOT_SIGNED`.
    pub async fn set_terms(&self, org_id: &str, accepted: bool) -> Done {
        let path = format!("/organizations/{}/terms", encoded(org_id));
        self.done("PUT", &path, &json!({ "accepted": accepted })).await
    }

    /// Makes a server, in an organization of its own unless one is named.
    pub async fn create_server(&self, new: &NewServer<'_>) -> Result<PortalServer, PortalError> {
        self.json("POST", "/servers", &json!(new)).await
    }

    /// A server.
    pub async fn server(&self, uuid: &str) -> Result<PortalServer, PortalError> {
        self.json("GET", &server(uuid, ""), &Value::Null).await
    }

    /// Every server.
    pub async fn servers(&self) -> Result<Vec<PortalServer>, PortalError> {
        self.list("/servers", "servers").await
    }

    /// Uploads the certificate (PEM or DER) that a server's tokens are sealed to.
    pub async fn upload_certificate(&self, uuid: &str, certificate: &[u8]) -> Done {
        self.reply("PUT", &server(uuid, "/certificate"), certificate).await.map(drop)
    }

    /// Downloads a new token, which kills the one before.
    pub async fn issue_token(&self, uuid: &str) -> Result<TokenFile, PortalError> {
        self.issue_token_with(uuid, &[]).await
    }

    /// The same with parameters, such as `("expires", "2031-01-31T00:00:00Z")` and `("account", "b@example.com")`.
    pub async fn issue_token_with(
        &self,
        uuid: &str,
        parameters: &[(&str, &str)],
    ) -> Result<TokenFile, PortalError> {
        let pairs: Vec<_> =
            parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        let reply = self.reply("POST", &server(uuid, &format!("/token{query}")), b"").await?;
        Ok(TokenFile { name: reply.file_name.unwrap_or_default(), bytes: reply.body })
    }

    /// Kills a server's token; nothing replaces it.
    pub async fn revoke_token(&self, uuid: &str) -> Done {
        self.done("POST", &server(uuid, "/revoke"), &Value::Null).await
    }

    /// Takes an Apple account away, and with it the tokens that it downloaded.
    pub async fn revoke_account(&self, account: &str) -> Done {
        self.done("POST", "/accounts/revoke", &json!({ "account": account })).await
    }

    /// Whether a server may disown devices.
    pub async fn set_release_devices(&self, uuid: &str, allowed: bool) -> Done {
        self.done("PUT", &server(uuid, "/permissions"), &json!({ "release_devices": allowed })).await
    }

    /// Assigns the next `count` devices of the seed to a server.
    pub async fn seed_devices(&self, uuid: &str, count: u64) -> Done {
        self.done("POST", &server(uuid, "/devices"), &json!({ "count": count })).await
    }

    /// Assigns devices with these attributes to a server, all or none; each has a `serial_number`.
    pub async fn add_devices(&self, uuid: &str, devices: &[Value]) -> Done {
        self.done("POST", &server(uuid, "/devices"), &json!({ "devices": devices })).await
    }

    /// Every device of a server as Apple has it.
    pub async fn devices(&self, uuid: &str) -> Result<Vec<Map<String, Value>>, PortalError> {
        let mut all = Vec::new();
        loop {
            let path = server(uuid, &format!("/devices?offset={}&limit={AT_ONCE}", all.len()));
            let mut page = self.list(&path, "devices").await?;
            let is_last = page.len() < AT_ONCE;
            all.append(&mut page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// One device as Apple has it.
    pub async fn device(&self, uuid: &str, serial: &str) -> Result<Map<String, Value>, PortalError> {
        self.json("GET", &device(uuid, serial, ""), &Value::Null).await
    }

    /// Changes attributes of a device; null takes one away. Sync reports it as modified.
    pub async fn change_device(&self, uuid: &str, serial: &str, change: &Value) -> Done {
        self.done("PATCH", &device(uuid, serial, ""), change).await
    }

    /// Unassigns a device. Sync reports it as deleted.
    pub async fn remove_device(&self, uuid: &str, serial: &str) -> Done {
        self.done("DELETE", &device(uuid, serial, ""), &Value::Null).await
    }

    /// Moves a device to another server of the organization.
    pub async fn move_device(&self, uuid: &str, serial: &str, to: &str) -> Done {
        self.done("POST", &device(uuid, serial, "/move"), &json!({ "to": to })).await
    }

    /// Lets a device start and fetch its profile.
    pub async fn activate_device(&self, uuid: &str, serial: &str) -> Done {
        self.done("POST", &device(uuid, serial, "/activate"), &Value::Null).await
    }

    /// Every profile that a server's client defined, each with the first 100 devices that carry it.
    pub async fn profiles(&self, uuid: &str) -> Result<Vec<PortalProfile>, PortalError> {
        self.list(&server(uuid, "/profiles"), "profiles").await
    }

    /// Adds a fault rule.
    pub async fn add_fault(&self, fault: &Fault) -> Result<FaultState, PortalError> {
        self.json("POST", "/faults", &fault.to_json()).await
    }

    /// A fault rule and what it did.
    pub async fn fault(&self, id: u64) -> Result<FaultState, PortalError> {
        self.json("GET", &format!("/faults/{id}"), &Value::Null).await
    }

    /// Waits until a rule acted on `acted` calls and holds `held`; refused with 504 after 30 s.
    pub async fn wait_for_fault(&self, id: u64, acted: u64, held: u64) -> Result<FaultState, PortalError> {
        self.json("GET", &format!("/faults/{id}/wait?acted={acted}&held={held}"), &Value::Null).await
    }

    /// Lets the calls go that a rule holds.
    pub async fn release_fault(&self, id: u64) -> Done {
        self.done("POST", &format!("/faults/{id}/release"), &Value::Null).await
    }

    /// Removes a rule; the calls that it holds go on.
    pub async fn remove_fault(&self, id: u64) -> Done {
        self.done("DELETE", &format!("/faults/{id}"), &Value::Null).await
    }

    /// Removes every rule.
    pub async fn clear_faults(&self) -> Done {
        self.done("DELETE", "/faults", &Value::Null).await
    }

    /// Delays each answer to one of Apple's paths; zero ends it.
    pub async fn delay(&self, path: &str, delay: Duration) -> Done {
        let delay =
            json!({ "path": path, "milliseconds": u64::try_from(delay.as_millis()).unwrap_or(u64::MAX) });
        self.done("PUT", "/delay", &delay).await
    }

    /// Changes switches, such as `{"limit_maximum": 100}`; those not named stay.
    pub async fn set_options(&self, change: &Value) -> Done {
        self.done("PUT", "/options", change).await
    }

    /// The simulator's time.
    pub async fn clock(&self) -> Result<ClockState, PortalError> {
        self.json("GET", "/clock", &Value::Null).await
    }

    /// Lets so many seconds pass at once; back when negative.
    pub async fn advance_clock(&self, seconds: i64) -> Result<ClockState, PortalError> {
        self.json("POST", "/clock/advance", &json!({ "seconds": seconds })).await
    }

    /// The last 10,000 calls to Apple's paths, oldest first.
    pub async fn requests(&self) -> Result<Vec<LoggedRequest>, PortalError> {
        self.list("/requests", "requests").await
    }

    /// How often each of Apple's paths was called, such as `GET /account`.
    pub async fn counts(&self) -> Result<BTreeMap<String, u64>, PortalError> {
        self.json("GET", "/counts", &Value::Null).await
    }

    /// Forgets requests and counts.
    pub async fn clear_requests(&self) -> Done {
        self.done("DELETE", "/requests", &Value::Null).await
    }

    /// Ends every session: the next call of each is refused with 401.
    pub async fn expire_sessions(&self) -> Done {
        self.done("POST", "/sessions/expire", &Value::Null).await
    }

    /// Replaces everything by a scenario document.
    pub async fn load_scenario(&self, document: &[u8]) -> Done {
        self.reply("POST", "/scenario", document).await.map(drop)
    }

    /// Goes back to the state right after the start.
    pub async fn reset(&self) -> Done {
        self.done("POST", "/reset", &Value::Null).await
    }

    async fn done(&self, method: &str, path: &str, body: &Value) -> Done {
        self.reply(method, path, &written(body)).await.map(drop)
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<T, PortalError> {
        let reply = self.reply(method, path, &written(body)).await?;
        serde_json::from_slice(&reply.body)
            .map_err(|error| PortalError::NotUnderstood(format!("{method} {path}: {error}")))
    }

    /// The list that an answer has under `key`.
    async fn list<T: DeserializeOwned>(&self, path: &str, key: &str) -> Result<Vec<T>, PortalError> {
        let mut answer: Map<String, Value> = self.json("GET", path, &Value::Null).await?;
        let list = answer.remove(key).unwrap_or_default();
        Vec::deserialize(list).map_err(|error| PortalError::NotUnderstood(format!("GET {path}: {error}")))
    }

    async fn reply(&self, method: &str, path: &str, body: &[u8]) -> Result<Reply, PortalError> {
        let path = format!("/_sim{path}");
        let reply = self.http.exchange(method, &path, body).await?;
        if let Some(observer) = &self.observer {
            observer(&reply.exchange);
        }
        let status = reply.exchange.status;
        if (200..300).contains(&status) {
            return Ok(reply);
        }
        let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let error = said["error"].as_str().unwrap_or("no reason was named").to_owned();
        Err(PortalError::Refused { method: method.to_owned(), path, status, error })
    }
}

/// Nothing is sent for null.
fn written(body: &Value) -> Vec<u8> {
    if body.is_null() { Vec::new() } else { body.to_string().into_bytes() }
}

fn server(uuid: &str, below: &str) -> String {
    format!("/servers/{}{below}", encoded(uuid))
}

fn device(uuid: &str, serial: &str, below: &str) -> String {
    server(uuid, &format!("/devices/{}{below}", encoded(serial)))
}
