//! The raw query of a URL into its decoded options. It does not look into them, `$top`, `$skip` and `$count` apart.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{
    MAX_QUERY,
    error::{ParseError, Problem, shortened},
};

/// What is escaped in a value (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The system query options of one request, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryOptions {
    /// For [`crate::parse_filter`].
    pub filter: Option<String>,
    /// For [`crate::parse_orderby`].
    pub orderby: Option<String>,
    /// For [`crate::parse_select`].
    pub select: Option<String>,
    /// For [`crate::parse_expand`].
    pub expand: Option<String>,
    /// As written.
    pub search: Option<String>,
    /// As written.
    pub skiptoken: Option<String>,
    /// As written.
    pub format: Option<String>,
    /// How many rows at most; 0 is legal.
    pub top: Option<u32>,
    /// How many rows to leave out first.
    pub skip: Option<u32>,
    /// Whether the total is wanted.
    pub count: Option<bool>,
}

/// Reads the part of a URL after `?`, as sent. Names are known in any case, with or without `$`. Fails on more than
/// [`MAX_QUERY`] bytes, broken encoding, an unknown option with `$` and an option given twice; ignores custom options.
pub fn parse_query_string(raw: &str) -> Result<QueryOptions, ParseError> {
    if raw.len() > MAX_QUERY {
        return Err(ParseError::new(
            MAX_QUERY,
            Problem::TooLong { what: "The query string", limit: MAX_QUERY },
        ));
    }
    let mut options = QueryOptions::default();
    for (at, piece) in pieces(raw) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let value_at = at + piece.len() - value.len();
        let name = decoded(name, at)?;
        match Name::of(&name) {
            Some(known) => options.set(known, decoded(value, value_at)?, at)?,
            None if name.starts_with('$') => {
                return Err(ParseError::new(at, Problem::UnknownOption(shortened(&name))));
            }
            None => {}
        }
    }
    Ok(options)
}

/// The query of the next page: the raw query of this one with another `$skiptoken` and without `$skip`, which the token
/// has already taken into account. Everything else stays as it was sent.
pub fn with_skiptoken(raw: &str, token: &str) -> String {
    let mut next = String::with_capacity(raw.len() + token.len() + 12);
    for (at, piece) in pieces(raw) {
        let name = piece.split_once('=').map_or(piece, |(name, _)| name);
        let known = decoded(name, at).ok().and_then(|name| Name::of(&name));
        if !matches!(known, Some(Name::Skiptoken | Name::Skip)) {
            next.push_str(piece);
            next.push('&');
        }
    }
    next.push_str("$skiptoken=");
    next.extend(utf8_percent_encode(token, RESERVED));
    next
}

/// The non-empty parts between the `&`, each with the byte at which it starts.
fn pieces(raw: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    raw.split('&')
        .map(move |piece| {
            let at = start;
            start += piece.len() + 1;
            (at, piece)
        })
        .filter(|(_, piece)| !piece.is_empty())
}

/// A system query option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Filter,
    Orderby,
    Select,
    Expand,
    Top,
    Skip,
    Count,
    Skiptoken,
    Search,
    Format,
}

impl Name {
    const ALL: [Self; 10] = [
        Self::Filter,
        Self::Orderby,
        Self::Select,
        Self::Expand,
        Self::Top,
        Self::Skip,
        Self::Count,
        Self::Skiptoken,
        Self::Search,
        Self::Format,
    ];

    /// The canonical spelling.
    fn text(self) -> &'static str {
        match self {
            Self::Filter => "$filter",
            Self::Orderby => "$orderby",
            Self::Select => "$select",
            Self::Expand => "$expand",
            Self::Top => "$top",
            Self::Skip => "$skip",
            Self::Count => "$count",
            Self::Skiptoken => "$skiptoken",
            Self::Search => "$search",
            Self::Format => "$format",
        }
    }

    /// With or without `$`, in any ASCII case.
    pub(crate) fn of(written: &str) -> Option<Self> {
        let bare = written.strip_prefix('$').unwrap_or(written);
        Self::ALL.into_iter().find(|name| name.text()[1..].eq_ignore_ascii_case(bare))
    }
}

impl QueryOptions {
    /// Fails when the option is already set or the value is not of its form.
    pub(crate) fn set(&mut self, name: Name, value: String, at: usize) -> Result<(), ParseError> {
        let option = name.text();
        let invalid = |expected| {
            let value = shortened(&value);
            ParseError::new(at, Problem::InvalidValue { option, value, expected })
        };
        let number = || match value.parse::<u32>() {
            Ok(number) if !value.starts_with('+') => Ok(number),
            // More than any list holds.
            Err(_) if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => Ok(u32::MAX),
            _ => Err(invalid("a non-negative integer")),
        };
        let twice = match name {
            Name::Top => self.top.replace(number()?).is_some(),
            Name::Skip => self.skip.replace(number()?).is_some(),
            Name::Count => {
                let known =
                    [true, false].into_iter().find(|known| known.to_string().eq_ignore_ascii_case(&value));
                self.count.replace(known.ok_or_else(|| invalid("true or false"))?).is_some()
            }
            Name::Filter => self.filter.replace(value).is_some(),
            Name::Orderby => self.orderby.replace(value).is_some(),
            Name::Select => self.select.replace(value).is_some(),
            Name::Expand => self.expand.replace(value).is_some(),
            Name::Skiptoken => self.skiptoken.replace(value).is_some(),
            Name::Search => self.search.replace(value).is_some(),
            Name::Format => self.format.replace(value).is_some(),
        };
        if twice { Err(ParseError::new(at, Problem::Duplicate(option.to_owned()))) } else { Ok(()) }
    }
}

/// `%XX` and `+` decoded; `at` is where the text starts in the raw query.
fn decoded(text: &str, at: usize) -> Result<String, ParseError> {
    let bad = |offset: usize| ParseError::new(at + offset, Problem::Encoding);
    let bytes = text.as_bytes();
    // No option has a use for NUL, and PostgreSQL's text cannot hold it.
    let is_bad = |index: &usize| match bytes[*index] {
        0 => true,
        b'%' => !bytes
            .get(index + 1..index + 3)
            .is_some_and(|two| two != b"00" && two.iter().all(u8::is_ascii_hexdigit)),
        _ => false,
    };
    if let Some(index) = (0..bytes.len()).find(is_bad) {
        return Err(bad(index));
    }
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().map(Cow::into_owned).map_err(|_| bad(0))
}
