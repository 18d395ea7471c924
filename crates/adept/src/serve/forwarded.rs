//! Whom a proxy speaks for: read from the header in which the operator's proxies say it, and from no one else's. Pure.
//!
//! Everything is read from the right, where the last proxy wrote: what a client sent by itself stands to the left of that,
//! whatever it is.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;

/// The header in which the operator's proxies name whom they speak for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`: addresses, some with a port.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The operator's proxies: what they write is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Arc<[IpNet]>,
    header: ProxyHeader,
}

impl ProxyHeader {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The address in an element of its list.
    fn address(self, element: &[u8]) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => node(std::str::from_utf8(element).ok()?),
            Self::Forwarded => node(&forwarded_for(element)?),
        }
    }
}

impl TrustedProxies {
    /// Those in `networks`, which write `header` and are believed in no other.
    pub fn new(networks: impl IntoIterator<Item = IpNet>, header: ProxyHeader) -> Self {
        Self { networks: networks.into_iter().collect(), header }
    }

    /// The only header that is read.
    pub fn header(&self) -> ProxyHeader {
        self.header
    }

    /// Whether a peer is one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Where a request came from: from right to left the first address that is no proxy's. What is no address ends the
    /// search at the last proxy that is known. `lines` are those of [`Self::header`].
    pub fn client<'l>(&self, peer: IpAddr, lines: impl DoubleEndedIterator<Item = &'l [u8]>) -> IpAddr {
        let mut known = peer.to_canonical();
        let mut elements = lines.rev().flat_map(|line| parts(line, b',')).filter(|part| !part.is_empty());
        while self.trusts(known) {
            let Some(next) = elements.next().and_then(|element| self.header.address(element)) else { break };
            known = next;
        }
        known
    }
}

/// The trimmed parts of a text between separators outside of quotes, last first.
fn parts(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (before, part) = match last(text, separator) {
            Some(at) => (Some(&text[..at]), &text[at + 1..]),
            None => (None, text),
        };
        rest = before;
        Some(part.trim_ascii())
    })
}

/// Where the last separator outside of quotes is. From the right, since a quote that a client never closed would hide
/// what a proxy wrote behind it.
fn last(text: &[u8], separator: u8) -> Option<usize> {
    let mut quoted = false;
    (0..text.len()).rev().find(|&at| {
        if text[at] == b'"' && !(quoted && is_escaped(&text[..at])) {
            quoted = !quoted;
        }
        text[at] == separator && !quoted
    })
}

/// Whether what follows stands for itself: behind an odd number of backslashes.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The only `for` of an element of `Forwarded`, without quotes.
fn forwarded_for(element: &[u8]) -> Option<String> {
    let element = std::str::from_utf8(element).ok()?;
    let mut values = parts(element.as_bytes(), b';').filter_map(|pair| {
        let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    });
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    match value.strip_prefix('"') {
        None => Some(value.to_owned()),
        Some(quoted) => Some(quoted.strip_suffix('"')?.replace('\\', "")),
    }
}

/// An address as proxies write it, with or without a port. `unknown` and hidden names are none.
fn node(text: &str) -> Option<IpAddr> {
    let address = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => IpAddr::V6(address.parse().ok()?),
        Some((address, after)) => IpAddr::V6(address.parse().ok().filter(|_| is_port(after))?),
        None => match text.find(':').map(|at| text.split_at(at)) {
            Some((address, port)) if is_port(port) => IpAddr::V4(address.parse().ok()?),
            _ => text.parse().ok()?,
        },
    };
    Some(address.to_canonical())
}

/// A colon, then a number or a hidden name.
fn is_port(text: &str) -> bool {
    let hidden = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.strip_prefix(':').is_some_and(|port| match port.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.bytes().all(hidden),
        None => port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok(),
    })
}

#[cfg(test)]
mod tests;
