//! `$expand`: navigation properties and the options inside their parentheses. Nested options stay text, because only the
//! caller knows the type on the other side: it hands them to the other parsers, `$expand` to [`parse_expand`] again.

use crate::{
    MAX_DEPTH, MAX_TEXT,
    error::{ParseError, Problem, shortened},
    query_string::{Name, QueryOptions},
};

const LIMIT: usize = 20;

/// One thing to expand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expand {
    /// As written, such as `enrollmentProfiles`, `*` or `a/$ref`.
    pub path: String,
    /// What stood in the parentheses; never `skiptoken` or `format`.
    pub options: QueryOptions,
    /// `$levels`.
    pub levels: Option<Levels>,
}

/// How often a recursive expansion repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Levels {
    /// `max`.
    Max,
    /// A number of times.
    Count(u32),
}

/// Reads a decoded `$expand` of 1 to 20 items, each once, whose parentheses nest at most [`MAX_DEPTH`] deep.
pub fn parse_expand(text: &str) -> Result<Vec<Expand>, ParseError> {
    if text.len() > MAX_TEXT {
        return Err(ParseError::new(MAX_TEXT, Problem::TooLong { what: "$expand", limit: MAX_TEXT }));
    }
    let mut items: Vec<Expand> = Vec::new();
    for part in split(text, 0..text.len(), b',')? {
        if items.len() == LIMIT {
            let problem = Problem::TooMany { what: "properties in '$expand'", limit: LIMIT };
            return Err(ParseError::new(part.start, problem));
        }
        let start = part.start;
        let item = item(text, part)?;
        if items.iter().any(|other| other.path.eq_ignore_ascii_case(&item.path)) {
            return Err(ParseError::new(start, Problem::Duplicate(shortened(&item.path))));
        }
        items.push(item);
    }
    Ok(items)
}

type Span = std::ops::Range<usize>;

fn item(text: &str, span: Span) -> Result<Expand, ParseError> {
    let span = trimmed(text, span);
    let written = &text[span.clone()];
    let open = written.find('(');
    let path = written[..open.unwrap_or(written.len())].trim_end();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'$' | b'*');
    if path.is_empty() || !path.bytes().all(is_name) {
        return Err(ParseError::syntax(text, span.start, "the name of a navigation property"));
    }
    let mut expand = Expand { path: path.to_owned(), options: QueryOptions::default(), levels: None };
    let Some(open) = open else { return Ok(expand) };
    if !written.ends_with(')') {
        return Err(ParseError::syntax(text, span.end, "')' at the end of the expanded property"));
    }
    for part in split(text, span.start + open + 1..span.end - 1, b';')? {
        let part = trimmed(text, part);
        if !part.is_empty() {
            option(&mut expand, text, part)?;
        }
    }
    Ok(expand)
}

fn option(expand: &mut Expand, text: &str, span: Span) -> Result<(), ParseError> {
    let at = span.start;
    let Some((name, value)) = text[span].split_once('=') else {
        return Err(ParseError::syntax(text, at, "an option such as $select=…"));
    };
    let (name, value) = (name.trim_end(), value.trim_start());
    if name.strip_prefix('$').unwrap_or(name).eq_ignore_ascii_case("levels") {
        let invalid = || Problem::InvalidValue {
            option: "$levels",
            value: shortened(value),
            expected: "'max' or a number",
        };
        if expand.levels.is_some() {
            return Err(ParseError::new(at, Problem::Duplicate("$levels".to_owned())));
        }
        expand.levels = Some(match value.parse() {
            Ok(count) => Levels::Count(count),
            Err(_) if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                Levels::Count(u32::MAX)
            }
            Err(_) if value.eq_ignore_ascii_case("max") => Levels::Max,
            Err(_) => return Err(ParseError::new(at, invalid())),
        });
        return Ok(());
    }
    match Name::of(name) {
        Some(known) if !matches!(known, Name::Skiptoken | Name::Format) => {
            expand.options.set(known, value.to_owned(), at)
        }
        _ => Err(ParseError::new(at, Problem::UnknownOption(shortened(name)))),
    }
}

/// Cuts a part of the text at every separator that is neither quoted nor in parentheses. At least one piece.
fn split(text: &str, span: Span, separator: u8) -> Result<Vec<Span>, ParseError> {
    let (mut pieces, mut start) = (Vec::new(), span.start);
    let (mut depth, mut quoted) = (0_usize, false);
    for at in span.clone() {
        match text.as_bytes()[at] {
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b'(' if depth == MAX_DEPTH => {
                return Err(ParseError::new(at, Problem::TooDeep { limit: MAX_DEPTH }));
            }
            b'(' => depth += 1,
            b')' if depth == 0 => return Err(ParseError::syntax(text, at, "'(' before this ')'")),
            b')' => depth -= 1,
            byte if byte == separator && depth == 0 => {
                pieces.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    if quoted || depth > 0 {
        return Err(ParseError::syntax(text, span.end, if quoted { "a closing quote" } else { "')'" }));
    }
    pieces.push(start..span.end);
    Ok(pieces)
}

fn trimmed(text: &str, span: Span) -> Span {
    let inner = &text[span.clone()];
    let start = span.start + (inner.len() - inner.trim_start().len());
    start..start + inner.trim().len()
}
