//! One device as it was at one moment. A record is small on purpose: what the seed decides is worked out when the
//! device is shown, so that a million devices fit into memory.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{PortalRefused, ProfileId};

/// Longest serial number taken. Apple's have 10 to 12 characters, older test servers made 18.
const LONGEST: usize = 23;

/// The attributes that say which profile a device carries.
const PROFILE_FIELDS: [&str; 4] =
    ["profile_status", "profile_uuid", "profile_assign_time", "profile_push_time"];

/// A serial number: 1 to 23 ASCII letters and digits, then zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Serial([u8; LONGEST]);

impl Serial {
    /// `None` when the text is no serial number.
    pub(crate) fn new(text: &str) -> Option<Serial> {
        let fits =
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut characters = [0; LONGEST];
        fits.then(|| {
            characters[..text.len()].copy_from_slice(text.as_bytes());
            Serial(characters)
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(LONGEST);
        std::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

/// The number of a device that was made from the seed, stored plus one.
#[derive(Clone, Copy)]
pub(crate) struct Sown(NonZeroU32);

impl Sown {
    pub(crate) fn new(number: u32) -> Sown {
        Sown(NonZeroU32::MIN.saturating_add(number))
    }

    pub(crate) fn number(self) -> u32 {
        self.0.get() - 1
    }
}

/// What `profile_status` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProfileStatus {
    /// Never had a profile on this server.
    Empty,
    /// Has one that it did not fetch yet.
    Assigned,
    /// Fetched it at its activation.
    Pushed,
    /// Had one that was taken away.
    Removed,
}

impl ProfileStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ProfileStatus::Empty => "empty",
            ProfileStatus::Assigned => "assigned",
            ProfileStatus::Pushed => "pushed",
            ProfileStatus::Removed => "removed",
        }
    }
}

/// What is known of a device at one moment. All times are seconds since 1970.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) serial: Serial,
    pub(crate) status: ProfileStatus,
    /// The device's number when it was made from the seed; its attributes follow from it.
    pub(crate) sown: Option<Sown>,
    /// Present exactly when the status is `Assigned` or `Pushed`.
    pub(crate) profile: Option<ProfileId>,
    /// Means something only while there is a profile.
    pub(crate) profile_assigned_at: i64,
    /// Means something only when the status is `Pushed`.
    pub(crate) profile_pushed_at: i64,
    /// To this server.
    pub(crate) assigned_at: i64,
    /// Attributes that were set manually. They win over everything else.
    pub(crate) manual: Option<Arc<ManualFields>>,
}

impl Record {
    /// A device as it arrives on a server.
    pub(super) fn new(
        serial: Serial,
        sown: Option<Sown>,
        manual: Option<Arc<ManualFields>>,
        now: i64,
    ) -> Record {
        Record {
            serial,
            status: ProfileStatus::Empty,
            sown,
            profile: None,
            profile_assigned_at: 0,
            profile_pushed_at: 0,
            assigned_at: now,
            manual,
        }
    }

    /// The device with this profile assigned. What was set manually about profiles no longer counts.
    pub(super) fn with_profile(&self, profile: ProfileId, now: i64) -> Record {
        let mut record = self.without_profile(ProfileStatus::Assigned);
        record.profile = Some(profile);
        record.profile_assigned_at = now;
        record
    }

    /// The device without a profile. What was set manually about profiles no longer counts.
    pub(super) fn without_profile(&self, status: ProfileStatus) -> Record {
        Record { status, profile: None, manual: self.manual_without(&PROFILE_FIELDS), ..self.clone() }
    }

    /// The attributes set manually, but for those named.
    pub(super) fn manual_without(&self, names: &[&str]) -> Option<Arc<ManualFields>> {
        let manual = self.manual.as_ref()?;
        if !names.iter().any(|name| manual.names(name)) {
            return Some(manual.clone());
        }
        let mut rest = ManualFields::clone(manual);
        rest.fields.retain(|(known, _)| !names.contains(&&**known));
        Some(Arc::new(rest))
    }

    /// An attribute set manually, as text.
    pub(crate) fn manual_text(&self, name: &str) -> Option<String> {
        let (_, json) = self.manual.as_ref()?.values().find(|(known, _)| *known == name)?;
        serde_json::from_str(json).ok()
    }
}

/// Attributes set manually, each already written as JSON.
#[derive(Clone, Default)]
pub(crate) struct ManualFields {
    fields: Vec<(Box<str>, Option<Box<str>>)>,
}

impl ManualFields {
    /// Whether the attribute is set, be it a value or its absence.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| &**known == name)
    }

    /// Names and JSON values of what is present.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().filter_map(|(name, json)| Some((&**name, json.as_deref()?)))
    }

    /// These attributes with `change` applied: null means absent from now on.
    pub(crate) fn changed(&self, change: &Map<String, Value>) -> Result<ManualFields, PortalRefused> {
        let mut changed = self.clone();
        for (name, value) in change {
            if matches!(name.as_str(), "serial_number" | "op_type" | "op_date" | "response_status") {
                return Err(PortalRefused::Invalid(format!(
                    "{name} cannot be set here. Nothing was changed."
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
        assert!(size_of::<Record>() <= 64, "{}", size_of::<Record>());
    }
}
