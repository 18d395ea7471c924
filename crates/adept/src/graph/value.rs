//! A value of a property or a parameter, and how it is written as JSON. It knows no property, no type and no annotation.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// What Graph shows for a missing time where null is not allowed: 0001-01-01T00:00:00Z.
pub(super) const NEVER: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// A value of an answer, or one that a client sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'v> {
    /// `null`.
    Null,
    /// `Edm.Boolean`.
    Bool(bool),
    /// `Edm.Int32` and `Edm.Int64`.
    Int(i64),
    /// `Edm.String`.
    Text(Cow<'v, str>),
    /// `Edm.DateTimeOffset`; written in UTC, to 100 nanoseconds at most.
    DateTime(Timestamp),
    /// `Edm.Guid`; written in lower case with hyphens.
    Guid(Uuid),
    /// A member of an enum.
    Enum(&'static str),
    /// A collection.
    List(Vec<Value<'v>>),
    /// A complex value.
    Object(Vec<(&'static str, Value<'v>)>),
}

/// A value that a client sent, of the kind that its description names. How it is read is in `input`.
pub(super) type InputValue = Value<'static>;

impl<'v> Value<'v> {
    /// Text that borrows.
    pub(super) fn text(text: &'v str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Text, or null.
    pub(super) fn optional_text(text: Option<&'v str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// Text; none for null. A value of another kind cannot come here.
    pub(super) fn into_text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text.into_owned()) } else { None }
    }

    /// A boolean; none for null.
    pub(super) fn bool(self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(value) } else { None }
    }

    /// A member of an enum; none for null.
    pub(super) fn member(self) -> Option<&'static str> {
        if let Self::Enum(member) = self { Some(member) } else { None }
    }

    /// A collection of text, without its nulls; none for null.
    pub(super) fn into_texts(self) -> Option<Vec<String>> {
        let Self::List(items) = self else { return None };
        Some(items.into_iter().filter_map(Self::into_text).collect())
    }

    /// A moment, or [`NEVER`].
    pub(super) fn moment(moment: Option<Timestamp>) -> Self {
        Self::DateTime(moment.unwrap_or(NEVER))
    }

    /// A complex value, or several, with these members only.
    pub(super) fn with_members(self, wanted: &[&str]) -> Self {
        match self {
            Self::Object(members) => {
                Self::Object(members.into_iter().filter(|(name, _)| wanted.contains(name)).collect())
            }
            Self::List(items) => {
                Self::List(items.into_iter().map(|item| item.with_members(wanted)).collect())
            }
            other => other,
        }
    }

    /// A value as it stands alone, without JSON around it.
    pub(super) fn as_text(&self) -> Cow<'_, str> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(text)) => text.into(),
            Ok(other) => other.to_string().into(),
            Err(_) => Cow::Borrowed(""),
        }
    }

    /// Appends the value as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        // Writing to a vector cannot fail.
        let _ = serde_json::to_writer(out, self);
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::DateTime(moment) => {
                // .NET, and with it every client of Graph, reads at most seven digits of a second's fraction.
                let ticks = moment.subsec_nanosecond().div_euclid(100) * 100;
                serializer.collect_str(&Timestamp::new(moment.as_second(), ticks).unwrap_or(*moment))
            }
            Self::Guid(guid) => {
                serializer.serialize_str(guid.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
            Self::Enum(member) => serializer.serialize_str(member),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

/// A JSON object that is being written. Names are ours and need no escape.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl Object<'_> {
    /// Begins a member; the caller appends its value to what is returned.
    pub(super) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        self.annotation(name, "")
    }

    /// Begins a member whose name has two parts, such as `id` and `@odata.type`.
    pub(super) fn annotation(&mut self, name: &str, suffix: &str) -> &mut Vec<u8> {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(suffix.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }
}

/// Appends an object, whose members `write` adds.
pub(super) fn write_object(out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    write(&mut Object { out, first: true });
    out.push(b'}');
}

/// Appends an array; `write` appends each of its items.
pub(super) fn write_array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(value: &Value<'_>) -> String {
        let mut out = Vec::new();
        value.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_are_utc_with_at_most_seven_digits() {
        for (moment, expected) in [
            ("2026-11-23T12:00:00Z", "\"2026-11-23T12:00:00Z\""),
            ("2026-11-23T14:00:00.5+02:00", "\"2026-11-23T12:00:00.5Z\""),
            ("2026-11-23T12:00:00.123456789Z", "\"2026-11-23T12:00:00.1234567Z\""),
        ] {
            assert_eq!(json(&Value::DateTime(moment.parse().unwrap())), expected);
        }
        assert_eq!(json(&Value::moment(None)), "\"0001-01-01T00:00:00Z\"");
    }

    #[test]
    fn every_kind_of_value_has_its_spelling() {
        let value = Value::Object(vec![
            ("a", Value::Null),
            ("b", Value::Bool(true)),
            ("c", Value::Int(-7)),
            ("d", Value::Guid(Uuid::nil())),
            ("e", Value::List(vec![Value::Enum("dep"), Value::text("x\"\\\u{1}\n")])),
            ("f", Value::Object(vec![])),
        ]);
        assert_eq!(
            json(&value),
            r#"{"a":null,"b":true,"c":-7,"d":"00000000-0000-0000-0000-000000000000","e":["dep","x\"\\\u0001\n"],"f":{}}"#
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_json(text in any::<String>()) {
            let written = json(&Value::text(&text));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
