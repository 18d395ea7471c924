//! Assigning devices to servers, changing them and taking them away. Every step is an entry in a server's log.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::identity::{self, Identity};
use super::{Event, Given, Operation, Place, PortalRefused, Record, Serial, World};

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
        self.places.reserve(more as usize);
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
        while added < count && self.sown < identity::MOST {
            let number = self.sown;
            self.sown += 1;
            let serial = Identity::new(self.seed, number).serial(self.seed);
            // A device given by hand may have taken the serial number; then the next one is made instead.
            let Some(serial) = serial.filter(|serial| !self.places.contains_key(serial)) else { continue };
            self.assign(server, serial, Some(number), None, now);
            added += 1;
        }
        Ok(added)
    }

    /// Assigns devices described by hand, all or none.
    pub(crate) fn give_devices(
        &mut self,
        uuid: &str,
        devices: &[Map<String, Value>],
        now: Timestamp,
    ) -> Result<usize, PortalRefused> {
        let server = self.server_position(uuid)?;
        let mut ready: Vec<(Serial, Given)> = Vec::with_capacity(devices.len());
        let mut seen = std::collections::HashSet::new();
        for device in devices {
            let text = device.get("serial_number").and_then(Value::as_str).unwrap_or_default();
            let serial = Serial::new(text).ok_or_else(|| {
                let why = "Each device needs a serial_number of 1 to 23 ASCII letters and digits";
                PortalRefused::Invalid(format!("{why}, not {text:?}. No device was added."))
            })?;
            if let Some(place) = self.places.get(&serial) {
                let owner = &self.servers[place.server as usize].uuid;
                return Err(PortalRefused::Conflict(format!(
                    "Device {text} is assigned to server {owner}. Remove it there first. No device was added."
                )));
            }
            if !seen.insert(serial) {
                return Err(PortalRefused::Invalid(format!(
                    "Device {text} is named twice. No device was added."
                )));
            }
            let mut attributes = device.clone();
            attributes.remove("serial_number");
            ready.push((serial, Given::default().changed(&attributes)?));
        }
        let added = ready.len();
        for (serial, given) in ready {
            self.assign(server, serial, None, Some(Arc::new(given)), now);
        }
        Ok(added)
    }

    /// Changes attributes of an assigned device; null takes one away.
    pub(crate) fn modify_device(
        &mut self,
        uuid: &str,
        serial: &str,
        change: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<(), PortalRefused> {
        let (serial, place) = self.place(uuid, serial)?;
        let log = &mut self.servers[place.server as usize].log;
        let mut record = log.event(place.event).record.clone();
        let given = record.given.as_deref().cloned().unwrap_or_default();
        record.given = Some(Arc::new(given.changed(change)?));
        let event = log.append(record, Operation::Modified, now.as_second(), Some(place.event));
        self.places.insert(serial, Place { event, ..place });
        Ok(())
    }

    /// Takes a device from its server, as unassigning or releasing does.
    pub(crate) fn remove_device(
        &mut self,
        uuid: &str,
        serial: &str,
        now: Timestamp,
    ) -> Result<(), PortalRefused> {
        let (serial, place) = self.place(uuid, serial)?;
        let log = &mut self.servers[place.server as usize].log;
        let record = log.event(place.event).record.clone();
        log.append(record, Operation::Deleted, now.as_second(), Some(place.event));
        self.places.remove(&serial);
        Ok(())
    }

    /// The newest entry of a device that is assigned to the server at this position.
    pub(crate) fn device(&self, server: usize, serial: &str) -> Option<&Event> {
        let place = self.places.get(&Serial::new(serial)?).filter(|place| place.server as usize == server)?;
        Some(self.servers[server].log.event(place.event))
    }

    /// The devices assigned to a server now, in the order of their newest entry.
    pub(crate) fn devices(
        &self,
        uuid: &str,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<&Event>, PortalRefused> {
        let log = &self.server(uuid)?.log;
        let (skipped, rest) = log.snapshot(log.len(), 0, offset);
        drop(skipped);
        Ok(rest.map(|position| log.snapshot(log.len(), position, limit).0).unwrap_or_default())
    }

    fn assign(
        &mut self,
        server: usize,
        serial: Serial,
        sown: Option<u32>,
        given: Option<Arc<Given>>,
        now: Timestamp,
    ) {
        let log = &mut self.servers[server].log;
        let record = Record { serial, sown, assigned_at: log.time(now.as_second()), given };
        let event = log.append(record, Operation::Added, now.as_second(), None);
        self.places.insert(serial, Place { server: server as u32, event });
    }

    fn place(&self, uuid: &str, serial: &str) -> Result<(Serial, Place), PortalRefused> {
        let server = self.server_position(uuid)?;
        let known = Serial::new(serial).and_then(|known| Some((known, *self.places.get(&known)?)));
        known
            .filter(|(_, place)| place.server as usize == server)
            .ok_or_else(|| PortalRefused::Missing(format!("No device {serial} is assigned to this server.")))
    }
}
