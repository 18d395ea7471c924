//! What a rule can do to a call or to its answer. Each has its example in `README.md`.

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::codes;

/// The longest that a delay or a pause may be, in milliseconds: an hour.
const LONGEST: u64 = 3_600_000;
/// The largest body that is made on purpose: 64 MiB.
const LARGEST: usize = 64 << 20;

/// One action. What happens to a call is always in this order, in any order of the actions.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Waits until it is released, before the call takes effect or after.
    Hold(When),
    /// The session that the call carries is too old from now on.
    ExpireSession,
    /// The session that the call carries is unknown from now on.
    ForgetSession,

    /// Answers instead of Apple; the call has no effect.
    Answer(CannedAnswer),
    /// Refuses with one of Apple's codes and its usual status; the call has no effect.
    Refuse(String),
    /// 307 to the same path below this URL; the call has no effect.
    Redirect(String),
    /// Closes or resets the connection without a byte.
    Disconnect(Disconnect),

    /// The answer carries a new session token.
    RotateSession(RotateSession),

    /// A page: more follows, and the cursor is the one that was sent.
    SameCursor,
    /// A page: more follows, and the new cursor leads to the same devices again.
    DuplicatePage,
    /// A page: no devices, more follows, and the new cursor leads to the devices that were due.
    EmptyPage,
    /// A page: its last so many devices are in it twice.
    RepeatDevices(usize),
    /// A page: these elements come first, devices or not.
    InsertDevices(Vec<Value>),
    /// Leaves devices out of `devices`, be it a page or a map of statuses.
    DropDevices(DropDevices),

    /// Sets fields of the answer.
    Set(Map<String, Value>),
    /// Takes fields out of the answer.
    Unset(Vec<String>),
    /// Sets fields of each device in the answer.
    SetDevices(Map<String, Value>),
    /// Takes fields out of each device in the answer.
    UnsetDevices(Vec<String>),
    /// Sets statuses by serial number; `*` is every other.
    SetStatuses(BTreeMap<String, String>),

    /// Sets headers of the answer, or with null takes them away.
    Headers(BTreeMap<String, Option<String>>),
    /// The answer's `Date` is so many seconds ahead.
    DateSkewSeconds(i64),
    /// Replaces text in the body as it is sent, also by what is no JSON.
    ReplaceText(ReplaceText),
    /// The body is gzip, whether or not the client can read that.
    Gzip,
    /// Waits so many milliseconds of real time, after the call took effect and before the first byte.
    DelayMs(u64),
    /// Sends only the first bytes of the body.
    Truncate(Truncate),
    /// Sends the body in small parts.
    Drip(Drip),
}

/// When a call is held.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    /// Before it is judged: it finds the state at its release.
    Before,
    /// After it took effect: its answer is what was true before.
    After,
}

/// An answer that is not Apple's.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CannedAnswer {
    /// 200 to 999.
    pub(crate) status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: String,
    /// Fills the body up with spaces to so many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pad_to: Option<usize>,
    /// `Retry-After` as an HTTP date, so many seconds from the simulator's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_date: Option<i64>,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Disconnect {
    /// The call takes effect all the same: its answer is lost.
    pub(crate) applied: bool,
    /// TCP's reset instead of an orderly end.
    pub(crate) reset: bool,
}

/// A new session token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RotateSession {
    /// The old one stays good until its time is up.
    pub(crate) keep_old: bool,
}

/// Which devices an answer leaves out.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DropDevices {
    pub(crate) serials: Vec<String>,
    /// Each so many-th; 0 is none.
    pub(crate) every: usize,
}

/// Other text in a body.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplaceText {
    /// Every occurrence is replaced; not empty.
    pub(crate) from: String,
    pub(crate) to: String,
}

/// A body that ends too early.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Truncate {
    /// Bytes that are sent.
    pub(crate) keep: usize,
    /// `Content-Length` says what is sent. Otherwise it says what should be, and the connection ends early.
    #[serde(default)]
    pub(crate) honest_length: bool,
}

/// A body that comes slowly.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drip {
    /// Bytes at a time, 1 or more.
    pub(crate) bytes: usize,
    /// Milliseconds of real time between them.
    pub(crate) pause_ms: u64,
}

impl Action {
    /// Whether it takes the place of judging the call, so that there can be one only.
    pub(super) fn is_instead(&self) -> bool {
        matches!(self, Action::Answer(_) | Action::Refuse(_) | Action::Redirect(_) | Action::Disconnect(_))
    }

    /// Whether it changes what a good answer holds.
    pub(crate) fn changes_fields(&self) -> bool {
        use Action::{DropDevices, DuplicatePage, EmptyPage, InsertDevices, RepeatDevices, SameCursor};
        use Action::{Set, SetDevices, SetStatuses, Unset, UnsetDevices};
        matches!(self, SameCursor | DuplicatePage | EmptyPage | RepeatDevices(_))
            || matches!(self, InsertDevices(_) | DropDevices(_))
            || matches!(self, Set(_) | Unset(_) | SetDevices(_) | UnsetDevices(_) | SetStatuses(_))
    }

    /// The first thing that makes no sense, in a sentence.
    pub(super) fn check(&self) -> Result<(), String> {
        let wrong = match self {
            Action::Answer(answer) => answer.fault(),
            Action::Refuse(code) if codes::find(code).is_none() => {
                let codes = codes::list();
                Some(format!(
                    "{code:?} is none of Apple's codes, which are {codes}. For another text use answer with a status \
                     and a body."
                ))
            }
            Action::Redirect(to) if !to.starts_with("http://") && !to.starts_with("https://") => {
                Some("redirect is an http or https URL.".to_owned())
            }
            Action::Redirect(to) => header_fault("Location", to),
            Action::Headers(headers) => headers
                .iter()
                .find_map(|(name, value)| header_fault(name, value.as_deref().unwrap_or_default())),
            Action::ReplaceText(ReplaceText { from, .. }) if from.is_empty() => {
                Some("replace_text needs a text in from.".to_owned())
            }
            Action::DelayMs(pause) if *pause > LONGEST => Some(format!("delay_ms is at most {LONGEST}.")),
            Action::Drip(Drip { bytes, pause_ms }) if *bytes == 0 || *pause_ms > LONGEST => {
                Some(format!("drip has bytes of 1 or more and pause_ms of at most {LONGEST}."))
            }
            _ => None,
        };
        wrong.map_or(Ok(()), Err)
    }
}

impl CannedAnswer {
    fn fault(&self) -> Option<String> {
        if !(200..1000).contains(&self.status) {
            return Some("status is 200 to 999.".to_owned());
        }
        if self.pad_to.is_some_and(|size| size > LARGEST) {
            return Some(format!("pad_to is at most {LARGEST}."));
        }
        self.headers.iter().find_map(|(name, value)| header_fault(name, value))
    }
}

fn header_fault(name: &str, value: &str) -> Option<String> {
    let fits = HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok();
    (!fits).then(|| format!("{name:?} with that value is no HTTP header."))
}
