//! Literals as columns are compared with them.

use adept_domain::serial_key;
use adept_odata::Literal;
use jiff::{Timestamp, civil, tz::Offset};
use uuid::{Uuid, fmt::Hyphenated};

use super::unfit;
use crate::{
    Error,
    column::{Column, Holds},
    db::Value,
};

/// A literal beside a column.
pub(super) struct Bound {
    /// The column as it is compared with this literal.
    pub(super) operand: String,
    pub(super) value: Value,
    /// Whether the literal is just this value; else it lies between this one and the next that can be stored.
    pub(super) exact: bool,
}

impl Bound {
    /// `equality` says that only being the same matters, and not the order.
    pub(super) fn of(column: &Column, literal: &Literal, equality: bool) -> Result<Self, Error> {
        let raw = || column.expression.clone().into_owned();
        let (operand, value): (String, Value) = match (column.holds, literal) {
            (Holds::Id, literal) => match whole_id(literal) {
                Some(id) => (raw(), id.into()),
                None => (column.comparable(), text_of(literal)?),
            },
            (Holds::Text | Holds::FoldedText | Holds::Texts(_), literal) => {
                (column.comparable(), text_of(literal)?)
            }
            (Holds::Serial, Literal::Text(serial)) => (raw(), Value::text(serial_key(serial))),
            (Holds::Int, Literal::Int(number)) => (raw(), (*number).into()),
            (Holds::Time, Literal::DateTime(time)) => {
                let (value, exact) = microseconds(*time);
                return Ok(Self { operand: raw(), value: value.into(), exact });
            }
            (Holds::Date, Literal::Date(date)) => (raw(), day(*date).into()),
            (Holds::Bool, Literal::Boolean(value)) => (raw(), (*value).into()),
            (Holds::Member(_), Literal::Enum { member, .. }) if equality => {
                (raw(), Value::text((*member).to_owned()))
            }
            (Holds::Member(members), Literal::Enum { member, .. }) => {
                let ordinal = members.iter().position(|known| known == member);
                (column.comparable(), ordinal.map_or(-2, |ordinal| ordinal as i64).into())
            }
            _ => return Err(unfit()),
        };
        Ok(Self { operand, value, exact: true })
    }
}

/// Clients write nanoseconds, microseconds are stored: the one before, and whether it is the same.
pub(super) fn microseconds(time: Timestamp) -> (i64, bool) {
    const NANOSECONDS: i128 = 1000;
    let nanoseconds = time.as_nanosecond();
    let microseconds = i64::try_from(nanoseconds.div_euclid(NANOSECONDS)).unwrap_or(i64::MAX);
    (microseconds, nanoseconds.rem_euclid(NANOSECONDS) == 0)
}

/// The first microsecond of a day.
pub(super) fn day(date: civil::Date) -> i64 {
    let start = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX);
    start.as_microsecond()
}

/// The id that a literal is the whole text of, in any case.
pub(super) fn whole_id(literal: &Literal) -> Option<Uuid> {
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
        _ => Err(unfit()),
    }
}
