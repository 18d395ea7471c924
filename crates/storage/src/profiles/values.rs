//! The properties of a profile as one JSON object. Which of them there are is the edge's knowledge.

use adept_domain::{ProfileValue, ProfileValues};
use serde_json::Value as Json;

use crate::Error;

pub(super) fn read_values(json: Json) -> Result<ProfileValues, Error> {
    match json {
        Json::Object(members) => {
            Ok(members.into_iter().filter_map(|(name, json)| Some((name, value(json)?))).collect())
        }
        _ => Err(Error::Corrupt("column properties: not a JSON object".to_owned())),
    }
}

fn value(json: Json) -> Option<ProfileValue> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(value) => ProfileValue::Bool(value),
        Json::Number(number) => ProfileValue::Int(number.as_i64()?),
        Json::String(text) => ProfileValue::Text(text),
        Json::Array(items) => ProfileValue::List(items.into_iter().filter_map(value).collect()),
        Json::Object(members) => ProfileValue::Object(
            members.into_iter().filter_map(|(name, json)| Some((name, value(json)?))).collect(),
        ),
    })
}

fn json(value: &ProfileValue) -> Json {
    match value {
        ProfileValue::Null => Json::Null,
        ProfileValue::Bool(value) => Json::from(*value),
        ProfileValue::Int(number) => Json::from(*number),
        ProfileValue::Text(text) => Json::from(text.as_str()),
        ProfileValue::List(items) => items.iter().map(json).collect(),
        ProfileValue::Object(members) => json_of(members),
    }
}

pub(super) fn json_of(values: &ProfileValues) -> Json {
    Json::Object(values.iter().map(|(name, value)| (name.clone(), json(value))).collect())
}
