//! A checked `$filter` becomes a condition. Column expressions come from a static table, values are bound: no text of
//! a caller ever becomes part of SQL.
//!
//! Text is compared in ASCII lower case, by bytes, on both databases. A condition is true or false, never NULL.

use std::borrow::Cow;

use adept_domain::serial_key;
use adept_odata::{CompareOp, Filter, Function, Literal};
use jiff::Timestamp;
use uuid::{Uuid, fmt::Hyphenated};

use super::{
    Error,
    db::{Statement, Value, id_text, sql_of_parts},
};

/// What a column holds, and so how it is compared.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    /// Text, compared without ASCII case.
    Text,
    /// Text that is stored in ASCII lower case already and never NULL.
    FoldedText,
    /// A serial number, stored as what it is known by. A value that it is compared with is trimmed and folded alike; the
    /// part of one that `contains` and the like look for stands as it was written.
    Serial,
    /// An id of 16 bytes. Their order is that of the lower-case text with hyphens, as which clients see and compare it.
    Id {
        /// Whether it can be NULL.
        nullable: bool,
    },
    /// A member of an enumeration, stored in its exact spelling, never NULL.
    Member(&'static [&'static str]),
    /// A number.
    Int,
    /// A time; when never NULL on the wire, its absence stands for the year 1.
    Time {
        /// Whether Graph shows null.
        nullable: bool,
    },
    /// A time that is never NULL.
    Moment,
    /// True or false, never NULL.
    Bool,
    /// A collection of exactly one item, whose fields are the row's own.
    OneItem,
    /// A JSON array of texts, or NULL for an empty one. Inside `any` and `all` it is the item at hand, under this name.
    Texts(&'static str),
}

/// A column expression of the static table.
#[derive(Clone)]
pub(super) struct Column {
    pub(super) expression: Cow<'static, str>,
    pub(super) holds: Holds,
}

/// `0001-01-01T00:00:00Z` in microseconds: what Graph shows where a date that may not be null is absent.
const YEAR_ONE: &str = "-62135596800000000";

impl Column {
    /// One that stands in the table as it is.
    pub(super) const fn fixed(expression: &'static str, holds: Holds) -> Self {
        Self { expression: Cow::Borrowed(expression), holds }
    }

    /// One whose expression is put together from words of the table.
    pub(super) fn made(expression: String, holds: Holds) -> Self {
        Self { expression: Cow::Owned(expression), holds }
    }

    /// The value: of a collection that of the item at hand.
    fn value(&self) -> Cow<'_, str> {
        match self.holds {
            Holds::Texts(item) => format!("{item}.atom").into(),
            _ => Cow::Borrowed(&*self.expression),
        }
    }

    /// The expression that is compared and ordered by.
    pub(super) fn comparable(&self) -> String {
        let value = self.value();
        match self.holds {
            Holds::Text | Holds::Texts(_) => format!("lower({value} COLLATE \"binary\")"),
            Holds::Time { nullable: false } => format!("COALESCE({value}, {YEAR_ONE})"),
            Holds::Id { .. } => id_text(&value),
            _ => value.into_owned(),
        }
    }

    /// The expression that rows are ordered by: nulls come first.
    pub(super) fn sort_key(&self) -> String {
        match self.holds {
            Holds::Text => format!("COALESCE({}, '')", self.comparable()),
            Holds::Id { nullable: true } => format!("COALESCE({}, unhex(''))", self.expression),
            Holds::Id { nullable: false } => self.expression.clone().into_owned(),
            Holds::Int | Holds::Time { .. } => {
                format!("COALESCE({}, -9223372036854775807)", self.comparable())
            }
            // PostgreSQL's own small numbers are narrower, and a position holds one width.
            Holds::Bool => format!("CAST(CASE WHEN {} THEN 1 ELSE 0 END AS BIGINT)", self.expression),
            Holds::Member(members) => format!("CAST({} AS BIGINT)", self.ordinal(members)),
            // No list is ordered by a collection: the parser refuses it.
            Holds::FoldedText | Holds::Serial | Holds::Moment | Holds::OneItem | Holds::Texts(_) => {
                self.comparable()
            }
        }
    }

    /// Whether [`sort_key`](Self::sort_key) is an id, as bytes.
    pub(super) fn sorts_as_id(&self) -> bool {
        matches!(self.holds, Holds::Id { .. })
    }

    /// Whether [`sort_key`](Self::sort_key) is text.
    pub(super) fn sorts_as_text(&self) -> bool {
        matches!(self.holds, Holds::Text | Holds::FoldedText | Holds::Serial)
    }

    /// Whether it can be NULL, on the wire too.
    fn is_nullable(&self) -> bool {
        matches!(
            self.holds,
            Holds::Text | Holds::Int | Holds::Time { nullable: true } | Holds::Id { nullable: true }
        )
    }

    /// What is compared with a literal.
    fn operand(&self, value: &Literal) -> String {
        match (self.holds, value) {
            (Holds::Member(members), Literal::Enum { .. }) => self.ordinal(members),
            (Holds::Id { .. }, literal) if whole_id(literal).is_some() => self.value().into_owned(),
            _ => self.comparable(),
        }
    }

    fn ordinal(&self, members: &[&'static str]) -> String {
        let cases: String = members
            .iter()
            .enumerate()
            .map(|(ordinal, member)| format!(" WHEN '{member}' THEN {ordinal}"))
            .collect();
        format!("(CASE {}{cases} ELSE -1 END)", self.expression)
    }
}

