//! What Apple says of each serial number of a request that names several. What follows from it is the caller's business.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

use crate::device::normalized_serial;

/// The longest wait that is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How a request went for one device. Source of the words: Apple's pages "Assign a Profile" and "Disown Devices".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SerialStatus {
    /// Done; an assignment takes effect a little later.
    Success,
    /// Not a device of this server: it never was, was moved, or was released.
    NotAccessible,
    /// Apple does not say why. Also for a serial number that the answer leaves out.
    Failed,
    /// This device was assigned too often; see [`SerialStatuses::retry_after`].
    Throttled,
    /// A word that is newer than this library, as Apple spelt it.
    Other(String),
}

impl SerialStatus {
    /// Apple's word, read without regard to case.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let text = text.trim();
        [Self::Success, Self::NotAccessible, Self::Failed, Self::Throttled]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(text))
            .unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// Apple's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "SUCCESS",
            Self::NotAccessible => "NOT_ACCESSIBLE",
            Self::Failed => "FAILED",
            Self::Throttled => "THROTTLED",
            Self::Other(text) => text,
        }
    }
}

/// The outcome of one request for each serial number that it named, and for no other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SerialStatuses {
    /// By serial number, as the caller spelt it.
    pub of: BTreeMap<String, SerialStatus>,
    /// How long Apple asks to wait before throttled devices are named again, at most 24 hours. Since protocol 10.
    pub retry_after: Option<Duration>,
}

/// `devices` and `retry_after_seconds` of an answer, before they are matched with the request.
pub(crate) struct ReportedStatuses {
    /// By normalized serial number.
    devices: BTreeMap<String, SerialStatus>,
    retry_after: Option<Duration>,
}

impl ReportedStatuses {
    /// `None` if there is no `devices` object: then nothing is known of any device.
    pub(crate) fn from_json(object: &mut Map<String, Value>) -> Option<Self> {
        let Some(Value::Object(devices)) = object.remove("devices") else { return None };
        let devices = devices.into_iter().map(|(serial, value)| (normalized_serial(&serial), status(&value)));
        let wait = object.get("retry_after_seconds").and_then(seconds);
        Some(Self { devices: devices.collect(), retry_after: wait.map(|wait| wait.min(LONGEST_WAIT)) })
    }

    /// The statuses of exactly the `requested` serial numbers.
    pub(crate) fn for_serials(mut self, requested: &[&str]) -> SerialStatuses {
        let of = requested.iter().map(|serial| {
            let reported = self.devices.remove(&normalized_serial(serial));
            ((*serial).to_owned(), reported.unwrap_or(SerialStatus::Failed))
        });
        SerialStatuses { of: of.collect(), retry_after: self.retry_after }
    }
}

/// A word, or an object that holds one as `response_status`.
fn status(value: &Value) -> SerialStatus {
    let word = value.as_str().or_else(|| value.get("response_status")?.as_str());
    word.map_or(SerialStatus::Failed, SerialStatus::from_text)
}

/// Whole seconds, as a number or as text.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Some(Duration::from_secs(seconds))
}
