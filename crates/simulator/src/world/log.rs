//! The change log of one server, which is also its list of devices and its whole history.
//!
//! Every entry holds the device as it was afterwards and knows which later entry replaced it. The devices at any
//! earlier moment are the entries before it that nothing before it replaced: a snapshot is a number, and a page of
//! it is a walk along the log. Nothing is ever copied for a snapshot.

use super::record::Record;

const NEVER: u32 = u32::MAX;

/// What sync says that happened to a device.
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

/// What really happened to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Added,
    /// As `Added`, but sync never says so.
    AddedSilently,
    MovedIn,
    /// As `MovedIn`, but sync says `modified`, as Apple's often does.
    MovedInAsModified,
    Changed,
    /// Assigned once more to the server that it is on.
    Reassigned,
    ProfileAssigned,
    ProfilePushed,
    ProfileRemoved,
    Unassigned,
    MovedOut,
    /// As `MovedOut`, but sync never says so.
    MovedOutSilently,
    Released,
    Disowned,
    Replaced,
    /// Left within its provisional period.
    Left,
}

impl Step {
    pub(crate) fn operation(self) -> Operation {
        match self {
            Step::Added | Step::AddedSilently | Step::MovedIn => Operation::Added,
            Step::MovedInAsModified
            | Step::Changed
            | Step::Reassigned
            | Step::ProfileAssigned
            | Step::ProfilePushed
            | Step::ProfileRemoved => Operation::Modified,
            Step::Unassigned
            | Step::MovedOut
            | Step::MovedOutSilently
            | Step::Released
            | Step::Disowned
            | Step::Replaced
            | Step::Left => Operation::Deleted,
        }
    }

    /// The name in the portal's history.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Step::Added | Step::AddedSilently => "added",
            Step::MovedIn | Step::MovedInAsModified => "moved_in",
            Step::Changed => "changed",
            Step::Reassigned => "reassigned",
            Step::ProfileAssigned => "profile_assigned",
            Step::ProfilePushed => "profile_pushed",
            Step::ProfileRemoved => "profile_removed",
            Step::Unassigned => "unassigned",
            Step::MovedOut | Step::MovedOutSilently => "moved_out",
            Step::Released => "released",
            Step::Disowned => "disowned",
            Step::Replaced => "replaced",
            Step::Left => "left",
        }
    }

    fn arrives(self) -> bool {
        matches!(self, Step::Added | Step::AddedSilently | Step::MovedIn | Step::MovedInAsModified)
    }
}

/// One entry.
pub(crate) struct Event {
    pub(crate) record: Record,
    /// Seconds since 1970; never less than that of the entry before.
    pub(crate) at: i64,
    replaced_by: u32,
    /// Counts the entries of all servers together.
    pub(crate) sequence: u32,
    pub(crate) step: Step,
}

impl Event {
    pub(crate) fn operation(&self) -> Operation {
        self.step.operation()
    }

    /// Whether sync reports it.
    pub(crate) fn is_told(&self) -> bool {
        !matches!(self.step, Step::AddedSilently | Step::MovedOutSilently)
    }
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
        step: Step,
        now: i64,
        sequence: u32,
        replaces: Option<u32>,
    ) -> u32 {
        let position = self.events.len() as u32;
        let at = self.time(now);
        if let Some(earlier) = replaces {
            self.events[earlier as usize].replaced_by = position;
        }
        if step.arrives() {
            self.assigned += 1;
        }
        if step.operation() == Operation::Deleted {
            self.assigned -= 1;
        }
        self.events.push(Event { record, at, replaced_by: NEVER, sequence, step });
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
            if event.operation() == Operation::Deleted || (event.replaced_by as usize) < snapshot {
                continue;
            }
            if page.len() == limit {
                return (page, Some(at));
            }
            page.push(event);
        }
        (page, None)
    }

    /// The devices assigned now, oldest entry first.
    pub(super) fn devices(&self) -> impl Iterator<Item = &Event> {
        let stays = |event: &&Event| event.replaced_by == NEVER && event.operation() != Operation::Deleted;
        self.events.iter().filter(stays)
    }

    /// Up to `limit` entries from `position` on.
    pub(super) fn entries(&self, position: usize, limit: usize) -> &[Event] {
        let start = position.min(self.events.len());
        &self.events[start..self.events.len().min(start.saturating_add(limit))]
    }
}
