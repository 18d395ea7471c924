//! What was asked lately, and how often. Secrets do not get in here: of a session token or consumer key only the
//! first characters are kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

/// Requests that are kept.
const KEPT: usize = 10_000;
/// Different paths that are counted one by one; any further are counted together.
const COUNTED: usize = 1_000;

/// One call to one of Apple's paths.
pub(crate) struct Request {
    pub(crate) time: Timestamp,
    pub(crate) method: String,
    pub(crate) path: String,
    /// 0 when the connection was cut instead of answered.
    pub(crate) status: u16,
    /// The server whose session or consumer key it carried, where that is known.
    pub(crate) server: Option<Arc<str>>,
    /// The code and the plain sentence of a refusal.
    pub(crate) refusal: Option<(String, String)>,
    pub(crate) protocol_version: u32,
    pub(crate) user_agent: Option<String>,
    /// The session token, masked.
    pub(crate) session: Option<String>,
    /// A fault rule answered, or cut the connection, instead of Apple.
    pub(crate) scripted: bool,
    /// The fault rule that acted.
    pub(crate) fault: Option<u64>,
}

/// The last requests and the counts.
#[derive(Default)]
pub(crate) struct Requests {
    last: VecDeque<Request>,
    counts: BTreeMap<String, u64>,
}

impl Requests {
    pub(crate) fn record(&mut self, request: Request) {
        let name = format!("{} {}", request.method, request.path);
        match self.counts.get_mut(&name) {
            Some(count) => *count += 1,
            None => {
                let name = if self.counts.len() < COUNTED { name } else { "others".to_owned() };
                *self.counts.entry(name).or_default() += 1;
            }
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(request);
    }

    /// Forgets requests and counts.
    pub(crate) fn clear(&mut self) {
        self.last.clear();
        self.counts.clear();
    }

    pub(crate) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// The last requests, oldest first.
    pub(crate) fn list(&self) -> Vec<Value> {
        self.last.iter().map(Request::to_json).collect()
    }
}

impl Request {
    fn to_json(&self) -> Value {
        let (code, reason) = self.refusal.as_ref().map(|(code, reason)| (code, reason)).unzip();
        json!({
            "time": self.time.to_string(),
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "server_uuid": self.server.as_deref(),
            "code": code,
            "reason": reason,
            "protocol_version": self.protocol_version,
            "user_agent": self.user_agent,
            "session": self.session,
            "scripted": self.scripted,
            "fault": self.fault,
        })
    }
}

/// The first characters of a secret, enough to distinguish two.
pub(crate) fn masked(secret: &str) -> String {
    format!("{}…", secret.chars().take(6).collect::<String>())
}
