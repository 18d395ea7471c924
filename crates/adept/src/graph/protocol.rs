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
    match format_of(parts) {
        Some(format) if format.eq_ignore_ascii_case("json") => Some(Metadata::Minimal),
        Some(format) => MediaRange::of(&format).map(|range| range.metadata()),
        None => accepted(&parts.headers),
    }
}

/// What `$format` says.
pub(super) fn format_of(parts: &Parts) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default();
    // What cannot be read is refused when it is.
    let format = parse_query_string(query).ok()?.format?;
    Some(format.trim().to_owned())
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
    let ranges: Vec<_> = ranges.filter_map(MediaRange::of).collect();
    // The most exact range decides about JSON (RFC 9110, 12.5.1).
    let is_refused = ranges.iter().any(|range| range.is_json() && range.quality == 0);
    let mut best: Option<&MediaRange> = None;
    for range in ranges.iter().filter(|range| range.quality > 0 && !(is_refused && range.is_wild())) {
        if best.is_none_or(|best| range.quality > best.quality) {
            best = Some(range);
        }
    }
    best.map(MediaRange::metadata)
}

/// A media type that may be served, or a range of them.
struct MediaRange<'r> {
    media: &'r str,
    metadata: Option<Metadata>,
    /// In thousandths.
    quality: u16,
}

impl<'r> MediaRange<'r> {
    /// None of what is not offered.
    fn of(range: &'r str) -> Option<Self> {
        let (media, parameters) = range.split_once(';').unwrap_or((range, ""));
        let known = ["application/json", "application/*", "*/*", "text/*", "text/plain"];
        let media = known.into_iter().find(|known| media.trim().eq_ignore_ascii_case(known))?;
        let parameters = parameters.split(';').map(str::trim);
        let quality = parameters.clone().find_map(quality).unwrap_or(1000);
        Some(Self { media, metadata: parameters.clone().find_map(metadata), quality })
    }

    fn metadata(&self) -> Metadata {
        self.metadata.unwrap_or(Metadata::Minimal)
    }

    /// JSON with whatever metadata.
    fn is_json(&self) -> bool {
        self.media == "application/json" && self.metadata.is_none()
    }

    fn is_wild(&self) -> bool {
        self.media.ends_with('*')
    }
}

/// `q=0.5` in thousandths; a value that is no weight counts as 1.
fn quality(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    let weight: f32 = value.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(1.0);
    // At most 1000.
    name.trim().eq_ignore_ascii_case("q").then_some((weight * 1000.0) as u16)
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
            (
                "application/json;odata.metadata=none;q=0.1, application/json;odata.metadata=full;q=0.9",
                Metadata::Full,
            ),
            ("application/json;odata.metadata=full, application/json;odata.metadata=none", Metadata::Full),
            ("application/json;odata.metadata=full;q=0, */*;q=0.1", Metadata::Minimal),
            ("application/json;q=0, application/json;odata.metadata=none", Metadata::None),
            ("application/json;q=x", Metadata::Minimal),
        ] {
            assert_eq!(accept(value), Some(metadata), "{value}");
        }
        for value in [
            "application/xml",
            "image/*, application/atom+xml",
            "json",
            "application/json;q=0",
            "application/json; Q=0.000",
            "*/*;q=0",
            "application/json;q=0, */*",
            "application/xml, application/json;q=0.0",
        ] {
            assert_eq!(accept(value), None, "{value}");
        }
    }
}
