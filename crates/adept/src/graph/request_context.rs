//! One request as a handler sees it: who calls, which keys, what is preferred. Reading the body is `body`'s work, reading
//! the query `listing`'s.

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use uuid::Uuid;

use super::{error::Error, router::Route};
use crate::{
    app,
    domain::{Caller, DeviceId, Origin, SettingId},
};

/// A version of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// `/beta`
    Beta,
    /// `/v1.0`
    V1,
}

impl Version {
    /// The version that a path's first segment names, in any case.
    pub(super) fn of(segment: &str) -> Option<Self> {
        [Self::Beta, Self::V1].into_iter().find(|version| version.as_str().eq_ignore_ascii_case(segment))
    }

    /// As it is written in URLs.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Beta => "beta",
            Self::V1 => "v1.0",
        }
    }
}

/// How much an answer says about itself: the parameter `odata.metadata` of the media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metadata {
    /// No annotations but the count and the next link.
    None,
    /// The context too. What is meant when nothing is said.
    Minimal,
    /// Types and ids of everything too.
    Full,
}

impl Metadata {
    /// The parameter's value.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Full => "full",
        }
    }
}

/// A request that is authenticated and routed, by a caller who holds the route's permission.
pub(super) struct RequestContext {
    pub(super) caller: Caller,
    /// The request's own id.
    pub(super) request: Uuid,
    pub(super) version: Version,
    pub(super) route: &'static Route,
    /// The keys in the path, first to last, decoded.
    pub(super) keys: Vec<String>,
    /// The type that the path narrows a collection or an entity to, without its namespace.
    pub(super) cast: Option<&'static str>,
    /// The function's arguments, in the order of the route's template.
    pub(super) arguments: Vec<String>,
    /// The path as the client wrote it.
    pub(super) path: String,
    /// The query as the client wrote it, without its question mark.
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) metadata: Metadata,
    /// Whether it came inside a `$batch`.
    pub(super) in_batch: bool,
    pub(super) body: Body,
}

impl RequestContext {
    /// The first key of the path. Only this service's own spelling of a GUID is a key: nothing else names a setting.
    pub(super) fn setting_id(&self) -> Result<SettingId, Error> {
        self.key(0).map(SettingId).ok_or(Error::App(app::Error::NO_SETTING))
    }

    /// The second key of the path.
    pub(super) fn device_id(&self) -> Result<DeviceId, Error> {
        let nothing = Error::App(app::Error::NotFound { what: "The device" });
        self.key(1).map(DeviceId).ok_or(nothing)
    }

    /// The only key of the path.
    pub(super) fn audit_event_id(&self) -> Result<Uuid, Error> {
        self.key(0).ok_or(Error::App(app::Error::NotFound { what: "The audit event" }))
    }

    fn key(&self, place: usize) -> Option<Uuid> {
        const HYPHENATED: usize = 36;
        let text = self.keys.get(place).filter(|text| text.len() == HYPHENATED)?;
        Uuid::try_parse(text).ok()
    }

    /// On whose behalf something is changed.
    pub(super) fn origin(&self) -> Origin {
        Origin { caller: self.caller.clone(), request: self.request }
    }

    /// Whether a write shall answer without the entity (`return=minimal`) or with it; none when nothing is preferred.
    pub(super) fn prefers_minimal(&self) -> Option<bool> {
        self.preferences().find_map(|(name, value)| match value {
            "minimal" if name.eq_ignore_ascii_case("return") => Some(true),
            "representation" if name.eq_ignore_ascii_case("return") => Some(false),
            _ => None,
        })
    }

    /// Rows per page that the client wants, at least 1.
    pub(super) fn preferred_page_size(&self) -> Option<u32> {
        self.preferences().find_map(|(name, value)| {
            let known =
                ["odata.maxpagesize", "maxpagesize"].iter().any(|known| name.eq_ignore_ascii_case(known));
            value.parse().ok().filter(|size| known && *size > 0)
        })
    }

    fn preferences(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
        headers.flat_map(|text| text.split([',', ';'])).filter_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            Some((name.trim(), value.trim().trim_matches('"')))
        })
    }
}

/// What the `Accept` headers ask for; an error when nothing that is offered satisfies them.
pub(super) fn accepted(headers: &HeaderMap) -> Result<Metadata, Error> {
    let mut asked = false;
    for range in
        headers.get_all(header::ACCEPT).into_iter().flat_map(|value| value.as_bytes().split(|b| *b == b','))
    {
        let range = std::str::from_utf8(range).unwrap_or("?").trim();
        if range.is_empty() {
            continue;
        }
        asked = true;
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let known = ["application/json", "application/*", "*/*", "text/*", "text/plain"];
        if known.iter().any(|known| media.eq_ignore_ascii_case(known)) {
            return Ok(parts.find_map(metadata).unwrap_or(Metadata::Minimal));
        }
    }
    if asked { Err(Error::NotAcceptable) } else { Ok(Metadata::Minimal) }
}

/// `odata.metadata=full` and the like; OData 4.01 leaves the prefix out.
fn metadata(parameter: &str) -> Option<Metadata> {
    let (name, value) = parameter.split_once('=')?;
    if !["odata.metadata", "metadata"].iter().any(|known| name.trim().eq_ignore_ascii_case(known)) {
        return None;
    }
    let value = value.trim().trim_matches('"');
    [Metadata::None, Metadata::Minimal, Metadata::Full]
        .into_iter()
        .find(|metadata| metadata.as_str().eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &'static str) -> Result<Metadata, Error> {
        accepted(&HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())]))
    }

    #[test]
    fn what_clients_of_graph_accept_is_understood() {
        assert!(matches!(accepted(&HeaderMap::new()), Ok(Metadata::Minimal)));
        for (value, metadata) in [
            ("application/json", Metadata::Minimal),
            ("*/*", Metadata::Minimal),
            ("", Metadata::Minimal),
            ("text/plain;q=0.9", Metadata::Minimal),
            ("application/json;odata.metadata=full", Metadata::Full),
            ("Application/JSON; IEEE754Compatible=false; odata.metadata=\"none\"; q=0.5", Metadata::None),
            ("application/json;odata.metadata=other", Metadata::Minimal),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Metadata::Minimal),
        ] {
            assert_eq!(accept(value).ok(), Some(metadata), "{value}");
        }
        for value in ["application/xml", "image/*, application/atom+xml", "json"] {
            assert!(matches!(accept(value), Err(Error::NotAcceptable)), "{value}");
        }
    }
}
