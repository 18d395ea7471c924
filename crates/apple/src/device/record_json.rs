//! A device record written as JSON again, in Apple's keys and in a fixed order: what is worth keeping of it. Not what
//! only one answer says of it: `op_type`, `op_date`, `response_status`.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Device;

struct Record<'a>(&'a Device);

impl Device {
    /// The record as one JSON object, unknown keys included. Equal records give equal texts.
    #[must_use]
    pub fn record_json(&self) -> String {
        // Enough for most records, so that the text need not move while it grows.
        let mut text = Vec::with_capacity(768);
        // Writing maps with text keys into memory cannot fail, and JSON is UTF-8.
        match serde_json::to_writer(&mut text, &Record(self)) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(_) => String::new(),
        }
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(device) = self;
        let mut map = serializer.serialize_map(None)?;
        let serial_number = device.serial_number_as_sent.as_ref().unwrap_or(&device.serial_number);
        map.serialize_entry("serial_number", serial_number)?;
        for (key, value) in [
            ("model", &device.model),
            ("description", &device.description),
            ("color", &device.color),
            ("asset_tag", &device.asset_tag),
            ("profile_uuid", &device.profile_uuid),
            ("device_assigned_by", &device.device_assigned_by),
            ("os", &device.os),
            ("device_family", &device.device_family),
            ("eid", &device.eid),
            ("wifi_mac_address", &device.wifi_mac_address),
            ("bluetooth_mac_address", &device.bluetooth_mac_address),
            ("ethernet_mac_address", &device.ethernet_mac_address),
        ] {
            if let Some(text) = value {
                map.serialize_entry(key, text)?;
            }
        }
        if let Some(status) = &device.profile_status {
            map.serialize_entry("profile_status", status.as_str())?;
        }
        for (key, value) in [
            ("profile_assign_time", device.profile_assign_time),
            ("profile_push_time", device.profile_push_time),
            ("device_assigned_date", device.device_assigned_date),
            ("mdm_migration_deadline", device.mdm_migration_deadline),
        ] {
            if let Some(time) = value {
                map.serialize_entry(key, &format_args!("{time}"))?;
            }
        }
        for (key, list) in [("imei", &device.imei), ("meid", &device.meid)] {
            if !list.is_empty() {
                map.serialize_entry(key, list)?;
            }
        }
        for (key, value) in [
            ("is_replacement_device", device.is_replacement_device),
            ("released_by_replacement", device.released_by_replacement),
        ] {
            if let Some(flag) = value {
                map.serialize_entry(key, &flag)?;
            }
        }
        for (key, value) in &device.other {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_unknown_keys_and_leaves_out_what_only_one_answer_says() {
        let mut device =
            Device { serial_number: "C02".to_owned(), os: Some("OSX".to_owned()), ..Device::default() };
        device.other.insert("shoe_size".to_owned(), 43.into());
        device.op_date = Some(jiff::Timestamp::UNIX_EPOCH);
        device.device_assigned_date = Some(jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(
            device.record_json(),
            r#"{"serial_number":"C02","os":"OSX","device_assigned_date":"1970-01-01T00:00:00Z","shoe_size":43}"#
        );
    }
}
