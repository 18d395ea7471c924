//! `adept serve`: the service, from configuration to a clean end. [`start`] is also how the demo and tests run one.

use std::sync::Arc;

use super::{
    Failure, note,
    open::{self, WhenMissing},
};
use crate::{
    app::Clock,
    auth::{Auth, PublicUrl},
    config,
    domain::RateLimit,
    graph::RequestLimits,
    serve::{
        Listener, Parts, Running, StartError,
        forwarded::{ProxyHeader, TrustedProxies},
        signals::Signals,
        tls,
    },
};

/// Runs until Ctrl-C or SIGTERM; a second one ends it at once.
pub async fn run(flags: &config::Serve) -> Result<(), Failure> {
    let running = start(flags, Clock::system()).await?;
    // Who reads that it runs may end it at once.
    let mut stops = Signals::stop();
    introduce(&running);
    stops.next().await;
    note("Stopping; requests have 25 seconds to finish. Press Ctrl-C again to stop at once.");
    tokio::select! {
        () = running.stop() => Ok(()),
        () = stops.next() => Err(Failure::failed("stopped before every request was answered")),
    }
}

/// Starts the service in this process, on the time of `clock`.
pub async fn start(flags: &config::Serve, clock: Clock) -> Result<Running, Failure> {
    super::install_crypto_providers();
    let listening = &flags.listening;
    public_url(listening, listening.listen.port())?;
    let storage =
        open::storage_with_lease(&flags.storage, WhenMissing::Make, flags.apple.lease.unsigned_abs(), &clock)
            .await?;
    let app = open::app(storage.clone(), &flags.apple, clock)?;
    let listener = Listener::bind(listening.listen)
        .map_err(|error| taken("--listen", "choose another address with --listen", error))?;
    let metrics = match listening.metrics_listen.0 {
        Some(address) => {
            let advice =
                "choose another address with --metrics-listen, or --metrics-listen off for no metrics";
            Some(Listener::bind(address).map_err(|error| taken("--metrics-listen", advice, error))?)
        }
        None => None,
    };
    let public_url = public_url(listening, listener.address().port())?;
    let tls = tls_source(flags, &public_url);
    let auth = Arc::new(Auth::new(storage, public_url));
    let throttled = listening.throttle == config::Throttling::Graph;
    let max_connections = usize::try_from(listening.max_connections).unwrap_or(usize::MAX);
    let proxies = trusted_proxies(listening);
    let limits = RequestLimits {
        of_client: listening.client_requests.map(RateLimit::per_minute),
        of_tenant: listening.tenant_requests.map(RateLimit::per_minute),
        from_address: listening.address_requests.map(RateLimit::per_minute),
    };
    Running::start(Parts { app, auth, listener, tls, metrics, max_connections, proxies, throttled, limits })
        .await
        .map_err(started)
}

/// Two programs on one machine meet at their addresses: which one is taken, and what to do about it.
fn taken(flag: &str, advice: &str, error: StartError) -> Failure {
    Failure::failed(format!("{flag}: {error}. Nothing was started; {advice}"))
}

fn started(error: StartError) -> Failure {
    match error {
        StartError::Listen(..) => Failure::failed(error),
        StartError::Tls(_) => Failure::usage(error),
    }
}

/// The public URL of a service that listens on `port`. A guess at it is right only where nobody else can connect.
pub(super) fn public_url(listening: &config::Listening, port: u16) -> Result<PublicUrl, Failure> {
    let scheme = if listening.plain_http { "http" } else { "https" };
    let text = match &listening.public_url {
        Some(text) => text.clone(),
        None if listening.listen.ip().is_loopback() => format!("{scheme}://localhost:{port}"),
        None => {
            return Err(Failure::usage(format!(
                "--listen {} is reached from other machines, so --public-url must say under which URL clients reach Adept",
                listening.listen
            )));
        }
    };
    let url = PublicUrl::parse(&text).map_err(|error| Failure::usage(format!("--public-url: {error}")))?;
    if url.scheme() == "http" && !listening.plain_http {
        return Err(Failure::usage("--public-url begins with http://, which needs --plain-http"));
    }
    Ok(url)
}

fn trusted_proxies(listening: &config::Listening) -> TrustedProxies {
    let header = match listening.proxy_header {
        None => return TrustedProxies::default(),
        Some(config::ProxyHeader::XForwardedFor) => ProxyHeader::XForwardedFor,
        Some(config::ProxyHeader::Forwarded) => ProxyHeader::Forwarded,
    };
    TrustedProxies::new(listening.trusted_proxy.iter().copied(), header)
}

fn tls_source(flags: &config::Serve, public_url: &PublicUrl) -> Option<tls::Source> {
    match (&flags.listening.tls_cert, &flags.listening.tls_key) {
        _ if flags.listening.plain_http => None,
        (Some(certificate), Some(key)) => {
            Some(tls::Source::Files { certificate: certificate.clone(), key: key.clone() })
        }
        _ => Some(tls::Source::LocalCa {
            folder: flags.storage.tls_folder(),
            host: public_url.host().to_owned(),
        }),
    }
}

fn introduce(running: &Running) {
    note(format_args!("Adept answers at {}", running.url()));
    if let Some(trust) = running.trust() {
        let new = if trust.is_new { " (made just now)" } else { "" };
        note(format_args!("Clients must trust {}{new}", trust.ca_file.display()));
    }
    if let Some(url) = running.metrics_url() {
        note(format_args!("Metrics are at {url}/metrics"));
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub(super) async fn end_asked() {
    Signals::stop().next().await;
}
