//! Literals: what a token means for a property of a given kind, how two values compare, how a value is written.

use std::{cmp::Ordering, fmt};

use jiff::{Timestamp, civil, tz::Offset};
use uuid::Uuid;

use crate::{
    lexer::{Token, is_guid},
    schema::Kind,
};

/// A value that fits the kind of the property it belongs to. There is no null: see [`crate::Expr::Null`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// For `Edm.Boolean`.
    Boolean(bool),
    /// For `Edm.Int32` and `Edm.Int64`; not limited to the range of the property.
    Int(i64),
    /// For `Edm.String`, in the case in which it was written.
    Text(String),
    /// For `Edm.DateTimeOffset`.
    DateTime(Timestamp),
    /// For `Edm.Date`, in the years 0000 to 9999.
    Date(civil::Date),
    /// For `Edm.Guid`.
    Guid(Uuid),
    /// For an enum.
    Enum {
        /// In its canonical spelling.
        member: &'static str,
        /// Its place in [`crate::EnumType::members`].
        ordinal: usize,
    },
}

impl Literal {
    /// The order of two values of one kind: text by the bytes of its ASCII-lower-cased form. `None` across kinds.
    pub fn compare(&self, other: &Literal) -> Option<Ordering> {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(folded(a).cmp(&folded(b))),
            (Self::DateTime(a), Self::DateTime(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Guid(a), Self::Guid(b)) => Some(a.cmp(b)),
            (Self::Enum { ordinal: a, .. }, Self::Enum { ordinal: b, .. }) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// What a token says to a property of this kind; `None` when it does not fit.
    pub(crate) fn read(token: Token<'_>, kind: Kind) -> Option<Self> {
        match (kind, token) {
            (Kind::String, Token::Text(text)) => Some(Self::Text(unescaped(text))),
            (Kind::Boolean, token) => boolean(token).map(Self::Boolean),
            (Kind::Int32 | Kind::Int64, Token::Plain(text)) => match number(text)? {
                Number::Whole(number) => Some(Self::Int(number)),
                Number::Above(_) => None,
            },
            (Kind::Date, Token::Plain(text) | Token::Text(text)) => date(text).map(Self::Date),
            (Kind::DateTimeOffset, Token::Plain(text) | Token::Text(text)) => {
                date_time(text).map(Self::DateTime)
            }
            (Kind::Guid, Token::Plain(text) | Token::Text(text)) if is_guid(text.as_bytes()) => {
                Uuid::try_parse(text).ok().map(Self::Guid)
            }
            (Kind::Enum(enumeration), Token::Text(text)) => member(enumeration, text),
            (Kind::Enum(enumeration), Token::Typed(name, text)) if enumeration.is_called(name) => {
                member(enumeration, text)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::DateTime(time) => write!(f, "{time}"),
            Self::Date(date) => write!(f, "{date}"),
            Self::Guid(guid) => write!(f, "{guid}"),
            Self::Enum { member, .. } => write!(f, "'{member}'"),
        }
    }
}

/// The form in which texts are compared.
pub(crate) fn folded(text: &str) -> String {
    text.to_ascii_lowercase()
}

pub(crate) fn unescaped(text: &str) -> String {
    text.replace("''", "'")
}

/// `true` or `false` in any case.
pub(crate) fn boolean(token: Token<'_>) -> Option<bool> {
    if token.is("true") {
        return Some(true);
    }
    token.is("false").then_some(false)
}

fn member(enumeration: &'static crate::EnumType, text: &str) -> Option<Literal> {
    enumeration.member(text).map(|(ordinal, member)| Literal::Enum { member, ordinal })
}

/// What `mindatetime()` says: what Graph shows where a time that may not be null is absent.
pub(crate) const YEAR_ONE: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// A number as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    Whole(i64),
    /// Between this whole number and the next, or beyond the least or greatest that there is.
    Above(i64),
}

/// `-12`, `30.0`, `1.5e3`: digits, a fraction and an exponent of up to two digits.
pub(crate) fn number(text: &str) -> Option<Number> {
    if let Ok(whole) = text.parse() {
        return (!text.starts_with('+')).then_some(Number::Whole(whole));
    }
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let sign = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if !digits(whole) || !digits(fraction) || !digits(sign) || sign.len() > 2 {
        return None;
    }
    let shift: isize = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let all = format!("{whole}{fraction}");
    let point = isize::try_from(whole.len()).ok()? + shift;
    let at = usize::try_from(point.max(0)).ok()?;
    let (before, behind) = all.split_at(at.min(all.len()));
    let before = format!("{before}{}", "0".repeat(at - at.min(all.len())));
    let is_whole = behind.bytes().all(|digit| digit == b'0');
    // More digits than any number here has are beyond them all.
    let magnitude = match before.trim_start_matches('0') {
        "" => 0,
        digits => digits.parse().unwrap_or(i128::MAX >> 1),
    };
    let signed = if negative { -magnitude } else { magnitude };
    Some(match i64::try_from(signed) {
        Ok(whole) if is_whole => Number::Whole(whole),
        Ok(whole) if negative => whole.checked_sub(1).map_or(Number::Above(i64::MIN), Number::Above),
        Ok(whole) => Number::Above(whole),
        Err(_) if negative => Number::Above(i64::MIN),
        Err(_) => Number::Above(i64::MAX),
    })
}

/// `yyyy-MM-dd`.
fn date(text: &str) -> Option<civil::Date> {
    if text.len() == 10 && is_date(text.as_bytes()) { text.parse().ok() } else { None }
}

fn is_date(bytes: &[u8]) -> bool {
    bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// 0000-01-01T00:00:00Z: OData's years have four digits and no sign.
const EARLIEST: Timestamp = Timestamp::constant(-62_167_219_200, 0);

/// The last moment that the database holds, in whole microseconds: what `maxdatetime()` says.
pub(crate) const LATEST: Timestamp = Timestamp::constant(253_402_207_200, 999_999_000);

/// `yyyy-MM-dd` (midnight, UTC) or `yyyy-MM-ddThh:mm[:ss[.fraction]]` with `Z` or an offset. Digits beyond nanoseconds
/// are dropped; times past [`LATEST`], such as .NET's maximum, become that one.
fn date_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if !is_date(bytes) {
        return None;
    }
    let (local, offset) = if bytes.len() == 10 {
        (text, 0)
    } else {
        let digits = bytes[11..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
            .count();
        if !matches!(bytes[10], b'T' | b't') || digits == 0 {
            return None;
        }
        (&text[..11 + digits], offset_seconds(&bytes[11 + digits..])?)
    };
    let nanoseconds = local.find('.').map_or(local.len(), |dot| local.len().min(dot + 10));
    let local: civil::DateTime = local[..nanoseconds].parse().ok()?;
    let time = Offset::from_seconds(offset).ok()?.to_timestamp(local).unwrap_or(LATEST);
    Some(time.clamp(EARLIEST, LATEST))
}

/// `Z` or `±hh:mm`; a space stands for a `+` that was not percent-encoded.
fn offset_seconds(zone: &[u8]) -> Option<i32> {
    let &[sign, a, b, b':', c, d] = zone else {
        return matches!(zone, b"Z" | b"z").then_some(0);
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
    let (hours, minutes) = (digit(a)? * 10 + digit(b)?, digit(c)? * 10 + digit(d)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        b'+' | b' ' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}
