//! What the portal handle takes and returns. Apple's own objects (devices, profiles) stay JSON, as the simulator shows
//! them to anyone.

use jiff::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// An organization.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct PortalOrganization {
    /// Its customer id.
    pub org_id: String,
}

/// A device management service, once "MDM server".
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct PortalServer {
    /// Stable across tokens.
    pub server_uuid: String,
    /// The name people see.
    pub server_name: String,
    /// Its organization.
    pub org_id: String,
    /// Devices that are assigned to it.
    pub devices: u64,
    /// When its newest token ends.
    #[serde(deserialize_with = "time_or_none")]
    pub token_expires: Option<Timestamp>,
}

/// A new organization; every field may be left out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewOrganization<'a> {
    /// The name people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// `org` or `edu`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
    /// To bring one back; random otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<&'a str>,
}

/// A new server; every field may be left out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewServer<'a> {
    /// The name people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// A new organization is made if none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<&'a str>,
    /// To bring one back; random otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_uuid: Option<&'a str>,
}

/// A downloaded token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenFile {
    /// The name that the portal proposes.
    pub name: String,
    /// The file; text unless it was asked for `raw`.
    pub bytes: Vec<u8>,
}

impl TokenFile {
    /// The file as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// A profile that a client defined.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct PortalProfile {
    /// 32 hexadecimal digits.
    pub profile_uuid: String,
    /// What the client sent.
    pub profile: Map<String, Value>,
    /// How often it was assigned to a device.
    pub assignments: u64,
    /// Devices that carry it.
    pub devices: u64,
    /// The first 100 of them.
    pub serial_numbers: Vec<String>,
}

/// A fault rule and what it did so far.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct FaultState {
    /// Its number.
    pub id: u64,
    /// Calls that match.
    pub seen: u64,
    /// Calls it acted on.
    pub acted: u64,
    /// Calls that it holds now.
    pub held: u64,
    /// Whether it acts on no further call.
    pub used_up: bool,
}

/// The simulator's time.
#[derive(Clone, Copy, Debug, Deserialize)]
#[non_exhaustive]
pub struct ClockState {
    /// Now.
    #[serde(deserialize_with = "time")]
    pub now: Timestamp,
    /// Whether it runs.
    pub running: bool,
}

/// One call to one of Apple's paths.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// By the simulator's clock.
    #[serde(deserialize_with = "time")]
    pub time: Timestamp,
    /// Such as `POST`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// 0 when the connection was cut instead of answered.
    pub status: u16,
    /// The server whose session or consumer key it carried; empty where that is unknown.
    #[serde(default, deserialize_with = "or_empty")]
    pub server_uuid: String,
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

fn time_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

fn or_empty<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(from)?.unwrap_or_default())
}
