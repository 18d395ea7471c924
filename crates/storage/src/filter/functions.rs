//! Functions, in words that both databases have. What is used more than once is named in a subquery, so that functions of
//! functions do not grow beyond measure.

use adept_odata::Function;

use super::{Sql, unfit};
use crate::{
    Error,
    column::{Column, Holds},
    db::Value,
};

/// ASCII's white space.
const BLANKS: &str = " \t\n\u{b}\u{c}\r";

/// More characters than a text has.
const BEYOND: &str = "1000000000";

impl Sql {
    /// The value of a function. `part` is the second argument where that is a literal.
    pub(super) fn call(
        &mut self,
        function: Function,
        arguments: &[Column],
        part: Option<&str>,
    ) -> Result<Column, Error> {
        let (expression, holds) = match (function, arguments) {
            (Function::Contains | Function::StartsWith | Function::EndsWith, [text, _])
                if let Some(part) = part =>
            {
                let pattern = self.parameter(Value::text(pattern(function, part)));
                (format!("({} LIKE {pattern} ESCAPE '\\')", text.folded()), Holds::Bool)
            }
            (Function::Contains, [text, part]) => {
                (format!("(instr({}, {}) > 0)", text.folded(), part.folded()), Holds::Bool)
            }
            (Function::StartsWith, [text, part]) => {
                let starts = "substr(a, 1, length(b)) = b";
                (named(starts, &[&text.folded(), &part.folded()]), Holds::Bool)
            }
            (Function::EndsWith, [text, part]) => {
                let ends = "length(b) <= length(a) AND substr(a, length(a) - length(b) + 1) = b";
                (named(ends, &[&text.folded(), &part.folded()]), Holds::Bool)
            }
            (Function::Length, [text]) => (format!("CAST(length({}) AS BIGINT)", text.text()), Holds::Int),
            (Function::IndexOf, [text, part]) => {
                (format!("CAST(instr({}, {}) - 1 AS BIGINT)", text.folded(), part.folded()), Holds::Int)
            }
            (Function::Substring, [text, start]) => {
                let rest = format!("substr(a, {} + 1)", within("b"));
                (named(&rest, &[&text.text(), &start.expression]), Holds::Text)
            }
            (Function::Substring, [text, start, length]) => {
                let part = format!("substr(a, {} + 1, {})", within("b"), within("c"));
                (named(&part, &[&text.text(), &start.expression, &length.expression]), Holds::Text)
            }
            (Function::Trim, [text]) => {
                let blanks = self.parameter(Value::text(BLANKS.to_owned()));
                (format!("trim({}, {blanks})", text.text()), Holds::Text)
            }
            (Function::Concat, [first, second]) => {
                (format!("({} || {})", first.text(), second.text()), Holds::Text)
            }
            (Function::Date, [time]) => {
                (format!("({} - {})", time.expression, rest(time, "86400000000")), Holds::Date)
            }
            (Function::Year, [time]) => (civil("%Y", time), Holds::Int),
            (Function::Month, [time]) => (civil("%m", time), Holds::Int),
            (Function::Day, [time]) => (civil("%d", time), Holds::Int),
            (Function::Hour, [time]) => (civil("%H", time), Holds::Int),
            (Function::Minute, [time]) => (civil("%M", time), Holds::Int),
            (Function::Second, [time]) => (civil("%S", time), Holds::Int),
            _ => return Err(unfit()),
        };
        let nullable = arguments.iter().any(|argument| argument.nullable);
        Ok(Column { nullable, ..Column::made(expression, holds) })
    }
}

impl Column {
    /// A text in the form in which its parts are looked for.
    fn folded(&self) -> String {
        match self.holds {
            Holds::FoldedText | Holds::Serial | Holds::Id => self.text().into_owned(),
            _ => format!("lower({} COLLATE \"binary\")", self.text()),
        }
    }
}

/// An expression of `a`, `b`, `c`, which these are.
fn named(expression: &str, values: &[&str]) -> String {
    let names: Vec<_> =
        values.iter().zip(["a", "b", "c"]).map(|(value, name)| format!("{value} AS {name}")).collect();
    format!("(SELECT {expression} FROM (SELECT {}) AS named)", names.join(", "))
}

/// A number of characters, at least none and no more than a text can have.
fn within(number: &str) -> String {
    format!(
        "CAST(CASE WHEN {number} < 0 THEN 0 WHEN {number} > {BEYOND} THEN {BEYOND} ELSE {number} END AS INTEGER)"
    )
}

/// What lies between a time and the last multiple of so many microseconds, before 1970 too.
fn rest(time: &Column, unit: &str) -> String {
    format!("(({0} % {unit}) + {unit}) % {unit}", time.expression)
}

/// A part of a time, UTC.
fn civil(part: &str, time: &Column) -> String {
    let seconds = format!("({} - {}) / 1000000", time.expression, rest(time, "1000000"));
    format!("CAST(strftime('{part}', {seconds}, 'unixepoch') AS BIGINT)")
}

/// The pattern of `LIKE` for texts that hold this one, in lower case.
pub(crate) fn contains(text: &str) -> String {
    pattern(Function::Contains, text)
}

fn pattern(function: Function, text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    for character in text.to_ascii_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    match function {
        Function::StartsWith => format!("{escaped}%"),
        Function::EndsWith => format!("%{escaped}"),
        _ => format!("%{escaped}%"),
    }
}
