//! A fault rule in the making. Which actions there are is in `README.md`.

use serde_json::{Map, Value, json};

/// Which calls, how often, and what happens to them: `Fault::refuse("T_C_NOT_SIGNED").on("/session").times(3)`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    on: Map<String, Value>,
    times: Option<u64>,
    actions: Vec<Value>,
}

impl Fault {
    /// A rule that does `action`, an object or a name as in `README.md`, to the next call.
    pub fn new(action: impl Into<Value>) -> Self {
        Self { on: Map::new(), times: Some(1), actions: vec![action.into()] }
    }

    /// Answers in Apple's place; the call has no effect.
    pub fn answer(status: u16, body: &str) -> Self {
        Self::new(json!({ "answer": { "status": status, "body": body } }))
    }

    /// Refuses with one of Apple's codes.
    pub fn refuse(code: &str) -> Self {
        Self::new(json!({ "refuse": code }))
    }

    /// Holds the call before it takes effect, until it is released.
    pub fn hold_before() -> Self {
        Self::new(json!({ "hold": "before" }))
    }

    /// Holds the answer after the call took effect, until it is released.
    pub fn hold_after() -> Self {
        Self::new(json!({ "hold": "after" }))
    }

    /// Closes the connection without a byte; with `applied` the call takes effect and its answer is lost.
    pub fn disconnect(applied: bool) -> Self {
        Self::new(json!({ "disconnect": { "applied": applied } }))
    }

    /// A further action on the same calls.
    pub fn and(mut self, action: impl Into<Value>) -> Self {
        self.actions.push(action.into());
        self
    }

    /// Only calls to this path: `/account`, `/profile*` for a beginning, `!/session` for every other.
    pub fn on(self, path: &str) -> Self {
        self.matching("path", path)
    }

    /// Only calls with this method.
    pub fn method(self, method: &str) -> Self {
        self.matching("method", method)
    }

    /// Only calls of this server.
    pub fn server(self, server_uuid: &str) -> Self {
        self.matching("server", server_uuid)
    }

    /// Only calls whose body contains this text.
    pub fn body_contains(self, text: &str) -> Self {
        self.matching("body_contains", text)
    }

    /// From the so many-th matching call on, counted from 1.
    pub fn from_nth(self, nth: u64) -> Self {
        self.matching("nth", nth)
    }

    /// Acts on so many calls instead of one.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Acts until it is removed.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn matching(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.on.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "match": self.on, "times": self.times, "do": self.actions })
    }
}
