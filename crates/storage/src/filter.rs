//! A checked `$filter` becomes a condition. Expressions come from a static table, values are bound: no text of a caller ever
//! becomes part of SQL.
//!
//! NULL is OData's null to `AND`, `OR` and `NOT`, and to every function. Comparisons are never null in OData; where only
//! truth matters, which is everywhere but below `not`, NULL stands for false, so that indexes can answer.

mod bound;
mod functions;
mod terms;

use adept_odata::{CompareOp, Expr, Literal, TypeTest};

pub(super) use self::functions::contains;

use self::bound::Bound;
use super::{
    Error,
    column::{Column, Holds},
    db::{Statement, Value, sql_of_parts},
};

/// The column of a field.
pub(super) type Columns<F> = fn(F) -> Column;

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
        let parameter = self.parameter(value);
        self.push(&parameter)
    }

    /// Binds a value; its parameter may stand anywhere and more than once.
    fn parameter(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
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

    /// Appends the condition that rows fulfil for which the filter is true.
    pub(super) fn where_true<F: Copy>(
        &mut self,
        filter: &Expr<F>,
        columns: Columns<F>,
    ) -> Result<&mut Self, Error> {
        let condition = self.condition(filter, columns, Null::IsFalse)?;
        Ok(self.push(&condition))
    }

    fn condition<F: Copy>(
        &mut self,
        filter: &Expr<F>,
        columns: Columns<F>,
        null: Null,
    ) -> Result<String, Error> {
        Ok(match filter {
            Expr::Literal(Literal::Boolean(value)) => truth(*value),
            Expr::Compare(op, left, right) => self.compare(*op, left, right, columns, null)?,
            Expr::In(value, values) => self.within(value, values, columns, null)?,
            Expr::IsOf(test) => self.is_of(test, columns)?,
            Expr::Not(inner) => format!("NOT ({})", self.condition(inner, columns, Null::Stays)?),
            Expr::And(all) => self.joined(all, " AND ", columns, null)?,
            Expr::Or(all) => self.joined(all, " OR ", columns, null)?,
            Expr::Any(collection, predicate) => {
                let from = columns(*collection);
                match from.holds {
                    Holds::OneItem => format!("(({}) IS TRUE)", self.condition(predicate, columns, null)?),
                    _ => {
                        let predicate = self.condition(predicate, columns, Null::IsFalse)?;
                        format!("EXISTS (SELECT 1 {}{predicate}))", items(&from)?)
                    }
                }
            }
            Expr::All(collection, predicate) => {
                let from = columns(*collection);
                let predicate = self.condition(predicate, columns, Null::Stays)?;
                match from.holds {
                    Holds::OneItem => format!("(({predicate}) IS TRUE)"),
                    _ => format!("NOT EXISTS (SELECT 1 {}({predicate}) IS NOT TRUE))", items(&from)?),
                }
            }
            value => {
                let Column { expression, holds: Holds::Bool, .. } = self.term(value, columns)? else {
                    return Err(unfit());
                };
                expression.into_owned()
            }
        })
    }

    fn joined<F: Copy>(
        &mut self,
        all: &[Expr<F>],
        word: &str,
        columns: Columns<F>,
        null: Null,
    ) -> Result<String, Error> {
        let all: Vec<_> =
            all.iter().map(|one| self.condition(one, columns, null)).collect::<Result<_, _>>()?;
        Ok(format!("({})", all.join(word)))
    }

    fn compare<F: Copy>(
        &mut self,
        op: CompareOp,
        left: &Expr<F>,
        right: &Expr<F>,
        columns: Columns<F>,
        null: Null,
    ) -> Result<String, Error> {
        let left = self.term(left, columns)?;
        match right {
            Expr::Null => Ok(match (op, left.nullable) {
                (CompareOp::Eq, true) => format!("({} IS NULL)", left.expression),
                (CompareOp::Ne, true) => format!("({} IS NOT NULL)", left.expression),
                (op, _) => truth(op == CompareOp::Ne),
            }),
            Expr::Literal(value) => self.compare_literal(op, &left, value, null),
            right => {
                let right = self.term(right, columns)?;
                let (a, b) = (left.comparable(), right.comparable());
                let nullable = left.nullable || right.nullable;
                Ok(match (op, nullable) {
                    (CompareOp::Eq, true) => format!("({a} IS NOT DISTINCT FROM {b})"),
                    (CompareOp::Ne, true) => format!("({a} IS DISTINCT FROM {b})"),
                    (op, nullable) => null.if_any(nullable, format!("({a} {} {b})", word(op))),
                })
            }
        }
    }

    fn compare_literal(
        &mut self,
        op: CompareOp,
        left: &Column,
        literal: &Literal,
        null: Null,
    ) -> Result<String, Error> {
        let bound = Bound::of(left, literal, matches!(op, CompareOp::Eq | CompareOp::Ne))?;
        let op = match (op, bound.exact) {
            (op, true) => op,
            (CompareOp::Gt | CompareOp::Ge, false) => CompareOp::Gt,
            (CompareOp::Le | CompareOp::Lt, false) => CompareOp::Le,
            (op, false) => return Ok(truth(op == CompareOp::Ne)),
        };
        let parameter = self.parameter(bound.value);
        let operand = bound.operand;
        Ok(match (op, left.nullable) {
            // The operand stands here once: a filter of comparisons of comparisons would else grow beyond measure.
            (CompareOp::Ne, true) => format!("({operand} IS DISTINCT FROM {parameter})"),
            (op, nullable) => null.if_any(nullable, format!("({operand} {} {parameter})", word(op))),
        })
    }

    /// A list and not a chain of comparisons: SQLite bounds how deep an expression is.
    fn within<F: Copy>(
        &mut self,
        value: &Expr<F>,
        values: &[Literal],
        columns: Columns<F>,
        null: Null,
    ) -> Result<String, Error> {
        let column = self.term(value, columns)?;
        // Ids are compared as bytes where each of the list is whole.
        let whole = values.iter().all(|value| bound::whole_id(value).is_some());
        let column = match column.holds {
            Holds::Id if !whole => Column { holds: Holds::FoldedText, ..column.as_text() },
            _ => column,
        };
        let mut parameters = Vec::with_capacity(values.len());
        let mut operand = String::new();
        for value in values {
            let bound = Bound::of(&column, value, true)?;
            if bound.exact {
                parameters.push(self.parameter(bound.value));
                operand = bound.operand;
            }
        }
        if parameters.is_empty() {
            return Ok(truth(false));
        }
        Ok(null.if_any(column.nullable, format!("({operand} IN ({}))", parameters.join(", "))))
    }

    fn is_of<F: Copy>(&mut self, test: &TypeTest<F>, columns: Columns<F>) -> Result<String, Error> {
        self.within(&Expr::Field(test.field), &test.values, columns, Null::Stays)
    }
}

