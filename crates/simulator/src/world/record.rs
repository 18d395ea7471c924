//! One device as it was at one moment. A record is small on purpose: what the seed decides is worked out when the
//! device is shown, so that a million devices fit into memory.

use serde_json::{Map, Value};
use std::sync::Arc;

use super::PortalRefused;

/// Longest serial number taken. Apple's have 10 to 12 characters, older test servers made 18.
const LONGEST: usize = 23;

/// A serial number: 1 to 23 ASCII letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Serial {
    length: u8,
    characters: [u8; LONGEST],
}

impl Serial {
    /// `None` when the text is no serial number.
    pub(crate) fn new(text: &str) -> Option<Serial> {
        let fits =
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut characters = [0; LONGEST];
        fits.then(|| {
            characters[..text.len()].copy_from_slice(text.as_bytes());
            Serial { length: text.len() as u8, characters }
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.characters[..usize::from(self.length)]).unwrap_or_default()
    }
}

/// What is known of a device at one moment.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) serial: Serial,
    /// The device's number when it was made from the seed; its attributes follow from it.
    pub(crate) sown: Option<u32>,
    /// Seconds since 1970.
    pub(crate) assigned_at: i64,
    /// Attributes that were given by hand. They win over everything else.
    pub(crate) given: Option<Arc<Given>>,
}

/// Attributes given by hand, each already written as JSON.
#[derive(Clone, Default)]
pub(crate) struct Given {
    fields: Vec<(Box<str>, Option<Box<str>>)>,
}

impl Given {
    /// Whether the attribute is given, be it a value or its absence.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| &**known == name)
    }

    /// Names and JSON values of what is present.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().filter_map(|(name, json)| Some((&**name, json.as_deref()?)))
    }

    /// These attributes with `change` applied: null means absent from now on.
    pub(crate) fn changed(&self, change: &Map<String, Value>) -> Result<Given, PortalRefused> {
        let mut changed = self.clone();
        for (name, value) in change {
            if matches!(name.as_str(), "serial_number" | "op_type" | "op_date" | "response_status") {
                return Err(PortalRefused::Invalid(format!(
                    "{name} cannot be given here. Nothing was changed."
                )));
            }
            let json = (!value.is_null()).then(|| value.to_string().into_boxed_str());
            match changed.fields.iter_mut().find(|(known, _)| **known == **name) {
                Some((_, known)) => *known = json,
                None => changed.fields.push((name.as_str().into(), json)),
            }
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_keeps_its_text_and_refuses_what_is_none() {
        for text in ["A", "C02XK1QZMD6T", "07AAD449616F566C12", "ABCDEFGHIJKLMNOPQRSTUVW"] {
            assert_eq!(Serial::new(text).map(|serial| serial.as_str().to_owned()).as_deref(), Some(text));
        }
        for text in ["", "A B", "A\"B", "Ä", "ABCDEFGHIJKLMNOPQRSTUVWX"] {
            assert!(Serial::new(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_million_devices_stay_small() {
        assert!(size_of::<Record>() <= 48, "{}", size_of::<Record>());
    }
}
