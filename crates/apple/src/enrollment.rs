//! The small answers around enrollment: which device one replaces, where managed Apple accounts enroll, and the tokens of
//! beta releases.

use jiff::{Timestamp, civil::Date};
use serde_json::{Map, Value};

use crate::{
    account::{into_list, into_text},
    secret::Secret,
};

/// Of a replacement device: what it replaces. Source: Apple's page "Get Replacement Details".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replacement {
    /// The device asked for.
    pub serial_number: String,
    /// The device that it replaces.
    pub original_device_serial_number: String,
    /// The day of the replacement, in UTC.
    pub replacement_date: Option<Date>,
}

impl Replacement {
    /// `None` if the original is not named.
    pub(crate) fn from_json(mut object: Map<String, Value>) -> Option<Self> {
        let mut text = |key: &str| object.remove(key).and_then(into_text);
        Some(Self {
            serial_number: text("serial_number").unwrap_or_default(),
            original_device_serial_number: text("original_device_serial_number")?,
            replacement_date: text("replacement_date").and_then(|text| day(&text)),
        })
    }
}

/// `2026-03-01`, or the day of a time.
fn day(text: &str) -> Option<Date> {
    text.trim().get(..10)?.parse().ok()
}

/// Where devices find the service when somebody signs in with a managed Apple account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceDiscovery {
    /// An https URL.
    pub mdm_service_discovery_url: String,
    /// When it was set.
    pub last_updated: Option<Timestamp>,
}

impl ServiceDiscovery {
    pub(crate) fn from_json(mut object: Map<String, Value>) -> Option<Self> {
        let mut text = |key: &str| object.remove(key).and_then(into_text);
        Some(Self {
            mdm_service_discovery_url: text("mdm_service_discovery_url")?,
            last_updated: text("last_updated_timestamp").and_then(|text| text.trim().parse().ok()),
        })
    }
}

/// What lets a device take part in beta releases of one system. No `Debug`: the token alone gives access.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BetaToken {
    /// For people.
    pub title: Option<String>,
    /// `iOS`, `OSX`, `tvOS`, `visionOS`, `watchOS`, `homePodOS` or something newer.
    pub os: Option<String>,
    /// Sent to the device.
    pub token: Secret,
}

impl BetaToken {
    /// The tokens of an answer; `None` if it has neither of the two known lists.
    pub(crate) fn list_from_json(mut object: Map<String, Value>) -> Option<Vec<Self>> {
        let lists = ["betaEnrollmentTokens", "seedBuildTokens"].map(|key| object.remove(key));
        if lists.iter().all(Option::is_none) {
            return None;
        }
        let mut tokens = Vec::<Self>::new();
        for token in lists.into_iter().flat_map(into_list).filter_map(Self::from_json) {
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        Some(tokens)
    }

    fn from_json(value: Value) -> Option<Self> {
        let Value::Object(mut object) = value else { return None };
        let mut text = |key: &str| object.remove(key).and_then(into_text);
        Some(Self { title: text("title"), os: text("os"), token: Secret::new(text("token")?) })
    }
}
