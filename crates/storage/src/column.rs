//! What an expression of SQL holds, and so how it is compared and ordered by. Which fields there are is said by those who
//! list them.
//!
//! Text is compared in ASCII lower case, by bytes, on both databases.

use std::borrow::Cow;

use super::db::id_text;

/// What an expression holds, and so how it is compared.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    /// Text, compared without ASCII case.
    Text,
    /// Text that is stored in ASCII lower case already.
    FoldedText,
    /// A serial number, stored as what it is known by. A value that it is compared with is trimmed and folded alike; the
    /// part of one that `contains` and the like look for stands as it was written.
    Serial,
    /// An id of 16 bytes. Their order is that of the lower-case text with hyphens, as which clients see and compare it.
    Id,
    /// A member of an enumeration, stored in its exact spelling.
    Member(&'static [&'static str]),
    /// A number.
    Int,
    /// A time in microseconds.
    Time,
    /// A day: its first microsecond.
    Date,
    /// True or false.
    Bool,
    /// Something that can only be there or not: a complex value, a single entity.
    Whole,
    /// A collection of exactly one item, whose fields are the row's own.
    OneItem,
    /// A JSON array of texts, or NULL for an empty one. Inside `any` and `all` it is the item at hand, under this name.
    Texts(&'static str),
    /// Other rows, whose columns are named in full: `FROM … WHERE …`, to which conditions are added.
    Rows,
}

/// An expression that fields stand for.
#[derive(Clone)]
pub(super) struct Column {
    pub(super) expression: Cow<'static, str>,
    pub(super) holds: Holds,
    /// Whether it can be NULL, which is null on the wire too.
    pub(super) nullable: bool,
}

/// `0001-01-01T00:00:00Z` in microseconds: what Graph shows where a date that may not be null is absent.
const YEAR_ONE: &str = "-62135596800000000";

impl Column {
    /// One that is never NULL.
    pub(super) const fn fixed(expression: &'static str, holds: Holds) -> Self {
        Self { expression: Cow::Borrowed(expression), holds, nullable: false }
    }

    /// One that can be NULL.
    pub(super) const fn nullable(expression: &'static str, holds: Holds) -> Self {
        Self { expression: Cow::Borrowed(expression), holds, nullable: true }
    }

    /// One whose expression is put together; never NULL.
    pub(super) fn made(expression: String, holds: Holds) -> Self {
        Self { expression: Cow::Owned(expression), holds, nullable: false }
    }

    /// The same, and it can be NULL.
    pub(super) fn or_null(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// A time whose absence stands for the year 1.
    pub(super) fn time_or_year_one(expression: &str) -> Self {
        Self::made(format!("COALESCE({expression}, {YEAR_ONE})"), Holds::Time)
    }

    /// The value as text: of a collection that of the item at hand.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self.holds {
            Holds::Texts(item) => format!("{item}.atom").into(),
            // SQLite's `hex` makes an empty text of NULL.
            Holds::Id if self.nullable => format!(
                "(CASE WHEN {0} IS NOT NULL THEN {1} END)",
                self.expression,
                id_text(&self.expression)
            )
            .into(),
            Holds::Id => id_text(&self.expression).into(),
            _ => Cow::Borrowed(&*self.expression),
        }
    }

    /// The expression that is compared with another one of its kind.
    pub(super) fn comparable(&self) -> String {
        match self.holds {
            Holds::Text | Holds::Texts(_) => format!("lower({} COLLATE \"binary\")", self.text()),
            Holds::Member(members) => self.ordinal(members),
            _ => self.text().into_owned(),
        }
    }

    /// The expression that rows are ordered by: nulls come first.
    pub(super) fn sort_key(&self) -> String {
        let key = match self.holds {
            Holds::Id => self.expression.clone().into_owned(),
            // PostgreSQL's own small numbers are narrower, and a position holds one width.
            Holds::Bool if self.nullable => {
                let value = &self.expression;
                return format!(
                    "CAST(CASE WHEN {value} THEN 1 WHEN NOT {value} THEN 0 ELSE -1 END AS BIGINT)"
                );
            }
            Holds::Bool => return format!("CAST(CASE WHEN {} THEN 1 ELSE 0 END AS BIGINT)", self.expression),
            Holds::Member(_) => format!("CAST({} AS BIGINT)", self.comparable()),
            _ => self.comparable(),
        };
        match self.holds {
            _ if !self.nullable => key,
            Holds::Id => format!("COALESCE({key}, unhex(''))"),
            _ if self.sorts_as_text() => format!("COALESCE({key}, '')"),
            _ => format!("COALESCE({key}, -9223372036854775807)"),
        }
    }

    /// Whether [`sort_key`](Self::sort_key) is an id, as bytes.
    pub(super) fn sorts_as_id(&self) -> bool {
        matches!(self.holds, Holds::Id)
    }

    /// Whether [`sort_key`](Self::sort_key) is text.
    pub(super) fn sorts_as_text(&self) -> bool {
        matches!(self.holds, Holds::Text | Holds::FoldedText | Holds::Serial)
    }

    fn ordinal(&self, members: &[&'static str]) -> String {
        let cases: String = members
            .iter()
            .enumerate()
            .map(|(ordinal, member)| format!(" WHEN '{member}' THEN {ordinal}"))
            .collect();
        let other = if self.nullable { "" } else { " ELSE -1" };
        format!("(CASE {}{cases}{other} END)", self.expression)
    }
}
