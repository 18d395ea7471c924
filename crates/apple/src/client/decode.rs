//! Reads Apple's 200 answers. Forgiving inside a record, strict about the frame: an answer of another shape than
//! expected is an error, so that no cursor advances over something that was never read.

mod record;
mod repair;

use std::{collections::BTreeMap, fmt};

use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use self::record::{Found, Key, Record, time};
use crate::{
    account::Account,
    activation_lock::LockStatus,
    device::{Device, DevicePage, normalized_serial},
    enrollment::{BetaToken, Replacement, ServiceDiscovery},
    error::AppleErrorKind,
    profile::DefinedProfile,
    secret::Secret,
    serial_status::ReportedStatuses,
};

/// The longest cursor that is kept, in bytes; Apple names 1,000 characters.
const LONGEST_CURSOR: usize = 16 * 1024;

/// What a decoder makes of a body: the thing, or the kind of failure that the body amounts to.
pub(super) type Decoded<T> = Result<T, AppleErrorKind>;

/// The longest session that is taken: it has to fit a request header.
const LONGEST_SESSION: usize = 4096;

/// `{"auth_session_token": "…"}`. Without a token in it, a 200 is a refusal.
pub(super) fn session(body: &[u8]) -> Decoded<Secret> {
    let mut object = object(body)?;
    match object.remove("auth_session_token") {
        None | Some(Value::Null) => Err(AppleErrorKind::Unauthorized),
        Some(Value::String(text)) if text.is_empty() => Err(AppleErrorKind::Unauthorized),
        Some(Value::String(text)) => session_text(text).ok_or(AppleErrorKind::NotUnderstood),
        Some(_) => Err(AppleErrorKind::NotUnderstood),
    }
}

/// `text` as a session, if it can be sent back in a header.
pub(super) fn session_text(text: String) -> Option<Secret> {
    let fits = (1..=LONGEST_SESSION).contains(&text.len());
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    let text = Secret::new(text);
    (fits && printable).then_some(text)
}

/// An account detail.
pub(super) fn account(body: &[u8]) -> Decoded<Account> {
    object(body).map(Account::from_json)
}

impl DevicePage {
    /// Reads the body of a 200 to `/server/devices` or `/devices/sync`, as the client does.
    ///
    /// # Errors
    /// [`AppleErrorKind::NotUnderstood`] if it is no page as a whole; what is wrong with one record spoils that alone.
    pub fn from_json(body: &[u8]) -> Result<Self, AppleErrorKind> {
        page(body)
    }
}

/// A page of a fetch or a sync. An object with none of a page's keys is not a page.
pub(super) fn page(body: &[u8]) -> Decoded<DevicePage> {
    let page: Page = json(body)?;
    if !page.recognized || page.page.more_to_follow && page.page.cursor.is_none() {
        return Err(AppleErrorKind::NotUnderstood);
    }
    Ok(page.page)
}

/// Details by the normalized serial number that Apple filed them under.
pub(super) fn details(body: &[u8]) -> Decoded<BTreeMap<String, Device>> {
    json::<Details>(body)?.0.ok_or(AppleErrorKind::NotUnderstood)
}

/// `devices` by serial number, of a call that acts on devices.
pub(super) fn statuses(body: &[u8]) -> Decoded<ReportedStatuses> {
    ReportedStatuses::from_json(&mut object(body)?).ok_or(AppleErrorKind::NotUnderstood)
}

/// The `profile_uuid` of a profile that was just defined.
pub(super) fn defined(body: &[u8]) -> Decoded<String> {
    match object(body)?.remove("profile_uuid") {
        Some(Value::String(uuid)) if !uuid.trim().is_empty() => Ok(uuid.trim().to_owned()),
        _ => Err(AppleErrorKind::NotUnderstood),
    }
}

/// A profile that was defined before.
pub(super) fn profile(body: &[u8]) -> Decoded<DefinedProfile> {
    DefinedProfile::from_json(object(body)?).ok_or(AppleErrorKind::NotUnderstood)
}

/// `response_status` of the one device that was to be locked.
pub(super) fn lock_status(body: &[u8]) -> Decoded<LockStatus> {
    match object(body)?.remove("response_status") {
        Some(Value::String(word)) => Ok(LockStatus::from_text(&word)),
        _ => Err(AppleErrorKind::NotUnderstood),
    }
}

/// What a device replaces.
pub(super) fn replacement(body: &[u8]) -> Decoded<Replacement> {
    Replacement::from_json(object(body)?).ok_or(AppleErrorKind::NotUnderstood)
}

/// Where managed Apple accounts enroll.
pub(super) fn service_discovery(body: &[u8]) -> Decoded<ServiceDiscovery> {
    ServiceDiscovery::from_json(object(body)?).ok_or(AppleErrorKind::NotUnderstood)
}

