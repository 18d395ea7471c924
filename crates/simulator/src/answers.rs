//! Scripted answers and delays: what the next calls get instead of, or later than, the true answer.
//! They are for Apple's paths only; the portal side always answers at once and truthfully.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// What to answer the next calls that match.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// Any method when absent.
    pub(crate) method: Option<String>,
    /// Any path when absent; without the query otherwise.
    pub(crate) path: Option<String>,
    /// Calls left that it answers.
    #[serde(default = "once")]
    pub(crate) times: u64,
    /// 200 to 999; needed unless the connection is cut.
    pub(crate) status: Option<u16>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: String,
    /// Close the connection without an answer.
    #[serde(default)]
    pub(crate) cut: bool,
    /// Milliseconds to wait before, on top of a delay of the path.
    #[serde(default)]
    pub(crate) delay_ms: u64,
}

fn once() -> u64 {
    1
}

/// Scripts in the order they were given, and delays by path.
#[derive(Default)]
pub(crate) struct Answers {
    scripts: VecDeque<Script>,
    delays: BTreeMap<String, u64>,
    delay: u64,
}

impl Answers {
    pub(crate) fn add(&mut self, script: Script) {
        self.scripts.push_back(script);
    }

    pub(crate) fn clear(&mut self) {
        self.scripts.clear();
    }

    /// Scripts that still have calls to answer.
    pub(crate) fn waiting(&self) -> &VecDeque<Script> {
        &self.scripts
    }

    /// The first script that matches a call, which it uses up by one.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Script> {
        let matches = |script: &Script| {
            script.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && script.path.as_ref().is_none_or(|wanted| wanted == path)
        };
        let position = self.scripts.iter().position(matches)?;
        let script = self.scripts.get_mut(position)?;
        script.times -= 1;
        if script.times > 0 {
            return Some(script.clone());
        }
        self.scripts.remove(position)
    }

    /// Sets the delay of one path, or of every path that has none of its own; 0 takes it away.
    pub(crate) fn set_delay(&mut self, path: Option<String>, milliseconds: u64) {
        match path {
            None => self.delay = milliseconds,
            Some(path) if milliseconds == 0 => drop(self.delays.remove(&path)),
            Some(path) => drop(self.delays.insert(path, milliseconds)),
        }
    }

    /// Milliseconds that an answer on this path waits.
    pub(crate) fn delay(&self, path: &str) -> u64 {
        self.delays.get(path).copied().unwrap_or(self.delay)
    }
}
