//! What an expression means, said in the plainest way: the reference against which a translation into SQL is tested.

use std::cmp::Ordering;

use jiff::tz::Offset;

use super::{ArithmeticOp, CompareOp, Expr, Function, TypeTest};
use crate::literal::{Literal, folded};

/// Something that an expression can be asked about.
pub trait Row<F> {
    /// The value of a field, `None` when it is null; of a complex value or a single entity any value where there is one.
    /// An item of a collection of primitives answers the collection's field with itself; an item of any collection answers
    /// for the fields of the row around it too.
    fn value(&self, field: &F) -> Option<Literal>;

    /// The items of a collection.
    fn items(&self, collection: &F) -> Vec<Box<dyn Row<F> + '_>>;
}

impl<F> Expr<F> {
    /// Whether the row fulfils the condition: whether it is true, not null.
    pub fn matches(&self, row: &dyn Row<F>) -> bool {
        self.truth(row) == Some(true)
    }

    fn truth(&self, row: &dyn Row<F>) -> Option<bool> {
        match self.value(row) {
            Some(Literal::Boolean(value)) => Some(value),
            _ => None,
        }
    }

    /// The value for a row; `None` is null. Text is compared by the bytes of its ASCII-lower-cased form.
    pub fn value(&self, row: &dyn Row<F>) -> Option<Literal> {
        let truth = match self {
            Self::Null => return None,
            Self::Literal(value) => return Some(value.clone()),
            Self::Field(field) => return row.value(field),
            Self::Cast(test, field) => return row.value(field).filter(|_| test.holds(row)),
            Self::Count(collection) => return Some(Literal::Int(count(row.items(collection).len()))),
            Self::Call(function, arguments) => {
                let arguments: Option<Vec<_>> =
                    arguments.iter().map(|argument| argument.value(row)).collect();
                return function.apply(&arguments?);
            }
            Self::Arithmetic(op, left, right) => match (left.value(row)?, right.value(row)?) {
                (Literal::Int(left), Literal::Int(right)) => return op.apply(left, right).map(Literal::Int),
                _ => return None,
            },
            Self::Negate(inner) => match inner.value(row)? {
                Literal::Int(number) => return number.checked_neg().map(Literal::Int),
                _ => return None,
            },
            Self::Compare(op, left, right) => Some(op.accepts(left.value(row), right.value(row))),
            Self::In(value, values) => {
                Some(value.value(row).is_some_and(|own| {
                    values.iter().any(|value| own.compare(value) == Some(Ordering::Equal))
                }))
            }
            Self::IsOf(test) => Some(test.holds(row)),
            Self::Not(inner) => inner.truth(row).map(|value| !value),
            Self::And(conditions) => decided(conditions, row, false),
            Self::Or(conditions) => decided(conditions, row, true),
            Self::Any(collection, predicate) => {
                Some(row.items(collection).iter().any(|item| predicate.matches(item.as_ref())))
            }
            Self::All(collection, predicate) => {
                Some(row.items(collection).iter().all(|item| predicate.matches(item.as_ref())))
            }
        };
        truth.map(Literal::Boolean)
    }
}

/// What several conditions come to when one that is `decisive` decides, and null leaves open what none decides.
fn decided<F>(conditions: &[Expr<F>], row: &dyn Row<F>, decisive: bool) -> Option<bool> {
    let truths: Vec<_> = conditions.iter().map(|condition| condition.truth(row)).collect();
    if truths.contains(&Some(decisive)) {
        return Some(decisive);
    }
    (!truths.contains(&None)).then_some(!decisive)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl<F> TypeTest<F> {
    fn holds(&self, row: &dyn Row<F>) -> bool {
        row.value(&self.field).is_some_and(|own| self.values.contains(&own))
    }
}

impl CompareOp {
    /// Whether the two, of which either may be null, fulfil the operator.
    fn accepts(self, left: Option<Literal>, right: Option<Literal>) -> bool {
        let order = match (&left, &right) {
            (Some(left), Some(right)) => left.compare(right),
            (None, None) if matches!(self, Self::Eq | Self::Ne) => Some(Ordering::Equal),
            _ => None,
        };
        match self {
            Self::Eq => order == Some(Ordering::Equal),
            Self::Ne => order != Some(Ordering::Equal),
            Self::Gt => order == Some(Ordering::Greater),
            Self::Ge => order.is_some_and(Ordering::is_ge),
            Self::Lt => order == Some(Ordering::Less),
            Self::Le => order.is_some_and(Ordering::is_le),
        }
    }
}

impl ArithmeticOp {
    fn apply(self, left: i64, right: i64) -> Option<i64> {
        match self {
            Self::Add => left.checked_add(right),
            Self::Sub => left.checked_sub(right),
            Self::Mul => left.checked_mul(right),
            Self::Div => left.checked_div(right),
            Self::Mod => left.checked_rem(right),
        }
    }
}

impl Function {
    fn apply(self, arguments: &[Literal]) -> Option<Literal> {
        let truth = |value| Some(Literal::Boolean(value));
        let number = |value: i64| Some(Literal::Int(value));
        match (self, arguments) {
            (Self::Contains, [Literal::Text(text), Literal::Text(part)]) => {
                truth(folded(text).contains(&folded(part)))
            }
            (Self::StartsWith, [Literal::Text(text), Literal::Text(part)]) => {
                truth(folded(text).starts_with(&folded(part)))
            }
            (Self::EndsWith, [Literal::Text(text), Literal::Text(part)]) => {
                truth(folded(text).ends_with(&folded(part)))
            }
            (Self::Length, [Literal::Text(text)]) => number(count(text.chars().count())),
            (Self::IndexOf, [Literal::Text(text), Literal::Text(part)]) => {
                let text = folded(text);
                let before = text.find(&folded(part)).map(|at| text[..at].chars().count());
                number(before.map_or(-1, count))
            }
            (Self::Substring, [Literal::Text(text), Literal::Int(start), length @ ..]) => {
                let most = match length {
                    [Literal::Int(most)] => *most,
                    _ => i64::MAX,
                };
                let whole = |number: i64| usize::try_from(number.max(0)).unwrap_or(usize::MAX);
                Some(Literal::Text(text.chars().skip(whole(*start)).take(whole(most)).collect()))
            }
            (Self::Trim, [Literal::Text(text)]) => {
                let blank = |character| matches!(character, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r');
                Some(Literal::Text(text.trim_matches(blank).to_owned()))
            }
            (Self::Concat, [Literal::Text(first), Literal::Text(second)]) => {
                Some(Literal::Text(format!("{first}{second}")))
            }
            (Self::Date, [Literal::DateTime(time)]) => {
                Some(Literal::Date(Offset::UTC.to_datetime(*time).date()))
            }
            (_, [Literal::DateTime(time)]) => {
                let time = Offset::UTC.to_datetime(*time);
                number(match self {
                    Self::Year => time.year().into(),
                    Self::Month => time.month().into(),
                    Self::Day => time.day().into(),
                    Self::Hour => time.hour().into(),
                    Self::Minute => time.minute().into(),
                    Self::Second => time.second().into(),
                    _ => return None,
                })
            }
            _ => None,
        }
    }
}
