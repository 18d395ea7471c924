//! The change log of one server, which is also its list of devices and its whole history.
//!
//! Every entry holds the device as it was afterwards and knows which later entry replaced it. The devices at any
//! earlier moment are the entries before it that nothing before it replaced: a snapshot is a number, and a page of
//! it is a walk along the log. Nothing is ever copied for a snapshot.

use super::record::Record;

const NEVER: u32 = u32::MAX;

/// What happened to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Added,
    Modified,
    Deleted,
}

impl Operation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Operation::Added => "added",
            Operation::Modified => "modified",
            Operation::Deleted => "deleted",
        }
    }
}

/// One entry.
pub(crate) struct Event {
    pub(crate) record: Record,
    /// Seconds since 1970; never less than that of the entry before.
    pub(crate) at: i64,
    replaced_by: u32,
    pub(crate) operation: Operation,
}

/// All entries, oldest first.
#[derive(Default)]
pub(crate) struct Log {
    events: Vec<Event>,
    assigned: usize,
}

impl Log {
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Devices assigned now.
    pub(super) fn assigned(&self) -> usize {
        self.assigned
    }

    pub(super) fn reserve(&mut self, more: usize) {
        self.events.reserve_exact(more);
    }

    pub(super) fn event(&self, position: u32) -> &Event {
        &self.events[position as usize]
    }

    /// The time of an entry written at `now`: clocks may go back, the log does not.
    pub(super) fn time(&self, now: i64) -> i64 {
        self.events.last().map_or(now, |last| last.at.max(now))
    }

    /// Appends an entry that replaces an earlier one of the same device, and returns its position.
    pub(super) fn append(
        &mut self,
        record: Record,
        operation: Operation,
        now: i64,
        replaces: Option<u32>,
    ) -> u32 {
        let position = self.events.len() as u32;
        let at = self.time(now);
        if let Some(earlier) = replaces {
            self.events[earlier as usize].replaced_by = position;
        }
        match operation {
            Operation::Added => self.assigned += 1,
            Operation::Modified => {}
            Operation::Deleted => self.assigned -= 1,
        }
        self.events.push(Event { record, at, replaced_by: NEVER, operation });
        position
    }

    /// Up to `limit` devices of the snapshot taken when the log had `snapshot` entries, from `position` on, and the
    /// position of the first that did not fit.
    pub(super) fn snapshot(
        &self,
        snapshot: usize,
        position: usize,
        limit: usize,
    ) -> (Vec<&Event>, Option<usize>) {
        let snapshot = snapshot.min(self.events.len());
        let mut page = Vec::with_capacity(limit.min(1000));
        for at in position.min(snapshot)..snapshot {
            let event = &self.events[at];
            if event.operation == Operation::Deleted || (event.replaced_by as usize) < snapshot {
                continue;
            }
            if page.len() == limit {
                return (page, Some(at));
            }
            page.push(event);
        }
        (page, None)
    }

    /// Up to `limit` entries from `position` on.
    pub(super) fn entries(&self, position: usize, limit: usize) -> &[Event] {
        let start = position.min(self.events.len());
        &self.events[start..self.events.len().min(start.saturating_add(limit))]
    }
}
