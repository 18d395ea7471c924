//! What is reached over the network: our own public URL, Apple, and Apple's clock.

use std::{fs, time::Duration};

use jiff::fmt::rfc2822;
use reqwest::{Certificate, Client, header};

use super::{Finding, clocks};
use crate::{app::Clock, auth::PublicUrl, config, serve::tls::local_ca};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client that trusts the local authority too, where that is what the service shows.
pub(super) fn own_client(flags: &config::Serve) -> Option<Client> {
    let mut builder = Client::builder().timeout(TIMEOUT);
    let ca = fs::read(local_ca::authority_file(&flags.storage.tls_folder())).ok();
    if let Some(ca) = ca.filter(|_| flags.listening.tls_cert.is_none())
        && let Ok(ca) = Certificate::from_pem(&ca)
    {
        builder = builder.tls_certs_merge([ca]);
    }
    builder.build().ok()
}

pub(super) async fn own_address(url: &PublicUrl, flags: &config::Serve) -> Finding {
    const ABOUT: &str = "public URL";
    let Some(client) = own_client(flags) else {
        return Finding::fail(ABOUT, "no TLS client could be made; install this machine's CA certificates");
    };
    match client.get(format!("{url}/version")).send().await {
        Ok(answer) if answer.status().is_success() => Finding::ok(ABOUT, format!("{url} answers")),
        Ok(answer) => Finding::fail(
            ABOUT,
            format!(
                "{url} answers {}: something else is there, or a proxy in front of Adept refuses",
                answer.status()
            ),
        ),
        Err(error) if error.is_connect() || error.is_timeout() => Finding::warn(
            ABOUT,
            format!("{url} does not answer ({}): start `adept serve`, or check name and port", root(&error)),
        ),
        Err(error) => Finding::fail(ABOUT, format!("{url} cannot be requested: {}", root(&error))),
    }
}

pub(super) async fn apple(flags: &config::Apple, clock: &Clock) -> Vec<Finding> {
    const ABOUT: &str = "Apple";
    let url = &flags.apple_url;
    let Ok(client) = Client::builder().timeout(TIMEOUT).user_agent(&flags.apple_user_agent).build() else {
        return vec![Finding::fail(ABOUT, "no TLS client could be made; check --apple-user-agent")];
    };
    // Without credentials Apple refuses; that it answers at all is what counts.
    match client.get(url).send().await {
        Err(error) => vec![Finding::fail(
            ABOUT,
            format!("{url} cannot be reached ({}): check name resolution, firewall and proxy", root(&error)),
        )],
        Ok(answer) => {
            let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
            let theirs = date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
            let advice = "set it, or Apple refuses every token";
            let clocks = theirs.map(|theirs| clocks(clock.now(), theirs, "Apple's", advice));
            std::iter::once(Finding::ok(ABOUT, format!("{url} answers"))).chain(clocks).collect()
        }
    }
}

/// The innermost cause: what the system said.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
