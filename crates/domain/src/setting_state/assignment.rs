//! When desired and actual state are compared, under which desired state, and what a run of that changes.

use jiff::Timestamp;

use super::{AppleFault, SettingState, lease::Observed};
use crate::{
    TokenState,
    deadline::{LONGEST_REST, Lengths, is_over},
};

/// What a run showed of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignmentFinding {
    /// Nothing new.
    Nothing,
    /// A fault, whatever a sync finds meanwhile.
    Fault(AppleFault),
    /// Apple did what was asked.
    Accepted,
    /// Nothing is left to ask Apple for; a sync finds out how the token stands.
    NothingAsked,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssignmentEnd {
    /// What it showed of the token.
    pub finding: AssignmentFinding,
    /// The desired generation under which all devices were looked at; none when they were not, or have to be again.
    pub scanned_generation: Option<i64>,
    /// When the next run is due, unless something changed meanwhile.
    pub next_due: Option<Timestamp>,
    /// When the next sync is due at the latest; none leaves it.
    pub sync_by: Option<Timestamp>,
    /// The requests that it answers.
    pub seen_requests: i64,
    /// When it ended.
    pub now: Timestamp,
}

impl SettingState {
    /// Whether a run is due at `now`, and Apple accepts the token as far as syncs find. A sync that is due goes first.
    pub fn is_assignment_due(&self, now: Timestamp, lengths: &Lengths) -> bool {
        let is_accepted =
            self.token.state == TokenState::Ok || self.assignment.fault == Some(self.token.state);
        is_accepted
            && !self.is_sync_due(now, lengths)
            && self.assignment.due_at.is_some_and(|due| is_over(due, now, LONGEST_REST))
    }

    /// A process begins a run, if one is due and nobody works on the setting; false otherwise.
    pub fn on_assignment_started(&mut self, now: Timestamp, lengths: &Lengths, observed: Observed) -> bool {
        let may = self.deleted_at.is_none()
            && self.is_assignment_due(now, lengths)
            && self.lease.is_free(now, lengths.lease, observed);
        if may {
            self.take_lease(now, lengths);
        }
        may
    }

    /// A run ended.
    pub fn on_assignment_ended(&mut self, end: &AssignmentEnd) {
        self.lease.until = None;
        match end.finding {
            AssignmentFinding::Nothing => {}
            AssignmentFinding::Fault(fault) => {
                let state = self.on_fault(fault, end.now);
                self.token.state = state;
                self.assignment.fault = Some(state);
                self.assignment.failures += 1;
            }
            AssignmentFinding::Accepted => {
                if self.assignment.fault == Some(self.token.state) {
                    self.token.state = TokenState::Ok;
                }
                self.token.checked_at = Some(end.now);
                self.assignment.forget_fault();
            }
            AssignmentFinding::NothingAsked => {
                self.assignment.forget_fault();
            }
        }
        if end.scanned_generation == Some(self.assignment.desired_generation) {
            self.assignment.scan_all = false;
        }
        if self.assignment.requests == end.seen_requests {
            self.assignment.due_at = end.next_due;
        }
        if let (Some(due), Some(by)) = (self.sync.due_at, end.sync_by) {
            self.sync.due_at = Some(due.min(by));
        }
    }

    /// Something else is desired of its devices; with `scan_all`, of any of them.
    pub fn on_desired(&mut self, now: Timestamp, scan_all: bool) {
        self.assignment.desired_generation += 1;
        self.on_devices_changed(now, scan_all);
    }

    /// Devices changed, or what is known of profiles at Apple; with `scan_all`, any device may have to be looked at.
    pub fn on_devices_changed(&mut self, now: Timestamp, scan_all: bool) {
        self.assignment.scan_all |= scan_all;
        self.make_assignment_due(now);
    }

    fn make_assignment_due(&mut self, now: Timestamp) {
        self.assignment.requests += 1;
        self.assignment.due_at = Some(now);
    }

    /// What a fault put off is tried again.
    pub(super) fn retry_assignment(&mut self, now: Timestamp) {
        if self.assignment.fault.is_some() {
            self.make_assignment_due(now);
        }
    }
}
