//! Scripted answers, the short form of `/_sim/answers`: a rule that answers, or cuts, the next calls that match.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rule::{Match, Wanted};
use super::{Action, CannedAnswer, Disconnect};

/// What to answer the next calls that match.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// Any method when absent.
    method: Option<String>,
    /// Any path when absent; without the query otherwise.
    path: Option<String>,
    /// Calls left that it answers.
    #[serde(default = "once")]
    times: u64,
    /// 200 to 999; needed unless the connection is cut.
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    /// Close the connection without an answer.
    #[serde(default)]
    cut: bool,
    /// Milliseconds to wait before, on top of a delay of the path.
    #[serde(default)]
    delay_ms: u64,
}

fn once() -> u64 {
    1
}

impl Script {
    /// The first thing that makes no sense, in a sentence.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.status.is_none() && !self.cut {
            return Err("Give a status, or \"cut\": true.".to_owned());
        }
        self.wanted().check()
    }

    /// What is left of it after it answered so many calls.
    pub(super) fn after(&self, answered: u64) -> Script {
        Script { times: self.times.saturating_sub(answered), ..self.clone() }
    }

    /// The same as a rule.
    pub(super) fn wanted(&self) -> Wanted {
        let act = match self.cut {
            true => Action::Disconnect(Disconnect::default()),
            false => Action::Answer(CannedAnswer {
                status: self.status.unwrap_or(200),
                headers: self.headers.clone(),
                body: self.body.clone(),
                ..CannedAnswer::default()
            }),
        };
        Wanted {
            on: Match { method: self.method.clone(), path: self.path.clone(), ..Match::default() },
            times: Some(self.times),
            actions: vec![Action::DelayMs(self.delay_ms), act],
            ..Wanted::default()
        }
    }
}