/// What becomes of a NULL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    /// It may stand for false.
    IsFalse,
    /// It has to be told from false.
    Stays,
}

impl Null {
    /// A comparison is false with null.
    fn if_any(self, nullable: bool, comparison: String) -> String {
        match self {
            Self::Stays if nullable => format!("COALESCE({comparison}, FALSE)"),
            _ => comparison,
        }
    }
}

/// `FROM … WHERE (`, to which a condition of the items is added.
fn items(collection: &Column) -> Result<String, Error> {
    let expression = &collection.expression;
    match collection.holds {
        // No collection is walked twice at once, so that the name of its item is free.
        Holds::Texts(item) => {
            Ok(format!("FROM (SELECT atom FROM json_each({expression})) AS {item} WHERE ("))
        }
        Holds::Rows => Ok(format!("{expression} AND (")),
        _ => Err(unfit()),
    }
}

fn truth(value: bool) -> String {
    if value { "TRUE" } else { "FALSE" }.to_owned()
}

fn word(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::Ne => "<>",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
    }
}

/// A tree that the parser does not make.
fn unfit() -> Error {
    Error::Corrupt("an operand of a filter does not fit its place".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long the condition of a filter is that compares `levels` times.
    fn length(levels: usize, deeper: impl Fn(Expr<()>) -> Expr<()>) -> usize {
        let filter = (0..levels).fold(Expr::Field(()), |inner, _| deeper(inner));
        let columns = |()| Column::nullable("devices.supervised", Holds::Bool);
        let mut sql = Sql::new("");
        sql.where_true(&filter, columns).unwrap();
        sql.text.len()
    }

    #[test]
    fn a_condition_is_as_long_as_its_filter() {
        let literal = |value| Box::new(Expr::Literal(Literal::Boolean(value)));
        for op in CompareOp::ALL {
            let deeper = |inner| Expr::Compare(op, Box::new(inner), literal(true));
            assert!(length(100, deeper) < 100 * 100, "{op:?}");
            let within = |inner| Expr::Compare(op, Box::new(inner), Box::new(Expr::Field(())));
            assert!(length(100, within) < 100 * 100, "{op:?}");
        }
        let not = |inner| Expr::Not(Box::new(Expr::Compare(CompareOp::Ne, Box::new(inner), literal(false))));
        assert!(length(100, not) < 100 * 100);
        let within = |inner| Expr::In(Box::new(inner), vec![Literal::Boolean(true)]);
        assert!(length(100, within) < 100 * 100);
    }
}
