//! What requests and answers agree on: the version of the API and how much an answer says about itself.

use adept_odata::parse_query_string;
use axum::http::{HeaderMap, header, request::Parts};

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
    /// The context too. The default.
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

/// What a request asks for: `$format` wins over the `Accept` headers. None when this service offers none of it.
pub(super) fn asked_for(parts: &Parts) -> Option<Metadata> {
    let query = parts.uri.query().unwrap_or_default();
    // What cannot be read is refused when it is.
    match parse_query_string(query).ok().and_then(|options| options.format) {
        Some(format) if format.trim().eq_ignore_ascii_case("json") => Some(Metadata::Minimal),
        Some(format) => of_media_type(format.trim()),
        None => accepted(&parts.headers),
    }
}

/// What the `Accept` headers ask for; none when this service offers none of it.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Metadata> {
    let ranges =
        headers.get_all(header::ACCEPT).into_iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    let ranges = ranges.map(|range| std::str::from_utf8(range).unwrap_or("?").trim());
    let mut ranges = ranges.filter(|range| !range.is_empty()).peekable();
    if ranges.peek().is_none() {
        return Some(Metadata::Minimal);
    }
    ranges.find_map(of_media_type)
}

/// What a media type or a range of them asks for.
fn of_media_type(range: &str) -> Option<Metadata> {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let known = ["application/json", "application/*", "*/*", "text/*", "text/plain"];
    let is_known = known.iter().any(|known| media.eq_ignore_ascii_case(known));
    is_known.then(|| parts.find_map(metadata).unwrap_or(Metadata::Minimal))
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

    fn accept(value: &'static str) -> Option<Metadata> {
        accepted(&HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())]))
    }

    #[test]
    fn media_types_that_graph_clients_accept_are_understood() {
        assert_eq!(accepted(&HeaderMap::new()), Some(Metadata::Minimal));
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
            assert_eq!(accept(value), Some(metadata), "{value}");
        }
        for value in ["application/xml", "image/*, application/atom+xml", "json"] {
            assert_eq!(accept(value), None, "{value}");
        }
    }
}
