//! The one URL under which clients reach this service. Everything that Adept writes about itself is built from it,
//! never from a request's `Host`.

use std::{fmt, net::IpAddr};

use reqwest::Url;

use crate::domain::TenantId;

/// An `http` or `https` origin, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    url: Url,
}

impl PublicUrl {
    /// Reads an origin; an error for anything but `http`/`https`, host and port.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| format!("`{text}` is not a URL ({error})"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("`{text}` must begin with https:// (or http:// with --plain-http)"));
        }
        let extra = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
        if extra || !url.username().is_empty() || url.password().is_some() {
            return Err(format!(
                "`{text}` must be scheme, host and port alone, such as https://adept.example.org"
            ));
        }
        Ok(Self { origin: url.origin().ascii_serialization(), url })
    }

    /// Scheme, host and port (unless it is the scheme's own), without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The host in lower case; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        // A URL of these schemes has one.
        self.url.host_str().unwrap_or_default()
    }

    /// The host as an address, when it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host().trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// The issuer (`iss`) of a tenant's tokens.
    pub fn issuer(&self, tenant: TenantId) -> String {
        format!("{}/{tenant}/v2.0", self.origin)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_without_its_slash_and_its_schemes_own_port() {
        for (text, origin, host) in [
            ("https://Adept.Example.org/", "https://adept.example.org", "adept.example.org"),
            ("https://adept.example.org:443", "https://adept.example.org", "adept.example.org"),
            ("https://localhost:8443", "https://localhost:8443", "localhost"),
            ("http://[::1]:8080", "http://[::1]:8080", "[::1]"),
        ] {
            let url = PublicUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.host()), (origin, host), "{text}");
        }
        assert_eq!(PublicUrl::parse("https://[::1]").unwrap().ip(), Some("::1".parse().unwrap()));
        assert_eq!(PublicUrl::parse("https://localhost").unwrap().ip(), None);
    }

    #[test]
    fn anything_more_than_an_origin_is_refused() {
        for text in [
            "",
            "localhost:8443",
            "ftp://localhost",
            "https://localhost/adept",
            "https://localhost/?a=b",
            "https://localhost/#a",
            "https://user:secret@localhost",
        ] {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }
}
