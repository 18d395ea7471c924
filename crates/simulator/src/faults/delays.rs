//! How long answers wait on each path, apart from any rule.

use std::collections::BTreeMap;

/// Delays in milliseconds of real time.
#[derive(Default)]
pub(crate) struct Delays {
    paths: BTreeMap<String, u64>,
    elsewhere: u64,
}

impl Delays {
    /// Sets the delay of one path, or of every path that has none of its own; 0 takes it away.
    pub(crate) fn set(&mut self, path: Option<String>, milliseconds: u64) {
        match path {
            None => self.elsewhere = milliseconds,
            Some(path) if milliseconds == 0 => drop(self.paths.remove(&path)),
            Some(path) => drop(self.paths.insert(path, milliseconds)),
        }
    }

    /// Milliseconds that an answer on this path waits.
    pub(crate) fn on(&self, path: &str) -> u64 {
        self.paths.get(path).copied().unwrap_or(self.elsewhere)
    }
}
