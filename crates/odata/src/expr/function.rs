//! The functions: their names, what they take and what they make. One table; nothing else lists them.

use crate::schema::Kind;

/// A function of a `$filter`. Text is compared without ASCII case, so `tolower` and `toupper` need no place in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `contains(text,part)`
    Contains,
    /// `startswith(text,part)`
    StartsWith,
    /// `endswith(text,part)`
    EndsWith,
    /// `length(text)`, in characters
    Length,
    /// `indexof(text,part)`, in characters from 0; -1 where there is none
    IndexOf,
    /// `substring(text,start)` and `substring(text,start,length)`, in characters from 0; less than 0 counts as 0
    Substring,
    /// `trim(text)`: without ASCII white space at both ends
    Trim,
    /// `concat(text,text)`
    Concat,
    /// `year(time)`, UTC as the rest
    Year,
    /// `month(time)`, 1 to 12
    Month,
    /// `day(time)`, 1 to 31
    Day,
    /// `hour(time)`, 0 to 23
    Hour,
    /// `minute(time)`, 0 to 59
    Minute,
    /// `second(time)`, 0 to 59
    Second,
    /// `date(time)`
    Date,
}

const TEXT: Kind = Kind::String;
const TIME: Kind = Kind::DateTimeOffset;
const NUMBER: Kind = Kind::Int32;

impl Function {
    /// Every function.
    pub const ALL: [Self; 15] = [
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Length,
        Self::IndexOf,
        Self::Substring,
        Self::Trim,
        Self::Concat,
        Self::Year,
        Self::Month,
        Self::Day,
        Self::Hour,
        Self::Minute,
        Self::Second,
        Self::Date,
    ];

    /// The function's word, what it takes and what it makes.
    const fn signature(self) -> (&'static str, &'static [Kind], Kind) {
        match self {
            Self::Contains => ("contains", &[TEXT, TEXT], Kind::Boolean),
            Self::StartsWith => ("startswith", &[TEXT, TEXT], Kind::Boolean),
            Self::EndsWith => ("endswith", &[TEXT, TEXT], Kind::Boolean),
            Self::Length => ("length", &[TEXT], NUMBER),
            Self::IndexOf => ("indexof", &[TEXT, TEXT], NUMBER),
            Self::Substring => ("substring", &[TEXT, NUMBER, NUMBER], TEXT),
            Self::Trim => ("trim", &[TEXT], TEXT),
            Self::Concat => ("concat", &[TEXT, TEXT], TEXT),
            Self::Year => ("year", &[TIME], NUMBER),
            Self::Month => ("month", &[TIME], NUMBER),
            Self::Day => ("day", &[TIME], NUMBER),
            Self::Hour => ("hour", &[TIME], NUMBER),
            Self::Minute => ("minute", &[TIME], NUMBER),
            Self::Second => ("second", &[TIME], NUMBER),
            Self::Date => ("date", &[TIME], Kind::Date),
        }
    }

    /// The function's word.
    pub fn name(self) -> &'static str {
        self.signature().0
    }

    /// The kinds of its arguments; `substring` may be called without the last.
    pub fn parameters(self) -> &'static [Kind] {
        self.signature().1
    }

    /// The fewest arguments it can be called with.
    pub fn least(self) -> usize {
        let all = self.parameters().len();
        if self == Self::Substring { all - 1 } else { all }
    }

    /// The kind of its value.
    pub fn result(self) -> Kind {
        self.signature().2
    }
}
