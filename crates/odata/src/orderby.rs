//! `$orderby`: properties and directions. Ties and nulls are the caller's business.

use crate::{
    cursor::Cursor,
    error::{ParseError, Problem, shortened},
    lexer::Token,
    schema::{Kind, Schema, resolve},
};

const LIMIT: usize = 8;

/// One criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy<F> {
    /// A primitive field.
    pub field: F,
    /// `desc` was said.
    pub descending: bool,
}

/// Reads a decoded `$orderby`: 1 to 8 primitive properties, each once.
pub fn parse_orderby<F: PartialEq, S: Schema<F>>(
    text: &str,
    schema: &S,
) -> Result<Vec<OrderBy<F>>, ParseError> {
    let mut cursor = Cursor::new("$orderby", text)?;
    let mut criteria: Vec<OrderBy<F>> = Vec::new();
    loop {
        let at = cursor.at;
        let path = cursor.path()?;
        let problem = |problem| ParseError::new(at, problem);
        let (field, kind) = resolve(schema, &path).map_err(problem)?;
        let in_collection = (1..path.len())
            .any(|length| matches!(schema.field(&path[..length]), Some((_, Kind::Collection(_)))));
        if in_collection || matches!(kind, Kind::Collection(_) | Kind::Complex(_)) {
            let name = shortened(&path.join("/"));
            return Err(problem(Problem::Misused(format!(
                "'{name}' cannot be sorted by: only a single primitive value has an order."
            ))));
        }
        if criteria.iter().any(|other| other.field == field) {
            return Err(problem(Problem::Duplicate(shortened(&path.join("/")))));
        }
        if criteria.len() == LIMIT {
            return Err(problem(Problem::TooMany { what: "properties in '$orderby'", limit: LIMIT }));
        }
        let descending = cursor.token.is("desc");
        if descending || cursor.token.is("asc") {
            cursor.advance()?;
        }
        criteria.push(OrderBy { field, descending });
        if !cursor.take(Token::Comma)? {
            break;
        }
    }
    match cursor.token {
        Token::End => Ok(criteria),
        _ => Err(cursor.fail("'asc', 'desc', ',' or the end")),
    }
}