/// A statement under construction: text and values grow together.
pub(super) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(super) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push_str(&format!("${}", self.values.len()));
        self
    }

    /// The same text with a word before it.
    #[cfg(test)]
    pub(super) fn behind(mut self, word: &str) -> Self {
        self.text.insert_str(0, word);
        self
    }

    pub(super) fn statement(self) -> Statement {
        self.values.into_iter().fold(sql_of_parts(self.text), Statement::bind)
    }

    /// Appends the condition that `filter` stands for.
    pub(super) fn condition<F: Copy>(
        &mut self,
        filter: &Filter<F>,
        column: fn(F) -> Column,
    ) -> Result<(), Error> {
        match filter {
            Filter::Constant(value) => {
                self.push(if *value { "TRUE" } else { "FALSE" });
            }
            Filter::Compare { field, op, value } => self.compare(column(*field), *op, value)?,
            Filter::IsNull(field) => {
                let column = column(*field);
                let is_null = || format!("({} IS NULL)", column.expression);
                self.push(&if column.is_nullable() { is_null() } else { "FALSE".to_owned() });
            }
            Filter::In { field, values } => self.within(column(*field), values)?,
            Filter::Call { function, field, text } => {
                let column = column(*field);
                self.push(&format!("({} IS NOT NULL AND {} LIKE ", column.value(), column.comparable()));
                self.bind(Value::text(pattern(*function, text))).push(" ESCAPE '\\')");
            }
            Filter::Not(inner) => {
                self.push("NOT (");
                self.condition(inner, column)?;
                self.push(")");
            }
            Filter::And(all) => self.joined(all, " AND ", column)?,
            Filter::Or(all) => self.joined(all, " OR ", column)?,
            Filter::Any { collection, predicate } | Filter::All { collection, predicate } => {
                let Column { expression, holds } = column(*collection);
                let (exists, holds_for) = match filter {
                    Filter::All { .. } => ("NOT EXISTS", "NOT ("),
                    _ => ("EXISTS", "("),
                };
                match holds {
                    // With exactly one item, any and all ask the same.
                    Holds::OneItem => self.condition(predicate, column)?,
                    // Whether an item fulfils the predicate, or whether none fails it. No collection is walked twice at once,
                    // so that the name of its item is free.
                    Holds::Texts(item) => {
                        self.push(&format!(
                            "{exists} (SELECT 1 FROM (SELECT atom FROM json_each({expression})) AS {item} WHERE {holds_for}"
                        ));
                        self.condition(predicate, column)?;
                        self.push("))");
                    }
                    _ => return Err(Error::Corrupt("no collection of this type can be filtered".to_owned())),
                }
            }
        }
        Ok(())
    }

    fn joined<F: Copy>(
        &mut self,
        all: &[Filter<F>],
        word: &str,
        column: fn(F) -> Column,
    ) -> Result<(), Error> {
        self.push("(");
        for (index, one) in all.iter().enumerate() {
            if index > 0 {
                self.push(word);
            }
            self.condition(one, column)?;
        }
        self.push(")");
        Ok(())
    }

    fn compare(&mut self, column: Column, op: CompareOp, value: &Literal) -> Result<(), Error> {
        let bound = Bound::of(column.holds, value)?;
        let word = match (op, bound.exact) {
            (CompareOp::Eq, true) => "=",
            (CompareOp::Ne, true) => "<>",
            (CompareOp::Ge, true) => ">=",
            (CompareOp::Lt, true) => "<",
            (CompareOp::Gt, _) | (CompareOp::Ge, false) => ">",
            (CompareOp::Le, _) | (CompareOp::Lt, false) => "<=",
            (CompareOp::Eq | CompareOp::Ne, false) => {
                self.push(if op == CompareOp::Ne { "TRUE" } else { "FALSE" });
                return Ok(());
            }
        };
        self.push("(");
        if column.is_nullable() {
            let null = if op == CompareOp::Ne { "IS NULL OR" } else { "IS NOT NULL AND" };
            self.push(&format!("{} {null} ", column.expression));
        }
        self.push(&format!("{} {word} ", column.operand(value))).bind(bound.value).push(")");
        Ok(())
    }

    /// A list and not a chain of comparisons: SQLite bounds how deep an expression is.
    fn within(&mut self, column: Column, values: &[Literal]) -> Result<(), Error> {
        let mut bounds = Vec::with_capacity(values.len());
        for value in values {
            let bound = Bound::of(column.holds, value)?;
            if bound.exact {
                bounds.push(bound.value);
            }
        }
        let (Some(first), false) = (values.first(), bounds.is_empty()) else {
            self.push("FALSE");
            return Ok(());
        };
        let null = match column.is_nullable() {
            true => format!("{} IS NOT NULL AND ", column.expression),
            false => String::new(),
        };
        // Ids are compared as bytes where each of the list is whole.
        let operand = match values.iter().find(|value| whole_id(value).is_none()) {
            Some(part) if column.sorts_as_id() => {
                bounds = values.iter().map(text_of).collect::<Result<_, _>>()?;
                column.operand(part)
            }
            _ => column.operand(first),
        };
        self.push(&format!("({null}{operand} IN ("));
        for (index, value) in bounds.into_iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" }).bind(value);
        }
        self.push("))");
        Ok(())
    }
}

