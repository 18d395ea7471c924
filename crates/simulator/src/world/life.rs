//! What happens to a device besides profiles: activation, moving, releasing, replacement, leaving, locks.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::log::Step;
use super::record::ProfileStatus;
use super::scripted::ScriptedCall;
use super::{MovedIn, PortalRefused, Position, Profile, Record, Serial, Statuses, World};

/// A device that was added by Apple Configurator may leave for this many seconds: 30 days.
const PROVISIONAL: i64 = 30 * 24 * 3600;

/// What a lock was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) escrow_key: Option<String>,
    pub(crate) lost_message: Option<String>,
}

/// What is true of few devices only. Seconds since 1970 throughout.
#[derive(Default)]
pub(super) struct Life {
    /// The organization that gave a device away for good.
    released: HashMap<Serial, String>,
    /// When the device was added by Apple Configurator.
    by_configurator: HashMap<Serial, i64>,
    /// What a replacement device stands for, and since when.
    replacements: HashMap<Serial, (Serial, i64)>,
    locks: HashMap<Serial, Lock>,
}

impl Life {
    pub(super) fn has_released(&self, org_id: &str, serial: &Serial) -> bool {
        self.released.get(serial).is_some_and(|known| known == org_id)
    }

    pub(super) fn arrived(&mut self, serial: Serial, by_configurator: bool, now: Timestamp) {
        self.released.remove(&serial);
        match by_configurator {
            true => self.by_configurator.insert(serial, now.as_second()),
            false => self.by_configurator.remove(&serial),
        };
    }
}

impl World {
    /// A device starts and fetches its profile: its uuid, and what it says when this server defined it.
    pub(crate) fn activate_device(
        &mut self,
        uuid: &str,
        serial: &str,
        now: Timestamp,
    ) -> Result<(Option<String>, Option<&Profile>), PortalRefused> {
        let (_, position) = self.position(uuid, serial)?;
        let uuid = self.shown_profile(self.record(position)).1;
        if !self.activate(position, now) {
            return Err(PortalRefused::Conflict(format!(
                "Device {serial} has no profile, so it starts without one. Nothing was changed."
            )));
        }
        let profile = uuid.as_deref().and_then(|uuid| self.find_profile(position.server as usize, uuid));
        Ok((uuid, profile.map(|id| self.profile(id))))
    }

    /// Activates every device of a server whose profile is assigned and not pushed, and says how many those are.
    pub(crate) fn activate_all(&mut self, uuid: &str, now: Timestamp) -> Result<usize, PortalRefused> {
        let server = self.server_position(uuid)?;
        let waits = |record: &Record| record.status == ProfileStatus::Assigned;
        let log = &self.servers[server].log;
        let serials: Vec<Serial> = log
            .devices()
            .map(|event| &event.record)
            .filter(|record| waits(record))
            .map(|record| record.serial)
            .collect();
        for serial in &serials {
            if let Some(position) = self.position_on(server, serial) {
                self.activate(position, now);
            }
        }
        Ok(serials.len())
    }

    /// `false` when the device has no profile.
    fn activate(&mut self, position: Position, now: Timestamp) -> bool {
        let mut record = self.record(position).clone();
        let now = self.servers[position.server as usize].log.time(now.as_second());
        record.manual = record.manual_without(&["mdm_migration_deadline"]);
        if let Some(manual) = record.manual.as_ref().filter(|_| record.manual_text("profile_uuid").is_some())
        {
            let time = Timestamp::from_second(now).unwrap_or_default().to_string();
            let pushed = json!({ "profile_status": "pushed", "profile_push_time": time });
            let change = pushed.as_object().cloned().unwrap_or_default();
            record.manual = manual.changed(&change).ok().map(Arc::new);
        } else if record.profile.is_some() {
            record.status = ProfileStatus::Pushed;
            record.profile_pushed_at = now;
        } else {
            return false;
        }
        self.append(position, record, Step::ProfilePushed, now);
        true
    }

    /// Moves a device to another server of the organization, or assigns it to the same one again. Its profile and
    /// its lock do not come along.
    pub(crate) fn move_device(
        &mut self,
        uuid: &str,
        serial: &str,
        to: &str,
        deadline: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), PortalRefused> {
        let (serial, position) = self.position(uuid, serial)?;
        let (from, to) = (position.server as usize, self.server_position(to)?);
        if self.servers[from].org_id != self.servers[to].org_id {
            return Err(PortalRefused::Conflict(
                "The servers belong to different organizations. The device stays where it is.".to_owned(),
            ));
        }
        let now = self.servers[to].log.time(now.as_second());
        let old = self.record(position).clone();
        let mut record = old.without_profile(ProfileStatus::Empty);
        record.manual = record.manual_without(&["mdm_migration_deadline", "device_assigned_date"]);
        record.assigned_at = now;
        if let Some(deadline) = deadline {
            let deadline = Timestamp::from_second(deadline.as_second()).unwrap_or(deadline);
            let change =
                Map::from_iter([("mdm_migration_deadline".to_owned(), Value::from(deadline.to_string()))]);
            record.manual =
                Some(Arc::new(record.manual.as_deref().cloned().unwrap_or_default().changed(&change)?));
        }
        self.life.locks.remove(&serial);
        if from == to {
            self.append(position, record, Step::Reassigned, now);
            return Ok(());
        }
        let out = if self.switches.moved_out_silently { Step::MovedOutSilently } else { Step::MovedOut };
        let into = match self.switches.moved_in_as {
            MovedIn::Added => Step::MovedIn,
            MovedIn::Modified => Step::MovedInAsModified,
        };
        self.append(position, old, out, now);
        self.arrive(to, record, into, now);
        Ok(())
    }

