//! Pages that mislead a client: cursors that do not move, pages that come twice or empty.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::ApiCall;
use crate::faults::Action;
use crate::world::World;

/// The request that a page answers.
pub(super) struct PageRequest<'a> {
    pub(super) world: &'a World,
    pub(super) call: &'a ApiCall,
    /// The position of the requesting server.
    pub(super) server: usize,
    pub(super) now: Timestamp,
}

/// Changes a page; any other answer stays as it is.
pub(super) fn change(request: &PageRequest<'_>, action: &Action, answer: &mut Map<String, Value>) {
    if !answer.contains_key("cursor") {
        return;
    }
    match action {
        Action::SameCursor => {
            let sent = request.sent_cursor();
            stay(answer, sent.clone().or_else(|| request.cursor_again(sent.as_deref())));
        }
        Action::DuplicatePage => stay(answer, request.cursor_again(request.sent_cursor().as_deref())),
        Action::EmptyPage => {
            answer.insert("devices".to_owned(), Value::Array(Vec::new()));
            stay(answer, request.cursor_again(request.sent_cursor().as_deref()));
        }
        Action::InsertDevices(first) => {
            if let Some(Value::Array(devices)) = answer.get_mut("devices") {
                devices.splice(..0, first.iter().cloned());
            }
        }
        Action::RepeatDevices(count) => {
            if let Some(Value::Array(devices)) = answer.get_mut("devices") {
                devices.extend_from_within(devices.len().saturating_sub(*count)..);
            }
        }
        _ => {}
    }
}

/// More follows, at this cursor.
fn stay(answer: &mut Map<String, Value>, cursor: Option<String>) {
    if let Some(cursor) = cursor {
        answer.insert("cursor".to_owned(), cursor.into());
    }
    answer.insert("more_to_follow".to_owned(), true.into());
}

impl PageRequest<'_> {
    /// The cursor that the call was made with.
    fn sent_cursor(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.call.body).ok()?;
        body["cursor"].as_str().filter(|cursor| !cursor.is_empty()).map(str::to_owned)
    }

    /// Another cursor to the same page.
    fn cursor_again(&self, sent: Option<&str>) -> Option<String> {
        self.world.cursor_again(self.server, sent, self.now).ok()
    }
}
