//! Which device carries which profile: assigning, removing, the throttle per device, and the time that Apple takes
//! after it said `SUCCESS`.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use super::log::Step;
use super::record::ProfileStatus;
use super::scripted::ScriptedCall;
use super::{ProfileId, Serial, World};

/// The protocol version that can say `THROTTLED`; older clients read `FAILED`.
const SAYS_THROTTLED: u32 = 9;

/// What a call says about one device; `None` leaves its serial number out of the answer.
pub(crate) type Status = Option<Cow<'static, str>>;

/// What a call says about every device that it named, in their order.
#[derive(Default)]
pub(crate) struct Statuses<'a> {
    pub(crate) devices: Vec<(&'a str, Status)>,
    /// Seconds to wait before a throttled device is assigned again; the longest of them.
    pub(crate) retry_after: Option<u64>,
}

/// What was promised but is not seen yet.
struct Promise {
    due: i64,
    server: usize,
    serial: Serial,
    /// `None` takes the profile away.
    profile: Option<ProfileId>,
}

/// What assigning remembers besides the devices themselves.
#[derive(Default)]
pub(super) struct Assignments {
    /// In the order in which they were made, which is the order in which they come true.
    promises: VecDeque<Promise>,
    /// When each device was assigned lately. Kept only while there is a throttle.
    recent: HashMap<Serial, VecDeque<i64>>,
}

impl World {
    /// Assigns a profile to devices of the server at this position.
    pub(crate) fn assign_profile<'a>(
        &mut self,
        server: usize,
        profile: ProfileId,
        serials: &[&'a str],
        version: u32,
        now: Timestamp,
    ) -> Statuses<'a> {
        let mut answer = Statuses { devices: Vec::with_capacity(serials.len()), retry_after: None };
        for text in serials {
            let scripted = self.scripted.take(ScriptedCall::Assign, text);
            let wait = scripted.as_ref().and_then(|scripted| scripted.retry_after_seconds);
            let (status, wait) = match (scripted, Serial::new(text)) {
                (Some(scripted), serial) => {
                    if let Some(serial) = serial.filter(|_| scripted.applied) {
                        self.promise(server, serial, Some(profile), now);
                    }
                    (scripted.status.map(Cow::Owned), wait)
                }
                (None, Some(serial)) if self.position_on(server, &serial).is_some() => {
                    match self.throttled(serial, now.as_second()) {
                        Some(wait) => (Some("THROTTLED".into()), Some(wait)),
                        None => {
                            self.promise(server, serial, Some(profile), now);
                            (Some("SUCCESS".into()), None)
                        }
                    }
                }
                (None, _) => (Some("NOT_ACCESSIBLE".into()), None),
            };
            answer.retry_after = answer.retry_after.max(wait);
            let throttled = status.as_deref() == Some("THROTTLED");
            let status = if throttled && version < SAYS_THROTTLED { Some("FAILED".into()) } else { status };
            answer.devices.push((text, status));
        }
        answer
    }

    /// Takes the profiles of devices away.
    pub(crate) fn remove_profiles<'a>(
        &mut self,
        server: usize,
        serials: &[&'a str],
        now: Timestamp,
    ) -> Statuses<'a> {
        self.each(server, ScriptedCall::Remove, serials, |world, serial| {
            world.promise(server, serial, None, now);
        })
    }

    /// Does something to each of the server's devices that is named, unless a scripted status applies.
    pub(super) fn each<'a>(
        &mut self,
        server: usize,
        call: ScriptedCall,
        serials: &[&'a str],
        mut act: impl FnMut(&mut World, Serial),
    ) -> Statuses<'a> {
        let mut devices = Vec::with_capacity(serials.len());
        for text in serials {
            let scripted = self.scripted.take(call, text);
            let serial = Serial::new(text).filter(|serial| self.position_on(server, serial).is_some());
            let applied = scripted.as_ref().is_none_or(|scripted| scripted.applied);
            if let Some(serial) = serial.filter(|_| applied) {
                act(self, serial);
            }
            let status = match (scripted, serial) {
                (Some(scripted), _) => scripted.status.map(Cow::Owned),
                (None, Some(_)) => Some("SUCCESS".into()),
                (None, None) => Some("NOT_ACCESSIBLE".into()),
            };
            devices.push((*text, status));
        }
        Statuses { devices, retry_after: None }
    }

    /// Lets the promises come true that are due, or all of them, and says how many.
    pub(crate) fn keep_promises(&mut self, now: Timestamp, all: bool) -> usize {
        let mut kept = 0;
        while let Some(promise) =
            self.assignments.promises.pop_front_if(|first| all || first.due <= now.as_second())
        {
            let Promise { due, server, serial, profile } = promise;
            self.carry(server, serial, profile, due.min(now.as_second()));
            kept += 1;
        }
        kept
    }

    /// Whether a promise is due.
    pub(crate) fn has_due_promises(&self, now: Timestamp) -> bool {
        self.assignments.promises.front().is_some_and(|first| first.due <= now.as_second())
    }

    /// Assigns or removes now, or later when the switches say so.
    fn promise(&mut self, server: usize, serial: Serial, profile: Option<ProfileId>, now: Timestamp) {
        let lag = i64::from(self.switches.assign_lag_seconds);
        if lag == 0 && !self.switches.hold_assignments && self.assignments.promises.is_empty() {
            return self.carry(server, serial, profile, now.as_second());
        }
        let due = if self.switches.hold_assignments { i64::MAX } else { now.as_second() + lag };
        self.assignments.promises.push_back(Promise { due, server, serial, profile });
    }

    /// Writes the change into the log, if the device is still there.
    fn carry(&mut self, server: usize, serial: Serial, profile: Option<ProfileId>, now: i64) {
        let Some(position) = self.position_on(server, &serial) else { return };
        let now = self.servers[server].log.time(now);
        let before = self.record(position);
        match profile {
            Some(profile) => {
                let record = before.with_profile(profile, now);
                self.append(position, record, Step::ProfileAssigned, now);
                self.profile_used(profile);
            }
            None => {
                let record = before.without_profile(ProfileStatus::Removed);
                self.append(position, record, Step::ProfileRemoved, now);
            }
        }
    }

    /// Seconds that a device must wait for its next assignment; `None` notes the one that is made now.
    fn throttled(&mut self, serial: Serial, now: i64) -> Option<u64> {
        let count = self.switches.assign_throttle_count as usize;
        if count == 0 {
            return None;
        }
        let window = i64::from(self.switches.assign_throttle_seconds);
        let times = self.assignments.recent.entry(serial).or_default();
        times.retain(|time| *time > now - window);
        // The n-th newest decides: when it is out of the window, there is room for one more.
        match times.len().checked_sub(count).and_then(|at| times.get(at)) {
            Some(oldest) => Some((oldest + window - now).max(1).unsigned_abs()),
            None => {
                times.push_back(now);
                None
            }
        }
    }
}
