//! A checked `$filter` becomes a condition. Column expressions come from a static table, values are bound: no text of
//! a caller ever becomes part of SQL.
//!
//! Text is compared in ASCII lower case, by bytes, on both databases. A condition is true or false, never NULL.

use adept_odata::{CompareOp, Filter, Function, Literal};

use super::{
    Error,
    db::{Statement, Value, sql_of_parts},
};

/// What a column holds, and so how it is compared.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    /// Text, compared without ASCII case.
    Text,
    /// Text that is stored in ASCII lower case already and never NULL.
    FoldedText,
    /// A member of an enumeration, stored in its exact spelling, never NULL.
    Member(&'static [&'static str]),
    /// A number.
    Int,
    /// A time; when never NULL on the wire, its absence stands for the year 1.
    Time {
        /// Whether Graph shows null.
        nullable: bool,
    },
    /// True or false, never NULL.
    Bool,
}

/// A column expression of the static table.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) expression: &'static str,
    pub(super) holds: Holds,
}

/// `0001-01-01T00:00:00Z` in microseconds: what Graph shows where a date that may not be null is absent.
const YEAR_ONE: &str = "-62135596800000000";

impl Column {
    /// The expression that is compared and ordered by.
    pub(super) fn comparable(&self) -> String {
        let Self { expression, holds } = self;
        match holds {
            Holds::Text => format!("lower({expression} COLLATE \"binary\")"),
            Holds::Time { nullable: false } => format!("COALESCE({expression}, {YEAR_ONE})"),
            _ => (*expression).to_owned(),
        }
    }

    /// The expression that rows are ordered by: nulls come first.
    pub(super) fn sort_key(&self) -> String {
        match self.holds {
            Holds::Text => format!("COALESCE({}, '')", self.comparable()),
            Holds::Int | Holds::Time { .. } => {
                format!("COALESCE({}, -9223372036854775807)", self.comparable())
            }
            Holds::Bool => format!("(CASE WHEN {} THEN 1 ELSE 0 END)", self.expression),
            Holds::Member(members) => self.ordinal(members),
            Holds::FoldedText => self.comparable(),
        }
    }

    /// Whether [`sort_key`](Self::sort_key) is text.
    pub(super) fn sorts_as_text(&self) -> bool {
        matches!(self.holds, Holds::Text | Holds::FoldedText)
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
            Filter::IsNull(field) => self.is_null(column(*field)),
            Filter::In { field, values } => {
                self.push("(FALSE");
                for value in values {
                    self.push(" OR ");
                    self.compare(column(*field), CompareOp::Eq, value)?;
                }
                self.push(")");
            }
            Filter::Call { function, field, text } => {
                let column = column(*field);
                self.push(&format!("({} IS NOT NULL AND {} LIKE ", column.expression, column.comparable()));
                self.bind(pattern(*function, text)).push(" ESCAPE '\\')");
            }
            Filter::Not(inner) => {
                self.push("NOT (");
                self.condition(inner, column)?;
                self.push(")");
            }
            Filter::And(all) => self.joined(all, " AND ", column)?,
            Filter::Or(all) => self.joined(all, " OR ", column)?,
            Filter::Any { .. } | Filter::All { .. } => {
                return Err(Error::Corrupt("no collection of this type can be filtered".to_owned()));
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

    fn is_null(&mut self, column: Column) {
        match column.holds {
            Holds::Text | Holds::Int | Holds::Time { nullable: true } => {
                self.push(&format!("({} IS NULL)", column.expression));
            }
            _ => {
                self.push("FALSE");
            }
        }
    }

    fn compare(&mut self, column: Column, op: CompareOp, value: &Literal) -> Result<(), Error> {
        let comparable = match (column.holds, value) {
            (Holds::Member(members), Literal::Enum { .. }) => column.ordinal(members),
            _ => column.comparable(),
        };
        let value: Value = match (column.holds, value) {
            (Holds::Text | Holds::FoldedText, Literal::Text(text)) => text.to_ascii_lowercase().into(),
            (Holds::Text | Holds::FoldedText, Literal::Guid(id)) => id.hyphenated().to_string().into(),
            (Holds::Int, Literal::Int(number)) => (*number).into(),
            (Holds::Time { .. }, Literal::DateTime(time)) => (*time).into(),
            (Holds::Bool, Literal::Boolean(value)) => (*value).into(),
            (Holds::Member(members), Literal::Enum { member, .. }) => {
                let ordinal = members.iter().position(|m| m == member);
                ordinal.map_or(-2, |o| o as i64).into()
            }
            _ => return Err(Error::Corrupt("a filter's value does not fit its column".to_owned())),
        };
        let word = match op {
            CompareOp::Eq => "=",
            CompareOp::Ne => "<>",
            CompareOp::Gt => ">",
            CompareOp::Ge => ">=",
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
        };
        let null = if op == CompareOp::Ne { "IS NULL OR" } else { "IS NOT NULL AND" };
        match column.holds {
            Holds::Text | Holds::Int | Holds::Time { nullable: true } => {
                self.push(&format!("({} {null} {comparable} {word} ", column.expression))
                    .bind(value)
                    .push(")");
            }
            _ => {
                self.push(&format!("({comparable} {word} ")).bind(value).push(")");
            }
        }
        Ok(())
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
