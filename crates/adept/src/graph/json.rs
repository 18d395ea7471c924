//! JSON text into values. What JSON leaves open is refused by its name: a member twice, of which every reader takes another one,
//! and what is nested too deep or cannot be held.

use std::{cell::RefCell, collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

use super::error::{BadBody, shortened};

/// How deep objects and arrays may nest.
const DEEPEST: usize = 64;

/// The value of a whole text. Names of members are compared in any ASCII case, as they are when they are read.
pub(super) fn parse(text: &[u8]) -> Result<Json, BadBody> {
    let fault = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = Strict { fault: &fault, depth: 0 }.deserialize(&mut reader);
    let read = read.and_then(|json| reader.end().map(|()| json));
    read.map_err(|error| fault.take().unwrap_or_else(|| unreadable(&error)))
}

/// The parser's own words are the only mark of what it cannot hold.
fn unreadable(error: &serde_json::Error) -> BadBody {
    let (line, column, words) = (error.line(), error.column(), error.to_string());
    let is = |known: &str| words.starts_with(known);
    if is("number out of range") {
        BadBody::NumberOutOfRange { line, column }
    } else if is("lone leading surrogate") || is("unexpected end of hex escape") {
        BadBody::LoneSurrogate { line, column }
    } else {
        BadBody::NotJson { line, column }
    }
}

/// Reads one value, `depth` levels below the whole. Errors of the parser hold text only, so a fault stands beside them.
#[derive(Clone, Copy)]
struct Strict<'f> {
    fault: &'f RefCell<Option<BadBody>>,
    depth: usize,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(&self, fault: BadBody) -> E {
        self.fault.replace(Some(fault));
        E::custom("refused")
    }

    /// One level deeper.
    fn inside<E: serde::de::Error>(&self) -> Result<Self, E> {
        match self.depth {
            DEEPEST => Err(self.refuse(BadBody::TooDeep { limit: DEEPEST })),
            depth => Ok(Self { depth: depth + 1, ..*self }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Json, E> {
        Number::from_f64(number).map(Json::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let mut items = Vec::new();
        while let Some(item) = array.next_element_seed(inside)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let (mut members, mut names) = (Map::new(), HashSet::new());
        while let Some(name) = object.next_key::<String>()? {
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(self.refuse(BadBody::Repeated { member: shortened(&name) }));
            }
            members.insert(name, object.next_value_seed(inside)?);
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_member_that_is_given_twice_is_named() {
        for text in [
            r#"{"tokenName":"a","tokenName":"b"}"#,
            r#"{"TOKENNAME":"a","other":[],"tokenName":null}"#,
            r#"{"a":[{"b":{"tokenname":1,"x":2,"tokenName":{}}}]}"#,
        ] {
            assert!(refusal(text).starts_with("The member 'tokenName' is given more than once"), "{text}");
        }
        assert!(parse(br#"[{"a":1},{"a":2,"b":{"a":3}}]"#).is_ok());
    }

    #[test]
    fn what_is_out_of_bounds_is_not_called_broken_json() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for (text, part) in [
            (&*nested(DEEPEST + 1), "nested deeper than the 64 levels"),
            (&nested(100_000), "nested deeper than the 64 levels"),
            (r#"{"tokenName":1e400}"#, "the number before line 1, column"),
            (r#"{"a":"\ud800"}"#, "half of a pair of surrogates"),
            (r#"{"a":"\ud800\u0041"}"#, "half of a pair of surrogates"),
            (r#"{"a":"\udc00"}"#, "half of a pair of surrogates"),
            (r#"{"a":"\ux"}"#, "not valid JSON"),
            ("{} {}", "not valid JSON"),
            ("nul", "not valid JSON"),
        ] {
            assert!(refusal(text).contains(part), "{text:.50}: {}", refusal(text));
        }
        assert!(parse(nested(DEEPEST).as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_serde_json_reads(text in "[\\[\\]{}:,\"a0-9.eEnul\\\\ -]{0,24}") {
            let plain = serde_json::from_str::<Json>(&text).ok();
            if let Ok(read) = parse(text.as_bytes()) {
                prop_assert_eq!(Some(read), plain);
            }
        }
    }
}
