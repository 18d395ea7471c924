//! Assigning devices to servers, changing them and taking them away. Every step is an entry in a server's log.
//! What happens to a device in between is in `life.rs`, its profiles are in `assignments.rs`.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::identity::{self, Identity};
use super::log::Step;
use super::record::Sown;
use super::{Event, ManualFields, Operation, PortalRefused, Position, Record, Serial, World};

impl World {
    /// Makes room for devices to come.
    pub(crate) fn expect_devices(&mut self, uuid: &str, more: u32) -> Result<(), PortalRefused> {
        let server = self.server_position(uuid)?;
        if more > identity::MOST - self.sown {
            let left = identity::MOST - self.sown;
            return Err(PortalRefused::Invalid(format!(
                "Only {left} more devices can be made from the seed."
            )));
        }
        self.servers[server].log.reserve(more as usize);
        self.positions.reserve(more as usize);
        Ok(())
    }

    /// Makes the next `count` devices from the seed and assigns them to a server.
    pub(crate) fn sow_devices(
        &mut self,
        uuid: &str,
        count: u32,
        now: Timestamp,
    ) -> Result<u32, PortalRefused> {
        let server = self.server_position(uuid)?;
        let mut added = 0;
        while added < count {
            let Some((serial, sown)) = self.next_of_the_seed() else { break };
            self.add(server, serial, Some(sown), None, now);
            added += 1;
        }
        Ok(added)
    }

    /// The next device of the seed whose serial number is not taken yet.
    pub(super) fn next_of_the_seed(&mut self) -> Option<(Serial, Sown)> {
        while self.sown < identity::MOST {
            let number = self.sown;
            self.sown += 1;
            let serial = Identity::new(self.seed, number).serial(self.seed);
            if let Some(serial) = serial.filter(|serial| !self.positions.contains_key(serial)) {
                return Some((serial, Sown::new(number)));
            }
        }
        None
    }

    /// Assigns devices described one by one, all or none. Those that come by Apple Configurator may leave again.
    pub(crate) fn give_devices(
        &mut self,
        uuid: &str,
        devices: &[Map<String, Value>],
        by_configurator: bool,
        now: Timestamp,
    ) -> Result<usize, PortalRefused> {
        let server = self.server_position(uuid)?;
        let mut ready: Vec<(Serial, ManualFields)> = Vec::with_capacity(devices.len());
        let mut seen = HashSet::new();
        for device in devices {
            let text = device.get("serial_number").and_then(Value::as_str).unwrap_or_default();
            let serial = self.free_serial(server, text)?;
            if !seen.insert(serial) {
                return Err(PortalRefused::Invalid(format!(
                    "Device {text} is named twice. No device was added."
                )));
            }
            let mut attributes = device.clone();
            attributes.remove("serial_number");
            ready.push((serial, ManualFields::default().changed(&attributes)?));
        }
        let added = ready.len();
        for (serial, manual) in ready {
            self.add(server, serial, None, Some(Arc::new(manual)), now);
            self.life.arrived(serial, by_configurator, now);
        }
        Ok(added)
    }

    /// A serial number that a server may have.
    pub(super) fn free_serial(&self, server: usize, text: &str) -> Result<Serial, PortalRefused> {
        let serial = Serial::new(text).ok_or_else(|| {
            let why = "Each device needs a serial_number of 1 to 23 ASCII letters and digits";
            PortalRefused::Invalid(format!("{why}, not {text:?}. No device was added."))
        })?;
        if let Some(position) = self.positions.get(&serial) {
            let owner = &self.servers[position.server as usize].uuid;
            return Err(PortalRefused::Conflict(format!(
                "Device {text} is assigned to server {owner}. Remove it there first. No device was added."
            )));
        }
        if self.life.has_released(&self.servers[server].org_id, &serial) {
            return Err(PortalRefused::Conflict(format!(
                "The organization released device {text}, which is for good. No device was added."
            )));
        }
        Ok(serial)
    }

    /// Changes attributes of an assigned device; null takes one away.
    pub(crate) fn modify_device(
        &mut self,
        uuid: &str,
        serial: &str,
        change: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<(), PortalRefused> {
        let (_, position) = self.position(uuid, serial)?;
        let mut record = self.record(position).clone();
        let manual = record.manual.as_deref().cloned().unwrap_or_default();
        record.manual = Some(Arc::new(manual.changed(change)?));
        self.append(position, record, Step::Changed, now.as_second());
        Ok(())
    }

    /// Takes a device from its server, as unassigning does.
    pub(crate) fn remove_device(
        &mut self,
        uuid: &str,
        serial: &str,
        now: Timestamp,
    ) -> Result<(), PortalRefused> {
        let (_, position) = self.position(uuid, serial)?;
        self.append(position, self.record(position).clone(), Step::Unassigned, now.as_second());
        Ok(())
    }

    /// The newest entry of a device that is assigned to the server at this position.
    pub(crate) fn device(&self, server: usize, serial: &str) -> Option<&Event> {
        let position = self.position_on(server, &Serial::new(serial)?)?;
        Some(self.servers[server].log.event(position.event))
    }

    /// The devices assigned to a server now, in the order of their newest entry.
    pub(crate) fn devices(
        &self,
        uuid: &str,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<&Event>, PortalRefused> {
        Ok(self.server(uuid)?.log.devices().skip(offset).take(limit).collect())
    }

    /// Puts a device that is nowhere onto a server.
    pub(super) fn add(
        &mut self,
        server: usize,
        serial: Serial,
        sown: Option<Sown>,
        manual: Option<Arc<ManualFields>>,
        now: Timestamp,
    ) {
        let now = self.servers[server].log.time(now.as_second());
        let step = if self.switches.added_silently { Step::AddedSilently } else { Step::Added };
        self.arrive(server, Record::new(serial, sown, manual, now), step, now);
    }

    /// Writes the first entry of a device on a server.
    pub(super) fn arrive(&mut self, server: usize, record: Record, step: Step, now: i64) {
        let serial = record.serial;
        self.sequence += 1;
        let event = self.servers[server].log.append(record, step, now, self.sequence, None);
        self.positions.insert(serial, Position { server: server as u32, event });
    }

    /// Writes a further entry of a device on the server that it is assigned to.
    pub(super) fn append(&mut self, position: Position, record: Record, step: Step, now: i64) {
        let serial = record.serial;
        self.sequence += 1;
        let log = &mut self.servers[position.server as usize].log;
        let event = log.append(record, step, now, self.sequence, Some(position.event));
        if step.operation() == Operation::Deleted {
            self.positions.remove(&serial);
        } else if let Some(position) = self.positions.get_mut(&serial) {
            position.event = event;
        }
    }

    pub(super) fn record(&self, position: Position) -> &Record {
        &self.servers[position.server as usize].log.event(position.event).record
    }

    pub(super) fn position_on(&self, server: usize, serial: &Serial) -> Option<Position> {
        self.positions.get(serial).copied().filter(|position| position.server as usize == server)
    }

    pub(super) fn position(&self, uuid: &str, serial: &str) -> Result<(Serial, Position), PortalRefused> {
        let server = self.server_position(uuid)?;
        let known = Serial::new(serial).and_then(|known| Some((known, self.position_on(server, &known)?)));
        known.ok_or_else(|| PortalRefused::Missing(format!("No device {serial} is assigned to this server.")))
    }
}
