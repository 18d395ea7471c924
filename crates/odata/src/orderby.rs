//! `$orderby`: expressions and directions. Ties and nulls are the caller's business.

use jiff::Timestamp;

use crate::{
    cursor::Cursor,
    error::{ParseError, Problem, shortened},
    expr::Expr,
    lexer::Token,
    parser::Parser,
    schema::{Kind, Schema},
};

const LIMIT: usize = 8;

/// One criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy<F> {
    /// What rows are ordered by; its values are primitive.
    pub by: Expr<F>,
    /// `desc` was said.
    pub descending: bool,
}

/// Reads a decoded `$orderby`: 1 to 8 expressions of a primitive type, each once.
pub fn parse_orderby<F: Clone + PartialEq, S: Schema<F>>(
    text: &str,
    schema: &S,
    now: Timestamp,
) -> Result<Vec<OrderBy<F>>, ParseError> {
    let mut parser = Parser::new(Cursor::new("$orderby", text)?, schema, now);
    let mut criteria: Vec<OrderBy<F>> = Vec::new();
    let mut texts: Vec<&str> = Vec::new();
    loop {
        let at = parser.cursor.at;
        let (by, kind) = parser.value()?;
        if let Expr::Literal(_) = by {
            return Err(parser.cursor.fail_at(at, "a property"));
        }
        let written = parser.cursor.since(at);
        let problem = |problem| Err(ParseError::new(at, problem));
        if matches!(kind, Kind::Collection(_) | Kind::Complex(_)) {
            return problem(Problem::Misused(format!(
                "'{}' cannot be sorted by: only a single primitive value has an order.",
                shortened(written)
            )));
        }
        if texts.iter().any(|other| other.eq_ignore_ascii_case(written)) {
            return problem(Problem::Duplicate(shortened(written)));
        }
        texts.push(written);
        if criteria.len() == LIMIT {
            return problem(Problem::TooMany { what: "properties in '$orderby'", limit: LIMIT });
        }
        let cursor = &mut parser.cursor;
        let descending = cursor.token.is("desc");
        if descending || cursor.token.is("asc") {
            cursor.advance()?;
        }
        // The same in other words, such as `toupper(x)` behind `x`, orders nothing more.
        if criteria.iter().all(|other| other.by != by) {
            criteria.push(OrderBy { by, descending });
        }
        if !cursor.take(Token::Comma)? {
            break;
        }
    }
    match parser.cursor.token {
        Token::End => Ok(criteria),
        _ => Err(parser.cursor.fail("'asc', 'desc', ',' or the end")),
    }
}
