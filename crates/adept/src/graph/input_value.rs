//! A value read from a request body. How it is read is in `input`.

use jiff::Timestamp;
use uuid::Uuid;

/// A value that a client sent, of the kind that its description names.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum InputValue {
    /// `null`.
    Null,
    /// `Edm.Boolean`.
    Bool(bool),
    /// `Edm.Int32` and `Edm.Int64`.
    Int(i64),
    /// `Edm.String`.
    Text(String),
    /// `Edm.DateTimeOffset`.
    DateTime(Timestamp),
    /// `Edm.Guid`.
    Guid(Uuid),
    /// A member of an enum, in its canonical spelling.
    Enum(&'static str),
    /// A collection.
    List(Vec<InputValue>),
    /// A complex value: the members that were sent.
    Object(Vec<(&'static str, InputValue)>),
}

impl InputValue {
    /// Text or null; a value of another kind cannot come here.
    pub(super) fn text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A boolean or null.
    pub(super) fn bool(self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(value) } else { None }
    }

    /// A member of an enum, or null.
    pub(super) fn member(self) -> Option<&'static str> {
        if let Self::Enum(member) = self { Some(member) } else { None }
    }

    /// A collection of text, without its nulls, or null.
    pub(super) fn texts(self) -> Option<Vec<String>> {
        let Self::List(items) = self else { return None };
        Some(items.into_iter().filter_map(Self::text).collect())
    }
}