/// The tokens of beta releases.
pub(super) fn beta_tokens(body: &[u8]) -> Decoded<Vec<BetaToken>> {
    BetaToken::list_from_json(object(body)?).ok_or(AppleErrorKind::NotUnderstood)
}

/// The answer of a call that only says that it was done: nothing, or any JSON, but no page of a proxy.
pub(super) fn done(body: &[u8]) -> Decoded<()> {
    if body.trim_ascii().is_empty() { Ok(()) } else { json::<IgnoredAny>(body).map(drop) }
}

fn object(body: &[u8]) -> Decoded<Map<String, Value>> {
    json(body)
}

/// Reads JSON; where that fails, once more with what is no text in its strings replaced, and without what is nested too
/// deep.
fn json<T: DeserializeOwned>(body: &[u8]) -> Decoded<T> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    serde_json::from_slice(body).or_else(|_| {
        let text = repair::text(body);
        let shallow = repair::depth(text.as_deref().unwrap_or(body));
        let repaired = shallow.or(text).ok_or(AppleErrorKind::NotUnderstood)?;
        serde_json::from_slice(&repaired).map_err(|_| AppleErrorKind::NotUnderstood)
    })
}

/// The devices of a page, and how many elements were none.
#[derive(Default)]
struct Devices {
    devices: Vec<Device>,
    records: usize,
    unreadable: usize,
}

impl<'de> Deserialize<'de> for Devices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyDevices;
        impl<'de> Visitor<'de> for AnyDevices {
            type Value = Devices;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of devices")
            }
            fn visit_unit<E>(self) -> Result<Devices, E> {
                Ok(Devices::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Devices, A::Error> {
                let mut found = Devices::default();
                while let Some(record) = list.next_element()? {
                    found.records += 1;
                    match record {
                        Record::Device(device) if !device.serial_number.is_empty() => {
                            found.devices.push(*device);
                        }
                        Record::Device(_) | Record::Text(_) | Record::Unreadable => found.unreadable += 1,
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_any(AnyDevices)
    }
}

struct Page {
    page: DevicePage,
    /// Whether any key of a page was there.
    recognized: bool,
}

impl<'de> Deserialize<'de> for Page {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct APage;
        impl<'de> Visitor<'de> for APage {
            type Value = Page;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a page of devices")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
                let (mut page, mut recognized) = (DevicePage::default(), false);
                while let Some(Key(key)) = map.next_key()? {
                    match &*key {
                        "devices" => {
                            Devices {
                                devices: page.devices,
                                records: page.records,
                                unreadable: page.unreadable,
                            } = map.next_value()?;
                        }
                        "cursor" => match map.next_value()? {
                            Found::Nothing => page.cursor = None,
                            Found::Text(cursor) if cursor.len() > LONGEST_CURSOR || cursor.contains('\0') => {
                                return Err(A::Error::custom("a cursor that cannot be kept"));
                            }
                            Found::Text(cursor) => {
                                page.cursor = Some(cursor.into_owned()).filter(|cursor| !cursor.is_empty());
                            }
                            Found::Else(_) => return Err(A::Error::custom("a cursor that is no text")),
                        },
                        "more_to_follow" => {
                            page.more_to_follow = map.next_value::<Option<bool>>()?.unwrap_or(false);
                        }
                        "fetched_until" => {
                            // A progress mark and nothing more: an unreadable one is as good as none.
                            let _ = time(map.next_value()?, &mut page.fetched_until);
                            continue;
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    }
                    recognized = true;
                }
                Ok(Page { page, recognized })
            }
        }
        deserializer.deserialize_map(APage)
    }
}

/// The `devices` object of a details answer.
struct Details(Option<BTreeMap<String, Device>>);

impl<'de> Deserialize<'de> for Details {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyDetails;
        impl<'de> Visitor<'de> for AnyDetails {
            type Value = Details;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("details of devices")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Details, A::Error> {
                let mut details = None;
                while let Some(Key(key)) = map.next_key()? {
                    if key == "devices" {
                        details = map.next_value::<Option<BTreeMap<String, Record>>>()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Details(details.map(|records| records.into_iter().filter_map(named).collect())))
            }
        }
        deserializer.deserialize_map(AnyDetails)
    }
}

/// A record with the serial number it was filed under, where it has none of its own. A lone text is a status.
fn named((serial, record): (String, Record)) -> Option<(String, Device)> {
    let mut device = match record {
        Record::Device(device) => *device,
        Record::Text(status) => Device { response_status: Some(status), ..Device::default() },
        Record::Unreadable => return None,
    };
    if device.serial_number.is_empty() {
        device.set_serial_number(&serial);
    }
    Some((normalized_serial(&serial), device))
}
