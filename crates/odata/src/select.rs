//! `$select`: which properties an answer shows. It says nothing about how they are shown.

use crate::{
    cursor::Cursor,
    error::{ParseError, Problem},
    lexer::Token,
    schema::{Schema, resolve},
};

const LIMIT: usize = 200;

/// The wanted properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select<F> {
    /// `*` was among them.
    All,
    /// These, each once, in the order written.
    Fields(Vec<F>),
}

/// What is wrong with a path, in the words of this option.
fn of_select(problem: Problem) -> Problem {
    match problem {
        Problem::Unusable(path) => Problem::Unsupported(format!(
            "'{path}' in '$select' is not supported: a property can be selected, or a member of one."
        )),
        other => other,
    }
}

/// Reads a decoded `$select`: 1 to 200 properties or `*`. A property named twice counts once.
pub fn parse_select<F: PartialEq, S: Schema<F>>(text: &str, schema: &S) -> Result<Select<F>, ParseError> {
    let mut cursor = Cursor::new("$select", text)?;
    let mut fields = Vec::new();
    let mut all = false;
    for count in 0.. {
        let at = cursor.at;
        if count == LIMIT {
            return Err(ParseError::new(
                at,
                Problem::TooMany { what: "properties in '$select'", limit: LIMIT },
            ));
        }
        if cursor.take(Token::Star)? {
            all = true;
        } else {
            let path = cursor.path()?;
            let refused = match cursor.token {
                Token::Star => "The operations of a namespace are not supported in '$select'.",
                Token::Open => "Options in parentheses are not supported in '$select'.",
                _ => "",
            };
            if !refused.is_empty() {
                return Err(ParseError::new(at, Problem::Unsupported(refused.to_owned())));
            }
            let (field, _) =
                resolve(schema, &path).map_err(|problem| ParseError::new(at, of_select(problem)))?;
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        if !cursor.take(Token::Comma)? {
            break;
        }
    }
    match cursor.token {
        Token::End if all => Ok(Select::All),
        Token::End => Ok(Select::Fields(fields)),
        _ => Err(cursor.fail("',' or the end")),
    }
}
