//! Reads one device record in one pass without an intermediate tree, because a first sync is a matter of many thousands
//! of records. Only unknown keys and misshapen values become `serde_json` values. It knows nothing of pages.

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use serde::de::{
    Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
    value::{MapAccessDeserializer, SeqAccessDeserializer},
};
use serde_json::Value;

use crate::{
    account::shortened,
    device::{Device, OpType, ProfileStatus},
};

/// The largest record that is read, in bytes; Apple's have about 700.
const LARGEST: usize = 64 * 1024;
/// The longest serial number, in bytes; Apple's have at most 18.
const LONGEST_SERIAL: usize = 256;

/// Any JSON value, with the two cheap cases apart.
pub(super) enum Found<'de> {
    Nothing,
    Text(Cow<'de, str>),
    Else(Value),
}

impl Found<'_> {
    /// About as many bytes as it has in JSON.
    fn size(&self) -> usize {
        match self {
            Self::Nothing => 4,
            Self::Text(text) => text.len() + 2,
            Self::Else(value) => size(value),
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Else(value) => value,
        }
    }
}

impl<'de> Deserialize<'de> for Found<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyValue;
        impl<'de> Visitor<'de> for AnyValue {
            type Value = Found<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Found::Nothing)
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Found::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Found::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Found::Else(value.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Found::Else(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Found::Else(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Found::Else(value.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Value::deserialize(SeqAccessDeserializer::new(list)).map(Found::Else)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Value::deserialize(MapAccessDeserializer::new(map)).map(Found::Else)
            }
        }
        deserializer.deserialize_any(AnyValue)
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
        Value::String(text) => text.len() + 2,
        Value::Array(values) => values.iter().map(|value| size(value) + 1).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| key.len() + size(value) + 4).sum(),
    }
}

/// A key, borrowed where it has no escapes.
pub(super) struct Key<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyKey;
        impl<'de> Visitor<'de> for AnyKey {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(AnyKey)
    }
}

/// An element of a list or map of devices, of any shape. The serial number of the device may be missing.
pub(super) enum Record {
    Device(Box<Device>),
    Text(String),
    Unreadable,
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyRecord;
        impl<'de> Visitor<'de> for AnyRecord {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a device")
            }
            fn visit_unit<E>(self) -> Result<Record, E> {
                Ok(Record::Unreadable)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Record, E> {
                Ok(Record::Unreadable)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Record, E> {
                Ok(Record::Unreadable)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Record, E> {
                Ok(Record::Unreadable)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Record, E> {
                Ok(Record::Unreadable)
            }
            fn visit_str<E>(self, text: &str) -> Result<Record, E> {
                Ok(Record::Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Record, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Record::Unreadable)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let mut device = Box::<Device>::default();
                let mut size = 0_usize;
                while let Some(Key(key)) = map.next_key()? {
                    size += key.len() + 4;
                    if size > LARGEST {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let found = map.next_value::<Found<'de>>()?;
                    size += found.size();
                    if let Err(found) = put(&mut device, &key, found) {
                        device.other.insert(key.into_owned(), found.into_value());
                    }
                }
                Ok(if size > LARGEST { Record::Unreadable } else { Record::Device(device) })
            }
        }
        deserializer.deserialize_any(AnyRecord)
    }
}

/// Puts a value into its field; gives it back when the key is unknown or the value unreadable. `null` and an empty
/// text leave the field as it is.
fn put<'de>(device: &mut Device, key: &str, found: Found<'de>) -> Result<(), Found<'de>> {
    match key {
        "serial_number" => match &found {
            Found::Text(text) if text.len() > LONGEST_SERIAL => Err(found),
            _ => text(found, |text| device.set_serial_number(&text)),
        },
        "model" => text(found, |text| device.model = Some(text)),
        "description" => text(found, |text| device.description = Some(text)),
        "color" => text(found, |text| device.color = Some(text)),
        "asset_tag" => text(found, |text| device.asset_tag = Some(text)),
        "profile_status" => text(found, |text| device.profile_status = Some(ProfileStatus::from_text(&text))),
        "profile_uuid" => text(found, |text| device.profile_uuid = Some(text)),
        "profile_assign_time" => time(found, &mut device.profile_assign_time),
        "profile_push_time" => time(found, &mut device.profile_push_time),
        "device_assigned_date" => time(found, &mut device.device_assigned_date),
        "device_assigned_by" => text(found, |text| device.device_assigned_by = Some(text)),
        "os" => text(found, |text| device.os = Some(text)),
        "device_family" => text(found, |text| device.device_family = Some(text)),
        "mdm_migration_deadline" => time(found, &mut device.mdm_migration_deadline),
        "imei" => list(found, &mut device.imei),
        "meid" => list(found, &mut device.meid),
        "eid" => text(found, |text| device.eid = Some(text)),
        "wifi_mac_address" => text(found, |text| device.wifi_mac_address = Some(text)),
        "bluetooth_mac_address" => text(found, |text| device.bluetooth_mac_address = Some(text)),
        "ethernet_mac_address" => text(found, |text| device.ethernet_mac_address = Some(text)),
        "is_replacement_device" => flag(found, &mut device.is_replacement_device),
        "released_by_replacement" => flag(found, &mut device.released_by_replacement),
        "op_type" => text(found, |text| device.op_type = Some(OpType::from_text(&text))),
        "op_date" => time(found, &mut device.op_date),
        "response_status" => text(found, |text| device.response_status = Some(text)),
        _ => Err(found),
    }
}

/// A text with a NUL inside is no field's: PostgreSQL stores none, and one such record would end every sync.
fn text<'de>(found: Found<'de>, put: impl FnOnce(String)) -> Result<(), Found<'de>> {
    match found {
        Found::Text(ref text) if text.contains('\0') => return Err(found),
        Found::Text(text) if !text.is_empty() => put(shortened(text.into_owned())),
        Found::Nothing | Found::Text(_) => {}
        Found::Else(_) => return Err(found),
    }
    Ok(())
}

/// RFC 3339, with fractions of a second and offsets.
pub(super) fn time<'de>(found: Found<'de>, field: &mut Option<Timestamp>) -> Result<(), Found<'de>> {
    match &found {
        Found::Nothing => Ok(()),
        Found::Text(text) => match text.trim() {
            "" => Ok(()),
            text => text.parse().map(|time| *field = Some(time)).or(Err(found)),
        },
        Found::Else(_) => Err(found),
    }
}

fn flag<'de>(found: Found<'de>, field: &mut Option<bool>) -> Result<(), Found<'de>> {
    match found {
        Found::Nothing => {}
        Found::Else(Value::Bool(value)) => *field = Some(value),
        found => return Err(found),
    }
    Ok(())
}

/// An array of text, or a lone text.
fn list<'de>(found: Found<'de>, field: &mut Vec<String>) -> Result<(), Found<'de>> {
    match found {
        Found::Nothing => {}
        Found::Text(text) if text.is_empty() => {}
        Found::Text(text) => *field = vec![text.into_owned()],
        Found::Else(Value::Array(values)) if values.iter().all(Value::is_string) => {
            let texts = values.into_iter().filter_map(|value| match value {
                Value::String(text) => Some(text),
                _ => None,
            });
            *field = texts.collect();
        }
        found => return Err(found),
    }
    Ok(())
}