/// A literal as a column is compared with it.
struct Bound {
    value: Value,
    /// Whether the literal is just this value; else it lies between this one and the next that can be stored.
    exact: bool,
}

impl Bound {
    fn of(holds: Holds, literal: &Literal) -> Result<Self, Error> {
        let value: Value = match (holds, literal) {
            (Holds::Id { .. }, literal) => match whole_id(literal) {
                Some(id) => id.into(),
                None => text_of(literal)?,
            },
            (
                Holds::Text | Holds::FoldedText | Holds::Texts(_),
                literal @ (Literal::Text(_) | Literal::Guid(_)),
            ) => text_of(literal)?,
            (Holds::Serial, Literal::Text(serial)) => Value::text(serial_key(serial)),
            (Holds::Serial, literal @ Literal::Guid(_)) => text_of(literal)?,
            (Holds::Int, Literal::Int(number)) => (*number).into(),
            (Holds::Time { .. } | Holds::Moment, Literal::DateTime(time)) => return Ok(Self::of_time(*time)),
            (Holds::Bool, Literal::Boolean(value)) => (*value).into(),
            (Holds::Member(members), Literal::Enum { member, .. }) => {
                let ordinal = members.iter().position(|m| m == member);
                ordinal.map_or(-2, |o| o as i64).into()
            }
            _ => return Err(Error::Corrupt("a filter's value does not fit its column".to_owned())),
        };
        Ok(Self { value, exact: true })
    }

    /// Clients write nanoseconds, microseconds are stored.
    fn of_time(time: Timestamp) -> Self {
        const NANOSECONDS: i128 = 1000;
        let nanoseconds = time.as_nanosecond();
        let microseconds = i64::try_from(nanoseconds.div_euclid(NANOSECONDS)).unwrap_or(i64::MAX);
        Self { value: microseconds.into(), exact: nanoseconds.rem_euclid(NANOSECONDS) == 0 }
    }
}

/// The id that a literal is the whole text of, in any case.
fn whole_id(literal: &Literal) -> Option<Uuid> {
    match literal {
        Literal::Guid(id) => Some(*id),
        // Of the ways to write an id only the one with hyphens is so long.
        Literal::Text(text) if text.len() == Hyphenated::LENGTH => Uuid::try_parse(text).ok(),
        _ => None,
    }
}

/// A text or an id as text is compared.
fn text_of(literal: &Literal) -> Result<Value, Error> {
    match literal {
        Literal::Text(text) => Ok(Value::text(text.to_ascii_lowercase())),
        Literal::Guid(id) => Ok(Value::text(id.hyphenated().to_string())),
        _ => Err(Error::Corrupt("a filter's value does not fit its column".to_owned())),
    }
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
        Function::Contains => format!("%{escaped}%"),
        Function::StartsWith => format!("{escaped}%"),
        Function::EndsWith => format!("%{escaped}"),
    }
}
