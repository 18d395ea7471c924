//! What the owner of a client configures, and which values are refused. It reads no file and no environment.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Certificate, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect,
};

use crate::error::{AppleErrorKind, Endpoint};

/// Apple's own spelling; Apple's test server refuses `/session` without it, although that request has no body.
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF8");

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("x-server-protocol-version");

/// Settings of a [`crate::client::Client`]. [`ClientConfig::new`] talks to Apple; each field can be changed afterwards.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Where the service is: `https://mdmenrollment.apple.com`. A path is allowed, a query or user name is not.
    pub base_url: String,
    /// Sent with every request, as `product/version` of the program that uses this library. Apple refuses some names.
    pub user_agent: String,
    /// `X-Server-Protocol-Version`: 10, which brings every field of [`crate::device::Device`].
    pub protocol_version: u32,
    /// Until a connection stands: 10 s.
    pub connect_timeout: Duration,
    /// For one request from connecting to the last byte: 60 s. A call may take two requests more to renew its session.
    pub timeout: Duration,
    /// Longest body of a 200, in bytes: 16 MiB.
    pub max_body: usize,
    /// Assign profiles by `PUT` instead of `POST`: the older form, the only one that Apple's test server knows.
    pub assign_by_put: bool,
    /// Accept a plain `http` base URL of another machine. Plain `http` to this one is always accepted.
    pub allow_plain_http: bool,
    /// Further trusted roots, as DER, for private test servers.
    pub extra_roots: Vec<Vec<u8>>,
    /// The time, for signatures and for comparing with Apple's.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Called once for every request that got an answer or failed, `/session` included; must return quickly.
    pub on_request_outcome: Option<OnRequestOutcome>,
}

/// ReportedStatuses of every answer.
pub type OnRequestOutcome = Arc<dyn Fn(&RequestOutcome) + Send + Sync>;

/// How one request went, for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestOutcome {
    /// The request.
    pub endpoint: Endpoint,
    /// HTTP status; `None` if there was no answer.
    pub status: Option<u16>,
    /// Apple's code as Apple spelt it. Outside text: bound it by `kind` before it becomes a label.
    pub code: Option<String>,
    /// The kind of failure; `None` for a success.
    pub kind: Option<AppleErrorKind>,
    /// Apple's `Date` minus our clock, when they are over two minutes apart; also of a success.
    pub clock_skew: Option<SignedDuration>,
    /// Apple's clock by the answer's `Date`; `None` where it has none that can be read.
    pub date: Option<Timestamp>,
    /// From the start of the request to the end of the answer.
    pub took: Duration,
}

/// A configuration that no client can be made of. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientConfigError {
    /// Not an absolute `http` or `https` URL, or one with a user name, query or fragment.
    #[error("the base URL {0:?} is not of the form https://host[:port][/path]")]
    BaseUrl(String),
    /// Credentials would cross a network in the clear.
    #[error("the base URL {0:?} is plain http to another machine; use https, or allow plain http explicitly")]
    PlainHttp(String),
    /// Empty, or not printable ASCII.
    #[error("the User-Agent must be printable ASCII and not empty")]
    UserAgent,
    /// A root certificate is not DER, or this machine has no trusted roots at all.
    #[error("no TLS client could be made; check the extra roots and that this machine has CA certificates")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The process has no rustls crypto provider.
    #[error(
        "no TLS provider is installed; call `install_default` of a rustls `CryptoProvider` at the program's start"
    )]
    NoTlsProvider,
}

impl ClientConfig {
    /// Settings for Apple's service. `user_agent` is `product/version`; there is no default, because Apple judges it.
    #[must_use]
    pub fn new(user_agent: impl Into<String>) -> Self {
        Self {
            base_url: "https://mdmenrollment.apple.com".to_owned(),
            user_agent: user_agent.into(),
            protocol_version: 10,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            max_body: 16 * 1024 * 1024,
            assign_by_put: false,
            allow_plain_http: false,
            extra_roots: Vec::new(),
            clock: Arc::new(system_clock),
            on_request_outcome: None,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the default of a setting; the service hands its own clock in")]
fn system_clock() -> Timestamp {
    Timestamp::now()
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("base_url", &self.base_url)
            .field("user_agent", &self.user_agent)
            .field("protocol_version", &self.protocol_version)
            .finish_non_exhaustive()
    }
}

impl ClientConfig {
    /// The checked base URL.
    pub(super) fn url(&self) -> Result<Url, ClientConfigError> {
        let malformed = || ClientConfigError::BaseUrl(self.base_url.clone());
        let url = Url::parse(&self.base_url).map_err(|_| malformed())?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) if bare => Ok(url),
            ("http", Some(host)) if bare => {
                if self.allow_plain_http || is_this_machine(host) {
                    Ok(url)
                } else {
                    Err(ClientConfigError::PlainHttp(self.base_url.clone()))
                }
            }
            _ => Err(malformed()),
        }
    }

    /// The HTTP client: no redirects, no proxy (the environment is ignored), bounded in time.
    pub(super) fn http(&self, url: &Url) -> Result<reqwest::Client, ClientConfigError> {
        let user_agent = HeaderValue::from_str(&self.user_agent)
            .ok()
            .filter(|value| value.to_str().is_ok_and(|text| !text.trim().is_empty()))
            .ok_or(ClientConfigError::UserAgent)?;
        let headers = HeaderMap::from_iter([
            (ACCEPT, JSON),
            (CONTENT_TYPE, JSON),
            (PROTOCOL_VERSION, HeaderValue::from(self.protocol_version)),
        ]);
        let builder = reqwest::Client::builder()
            .user_agent(user_agent)
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout);
        let roots = self.extra_roots.iter().map(|der| Certificate::from_der(der));
        let roots = roots.collect::<Result<Vec<_>, _>>().map_err(tls)?;
        // Plain http needs no roots, and so works on a machine that has none.
        let builder = if url.scheme() == "http" {
            builder.tls_certs_only(roots)
        } else {
            builder.tls_certs_merge(roots)
        };
        builder.build().map_err(tls)
    }
}

fn tls(error: reqwest::Error) -> ClientConfigError {
    ClientConfigError::Tls(Box::new(error))
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