    /// Releases a device from its organization, for good unless Apple Configurator had added it.
    pub(crate) fn release_device(
        &mut self,
        uuid: &str,
        serial: &str,
        now: Timestamp,
    ) -> Result<(), PortalRefused> {
        let (_, position) = self.position(uuid, serial)?;
        self.give_up(position, Step::Released, now);
        Ok(())
    }

    /// Releases devices because a client asked for it.
    pub(crate) fn disown_devices<'a>(
        &mut self,
        server: usize,
        serials: &[&'a str],
        now: Timestamp,
    ) -> Statuses<'a> {
        self.each(server, ScriptedCall::Disown, serials, |world, serial| {
            if let Some(position) = world.position_on(server, &serial) {
                world.give_up(position, Step::Disowned, now);
            }
        })
    }

    fn give_up(&mut self, position: Position, step: Step, now: Timestamp) {
        let record = self.record(position).clone();
        let serial = record.serial;
        self.append(position, record, step, now.as_second());
        self.life.locks.remove(&serial);
        if self.life.by_configurator.remove(&serial).is_none() {
            let org_id = self.servers[position.server as usize].org_id.clone();
            self.life.released.insert(serial, org_id);
        }
    }

    /// The user of a device that Apple Configurator added takes it out again.
    pub(crate) fn leave(&mut self, uuid: &str, serial: &str, now: Timestamp) -> Result<(), PortalRefused> {
        let (known, position) = self.position(uuid, serial)?;
        let until = self.life.by_configurator.get(&known).map(|added| added + PROVISIONAL);
        if until.is_none_or(|until| until <= now.as_second()) {
            return Err(PortalRefused::Conflict(format!(
                "Device {serial} is not within thirty days of being added by Apple Configurator. It stays."
            )));
        }
        self.append(position, self.record(position).clone(), Step::Left, now.as_second());
        self.life.by_configurator.remove(&known);
        self.life.locks.remove(&known);
        Ok(())
    }

    /// Apple sends another device in place of a broken one: a named serial number, or the next of the seed.
    pub(crate) fn replace_device(
        &mut self,
        uuid: &str,
        serial: &str,
        with: Option<&str>,
        now: Timestamp,
    ) -> Result<Serial, PortalRefused> {
        let (original, position) = self.position(uuid, serial)?;
        let server = position.server as usize;
        let (new, sown) = match with {
            Some(text) => (self.free_serial(server, text)?, None),
            None => {
                let (new, sown) = self.next_of_the_seed().ok_or_else(|| {
                    PortalRefused::Conflict("No more devices can be made from the seed.".to_owned())
                })?;
                (new, Some(sown))
            }
        };
        let change = Map::from_iter([("is_replacement_device".to_owned(), Value::Bool(true))]);
        // A manual device looks like the one that it replaces.
        let old = self.record(position).without_profile(ProfileStatus::Empty).manual;
        let manual = if sown.is_none() { old.as_deref().cloned() } else { None }.unwrap_or_default();
        let manual = manual.changed(&change)?;
        self.life.by_configurator.remove(&original);
        self.give_up(position, Step::Replaced, now);
        self.add(server, new, sown, Some(Arc::new(manual)), now);
        self.life.arrived(new, false, now);
        self.life.replacements.insert(new, (original, now.as_second()));
        Ok(new)
    }

    /// The device that one of the server's devices replaces, and since when.
    pub(crate) fn replacement(&self, server: usize, serial: &str) -> Option<(Serial, Timestamp)> {
        let serial = Serial::new(serial)?;
        self.position_on(server, &serial)?;
        let (original, at) = self.life.replacements.get(&serial)?;
        Some((*original, Timestamp::from_second(*at).unwrap_or_default()))
    }

    /// Locks one of the server's devices; `false` when it is locked already.
    pub(crate) fn lock(&mut self, serial: Serial, lock: Lock) -> bool {
        let free = !self.life.locks.contains_key(&serial);
        if free {
            self.life.locks.insert(serial, lock);
        }
        free
    }

    /// Locks or unlocks a device, as its user would.
    pub(crate) fn set_locked(&mut self, uuid: &str, serial: &str, locked: bool) -> Result<(), PortalRefused> {
        let (serial, _) = self.position(uuid, serial)?;
        if locked {
            self.lock(serial, Lock { escrow_key: None, lost_message: None });
        } else {
            self.life.locks.remove(&serial);
        }
        Ok(())
    }

    /// The lock of a device, by any client.
    pub(crate) fn lock_of(&self, serial: &str) -> Option<&Lock> {
        self.life.locks.get(&Serial::new(serial)?)
    }
}

#[cfg(test)]
mod tests;
