//! Why a query was refused. [`ParseError`] displays as the sentence that a caller of the service reads; it knows no status codes.

use std::fmt;

/// A refused query. Nothing was evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ParseError {
    /// Where, in bytes from 0 in the text that was handed in (the sentence counts from 1).
    pub position: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The text does not follow the grammar.
    Syntax {
        /// The text around the position, quotes doubled.
        excerpt: String,
        /// What could have stood there.
        expected: &'static str,
    },
    /// No such property.
    UnknownProperty {
        /// As the caller wrote it.
        name: String,
        /// The type that was searched, as the schema names it.
        type_name: String,
    },
    /// The property exists, and nothing can be compared with it or ordered by it; its path as the caller wrote it.
    Unusable(String),
    /// The literal does not fit the property.
    WrongType {
        /// As the caller wrote it.
        property: String,
        /// The property's EDM type.
        expected: String,
        /// As the caller wrote it.
        literal: String,
    },
    /// The text is not a member of the property's enum.
    UnknownMember {
        /// As the caller wrote it.
        literal: String,
        /// The enum's name.
        type_name: &'static str,
        /// All members.
        members: &'static [&'static str],
    },
    /// The property exists but cannot be used in this place; the whole sentence.
    Misused(String),
    /// Legal OData that this parser does not offer; the whole sentence.
    Unsupported(String),
    /// The text is longer than `limit` bytes.
    TooLong {
        /// The query option or part.
        what: &'static str,
        /// In bytes.
        limit: usize,
    },
    /// Nested deeper than `limit` levels.
    TooDeep {
        /// In levels.
        limit: usize,
    },
    /// More than `limit` entries.
    TooMany {
        /// What was counted, in the plural.
        what: &'static str,
        /// The most that are accepted.
        limit: usize,
    },
    /// A query option that starts with `$` and is not known here.
    UnknownOption(String),
    /// The same option or property twice.
    Duplicate(String),
    /// A query option whose value is not of its form.
    InvalidValue {
        /// With its `$`.
        option: &'static str,
        /// As the caller wrote it, decoded.
        value: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// A percent sequence that is broken, is not UTF-8 or means NUL.
    Encoding,
}

impl ParseError {
    pub(crate) fn new(position: usize, problem: Problem) -> Self {
        Self { position, problem }
    }

    pub(crate) fn syntax(text: &str, position: usize, expected: &'static str) -> Self {
        Self::new(position, Problem::Syntax { excerpt: excerpt(text, position), expected })
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.position + 1;
        match &self.problem {
            Problem::Syntax { excerpt, expected } => {
                write!(f, "Syntax error at position {place} in '{excerpt}': expected {expected}.")
            }
            Problem::UnknownProperty { name, type_name } => {
                write!(f, "Could not find a property named '{name}' on type '{type_name}'.")
            }
            Problem::Unusable(path) => {
                write!(f, "The property '{path}' cannot be used in '$filter' or '$orderby'.")
            }
            Problem::WrongType { property, expected, literal } => write!(
                f,
                "The property '{property}' is of type '{expected}' and cannot be compared with {literal} (position {place})."
            ),
            Problem::UnknownMember { literal, type_name, members } => write!(
                f,
                "{literal} at position {place} is not a member of '{type_name}'; the members are {}.",
                members.join(", ")
            ),
            Problem::Misused(sentence) | Problem::Unsupported(sentence) => f.write_str(sentence),
            Problem::TooLong { what, limit } => {
                write!(f, "{what} is too long: at most {limit} bytes are accepted.")
            }
            Problem::TooDeep { limit } => {
                write!(f, "The query is nested too deeply: at most {limit} levels are accepted.")
            }
            Problem::TooMany { what, limit } => {
                write!(f, "The query has too many {what}: at most {limit} are accepted.")
            }
            Problem::UnknownOption(name) => write!(f, "The query option '{name}' is not supported."),
            Problem::Duplicate(name) => write!(f, "'{name}' is given more than once."),
            Problem::InvalidValue { option, value, expected } => {
                write!(
                    f,
                    "The value '{value}' of the query option '{option}' is not valid: expected {expected}."
                )
            }
            Problem::Encoding => {
                write!(f, "The query string is not valid percent-encoded UTF-8 text at position {place}.")
            }
        }
    }
}

/// At most about 120 bytes around the position, so that an error never repeats a whole long query.
fn excerpt(text: &str, position: usize) -> String {
    const AROUND: usize = 60;
    let start = text.floor_char_boundary(position.saturating_sub(AROUND));
    let end = text.ceil_char_boundary((position + AROUND).min(text.len()));
    let shown = text[start..end].replace('\'', "''");
    let (before, after) = (if start > 0 { "…" } else { "" }, if end < text.len() { "…" } else { "" });
    format!("{before}{shown}{after}")
}

/// Text for an error sentence: at most 100 bytes of what the caller wrote.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 100;
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(SHOWN)])
}
