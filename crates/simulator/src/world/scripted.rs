//! What the next calls say about single devices, regardless of the truth.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// The calls that answer with a status for each device.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScriptedCall {
    /// `/profile/devices`, and the devices named in a `/profile`.
    Assign,
    Remove,
    Disown,
    Details,
    /// `/device/activationlock`
    Lock,
}

/// A status for one device.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scripted {
    pub(crate) serial_number: String,
    pub(crate) call: ScriptedCall,
    /// What the client reads; null leaves the device out of the answer.
    pub(crate) status: Option<String>,
    /// Calls left that it is for; 1 or more.
    #[serde(default = "once")]
    pub(crate) times: u64,
    /// Do what was asked nevertheless.
    #[serde(default)]
    pub(crate) applied: bool,
    /// Sent along by an assignment.
    #[serde(default)]
    pub(crate) retry_after_seconds: Option<u64>,
}

fn once() -> u64 {
    1
}

impl Scripted {
    /// The first thing that makes no sense, in a sentence.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.times == 0 { Err("times is 1 or more.".to_owned()) } else { Ok(()) }
    }
}

/// All of them, by serial number and then in the order they were added.
#[derive(Default)]
pub(crate) struct ScriptedStatuses {
    waiting: BTreeMap<String, VecDeque<Scripted>>,
}

impl ScriptedStatuses {
    pub(crate) fn add(&mut self, scripted: Scripted) {
        self.waiting.entry(scripted.serial_number.clone()).or_default().push_back(scripted);
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Scripted> {
        self.waiting.values().flatten()
    }

    /// The first that is for this call and device, which it uses up by one.
    pub(crate) fn take(&mut self, call: ScriptedCall, serial: &str) -> Option<Scripted> {
        let queue = self.waiting.get_mut(serial)?;
        let position = queue.iter().position(|scripted| scripted.call == call)?;
        let scripted = queue.get_mut(position)?;
        scripted.times = scripted.times.saturating_sub(1);
        if scripted.times > 0 {
            return Some(scripted.clone());
        }
        let taken = queue.remove(position);
        if queue.is_empty() {
            self.waiting.remove(serial);
        }
        taken
    }
}
