//! Apple's device record and a page of them, in Apple's words. How they are read from JSON is in `client/decode.rs`.

mod record_json;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// One answer of `/server/devices` or `/devices/sync`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DevicePage {
    /// In Apple's order: chronological by operation time. One device may come several times.
    pub devices: Vec<Device>,
    /// Opaque; goes into the next call. Can be over 1000 characters long.
    pub cursor: Option<String>,
    /// True: ask again at once with `cursor`, which is then present.
    pub more_to_follow: bool,
    /// How far Apple has got.
    pub fetched_until: Option<Timestamp>,
    /// Elements of Apple's list, those left out included: what a limit on a run counts.
    pub records: usize,
    /// Records left out: without a serial number, no object, or over 64 KiB. If there are any, the page is not a complete
    /// list.
    pub unreadable: usize,
}

/// One device. A missing key, `null` and an empty text are all `None`; texts are cut at 1,024 characters.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Device {
    /// The key, as [`normalized_serial`] makes it. Never empty in an answer.
    pub serial_number: String,
    /// Apple's own spelling, where it differs. Apple is sent the key, since its statuses are matched without blanks and case.
    pub serial_number_as_sent: Option<String>,
    /// Marketing name.
    pub model: Option<String>,
    /// Order text.
    pub description: Option<String>,
    /// Color; Apple leaves it out for some models.
    pub color: Option<String>,
    /// The organization's asset tag.
    pub asset_tag: Option<String>,
    /// State of the profile at Apple; `None` means [`ProfileStatus::Empty`].
    pub profile_status: Option<ProfileStatus>,
    /// The profile assigned at Apple, by this or another product.
    pub profile_uuid: Option<String>,
    /// When the profile was assigned.
    pub profile_assign_time: Option<Timestamp>,
    /// When the device fetched the profile.
    pub profile_push_time: Option<Timestamp>,
    /// When the device was assigned to this server.
    pub device_assigned_date: Option<Timestamp>,
    /// E-mail address of who assigned it.
    pub device_assigned_by: Option<String>,
    /// `iOS`, `iPadOS`, `OSX`, `tvOS`, `visionOS` or something newer.
    pub os: Option<String>,
    /// `iPad`, `iPhone`, `iPod`, `Mac`, `AppleTV`, `Vision` or something newer.
    pub device_family: Option<String>,
    /// Present: the next enrollment is a migration, due then.
    pub mdm_migration_deadline: Option<Timestamp>,
    /// Since protocol 10.
    pub imei: Vec<String>,
    /// Since protocol 10.
    pub meid: Vec<String>,
    /// Since protocol 10.
    pub eid: Option<String>,
    /// Since protocol 10.
    pub wifi_mac_address: Option<String>,
    /// Since protocol 10.
    pub bluetooth_mac_address: Option<String>,
    /// Since protocol 10.
    pub ethernet_mac_address: Option<String>,
    /// Since protocol 10.
    pub is_replacement_device: Option<bool>,
    /// Since protocol 10; only with [`OpType::Deleted`].
    pub released_by_replacement: Option<bool>,
    /// Only in sync pages.
    pub op_type: Option<OpType>,
    /// Only in sync pages; whole seconds.
    pub op_date: Option<Timestamp>,
    /// Only in details: `SUCCESS`, or the reason why there is nothing more.
    pub response_status: Option<String>,
    /// Every key that is not listed above, and every listed one whose value could not be read, as Apple sent it.
    pub other: Map<String, Value>,
}

/// A serial number as it is compared and stored: without blanks around it, ASCII letters in upper case.
#[must_use]
pub fn normalized_serial(serial: &str) -> String {
    serial.trim().to_ascii_uppercase()
}

impl Device {
    pub(crate) fn set_serial_number(&mut self, sent: &str) {
        self.serial_number = normalized_serial(sent);
        self.serial_number_as_sent = (self.serial_number != sent).then(|| sent.to_owned());
    }
}

/// State of the profile at Apple.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileStatus {
    /// None.
    Empty,
    /// Stored at Apple.
    Assigned,
    /// The device has fetched it, which does not verify that it enrolled.
    Pushed,
    /// Taken away again.
    Removed,
    /// A state that is newer than this library, as Apple spelt it.
    Other(String),
}

impl ProfileStatus {
    /// Apple's word, read without regard to case.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        [Self::Empty, Self::Assigned, Self::Pushed, Self::Removed]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(text))
            .unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// Apple's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Empty => "empty",
            Self::Assigned => "assigned",
            Self::Pushed => "pushed",
            Self::Removed => "removed",
            Self::Other(text) => text,
        }
    }
}

/// What happened to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpType {
    /// Assigned to this server.
    Added,
    /// Changed, or something that is newer than this library.
    Modified,
    /// Unassigned, moved or released. The record may hold nothing but the serial number.
    Deleted,
}

impl OpType {
    /// Apple's word, read without regard to case; an unknown one is [`OpType::Modified`].
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        [Self::Added, Self::Deleted]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(text))
            .unwrap_or(Self::Modified)
    }

    /// Apple's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
        }
    }
}
