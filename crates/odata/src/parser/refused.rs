//! Legal OData that is not offered, refused by its name. What is offered is not here.

use crate::{
    error::{ParseError, Problem, shortened},
    expr::Function,
    lexer::Token,
};

fn unsupported(sentence: String, at: usize) -> ParseError {
    ParseError::new(at, Problem::Unsupported(sentence))
}

/// Fails where the token is an operator that is not offered.
pub(super) fn operator(token: Token<'_>, at: usize) -> Result<(), ParseError> {
    let reason = if token.is("has") {
        "no property here is an enumeration of flags; use eq or in"
    } else if token.is("divby") {
        "only whole numbers are calculated with; use div"
    } else {
        return Ok(());
    };
    let Token::Word(word) = token else { return Ok(()) };
    Err(unsupported(format!("The operator '{}' is not supported: {reason}.", word.to_ascii_lowercase()), at))
}

/// Fails where a path begins with something else than a property, a variable or `$it`.
pub(super) fn path_start(word: &str, at: usize) -> Result<(), ParseError> {
    let what = match word {
        _ if word.starts_with('@') => "Parameter aliases and annotations are",
        _ if word.starts_with('$') => "In an expression this is",
        _ if ["INF", "NaN"].contains(&word) => "Numbers that are not finite are",
        _ => return Ok(()),
    };
    Err(unsupported(format!("{what} not supported: '{}'.", shortened(word)), at))
}

/// The error for a function that is not offered.
pub(super) fn function(name: &str, at: usize) -> ParseError {
    let known: Vec<_> = Function::ALL.iter().map(|function| function.name()).collect();
    let sentence = format!(
        "The function '{}' is not supported; {}, isof, maxdatetime, mindatetime, now, tolower and toupper are.",
        shortened(name),
        known.join(", ")
    );
    unsupported(sentence, at)
}

/// The error for `null` in this place.
pub(super) fn null(place: &str, at: usize) -> ParseError {
    unsupported(format!("'null' {place} is not supported: compare with it by eq or ne."), at)
}

/// The error for `2 in (…)`.
pub(super) fn literal_before_in(at: usize) -> ParseError {
    unsupported(
        "A literal before 'in' is not supported: a property or a function can stand there.".to_owned(),
        at,
    )
}

/// The error for `x in collection`.
pub(super) fn collection_behind_in(at: usize) -> ParseError {
    let sentence =
        "A collection behind 'in' is not supported: list the values in parentheses, or use any(…) with eq.";
    unsupported(sentence.to_owned(), at)
}

/// The error for `x in (y)`.
pub(super) fn expression_in_list(at: usize) -> ParseError {
    let sentence = "A property or an expression in the list behind 'in' is not supported: only literals are.";
    unsupported(sentence.to_owned(), at)
}

/// The error for a segment of a path that is not offered.
pub(super) fn segment(segment: &str, at: usize) -> ParseError {
    unsupported(format!("'{}' in a path is not supported here.", shortened(segment)), at)
}

/// The error for numbers that cannot be calculated with.
pub(super) fn arithmetic(at: usize) -> ParseError {
    let sentence =
        "Arithmetic on other than whole numbers, or whose result may not fit 64 bits, is not supported.";
    unsupported(sentence.to_owned(), at)
}
