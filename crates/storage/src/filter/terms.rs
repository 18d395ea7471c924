//! What a field, a sum, a function comes to in a row.

use adept_odata::{ArithmeticOp, Expr, Literal, TypeTest};

use super::{
    Columns, Null, Sql,
    bound::{day, microseconds},
    items, truth, unfit,
};
use crate::{
    Error,
    column::{Column, Holds},
    db::Value,
};

impl Sql {
    /// The value of an expression; NULL where it is null. Its values are bound.
    pub(crate) fn term<F: Copy>(&mut self, expr: &Expr<F>, columns: Columns<F>) -> Result<Column, Error> {
        match expr {
            Expr::Null => Err(unfit()),
            Expr::Literal(value) => self.literal(value),
            Expr::Field(field) => {
                let column = columns(*field);
                Ok(match column.holds {
                    // The item at hand.
                    Holds::Texts(_) => Column { holds: Holds::Text, nullable: true, ..column.as_text() },
                    _ => column,
                })
            }
            Expr::Cast(test, field) => self.cast(test, columns(*field), columns),
            Expr::Count(collection) => count(&columns(*collection)),
            Expr::Call(function, arguments) => {
                let terms: Vec<_> = arguments
                    .iter()
                    .map(|argument| self.term(argument, columns))
                    .collect::<Result<_, _>>()?;
                let part = match arguments.get(1) {
                    Some(Expr::Literal(Literal::Text(part))) => Some(part.as_str()),
                    _ => None,
                };
                self.call(*function, &terms, part)
            }
            Expr::Arithmetic(op, left, right) => {
                let (left, right) = (self.term(left, columns)?, self.term(right, columns)?);
                let (word, nullable) = match op {
                    ArithmeticOp::Add => ("+", left.nullable || right.nullable),
                    ArithmeticOp::Sub => ("-", left.nullable || right.nullable),
                    ArithmeticOp::Mul => ("*", left.nullable || right.nullable),
                    ArithmeticOp::Div => ("/", true),
                    ArithmeticOp::Mod => ("%", true),
                };
                let right = match op {
                    ArithmeticOp::Div | ArithmeticOp::Mod => format!("NULLIF({}, 0)", right.expression),
                    _ => right.expression.into_owned(),
                };
                let sum = format!("({} {word} {right})", left.expression);
                Ok(Column { nullable, ..Column::made(sum, Holds::Int) })
            }
            Expr::Negate(inner) => {
                let inner = self.term(inner, columns)?;
                let negated = format!("(- {})", inner.expression);
                Ok(Column { nullable: inner.nullable, ..Column::made(negated, Holds::Int) })
            }
            condition => {
                let condition = self.condition(condition, columns, Null::Stays)?;
                Ok(Column::made(format!("({condition})"), Holds::Bool).or_null())
            }
        }
    }

    fn literal(&mut self, value: &Literal) -> Result<Column, Error> {
        let (value, holds): (Value, _) = match value {
            Literal::Boolean(value) => return Ok(Column::made(truth(*value), Holds::Bool)),
            Literal::Int(number) => ((*number).into(), Holds::Int),
            Literal::Text(text) => (Value::text(text.clone()), Holds::Text),
            Literal::DateTime(time) => (microseconds(*time).0.into(), Holds::Time),
            Literal::Date(date) => (day(*date).into(), Holds::Date),
            Literal::Guid(id) => ((*id).into(), Holds::Id),
            Literal::Enum { .. } => return Err(unfit()),
        };
        Ok(Column::made(self.parameter(value), holds))
    }

    /// NULL where the row is not of the type.
    fn cast<F: Copy>(
        &mut self,
        test: &TypeTest<F>,
        column: Column,
        columns: Columns<F>,
    ) -> Result<Column, Error> {
        let is_of = self.is_of(test, columns)?;
        let cast = format!("(CASE WHEN {is_of} THEN {} END)", column.expression);
        Ok(Column { nullable: true, expression: cast.into(), ..column })
    }
}

fn count(collection: &Column) -> Result<Column, Error> {
    Ok(match collection.holds {
        Holds::OneItem => Column::fixed("CAST(1 AS BIGINT)", Holds::Int),
        _ => Column::made(format!("(SELECT COUNT(*) {}TRUE))", items(collection)?), Holds::Int),
    })
}

impl Column {
    /// The same as text.
    pub(super) fn as_text(&self) -> Self {
        let text = self.text().into_owned();
        Self { expression: text.into(), ..self.clone() }
    }
}
