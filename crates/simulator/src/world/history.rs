//! Everything that ever happened to one device, on whichever server.

use super::{Event, Serial, Server, World};

impl World {
    /// The entries of a device with the servers they are from, oldest first. It looks through every log.
    pub(crate) fn history(&self, serial: &str) -> Vec<(&Server, &Event)> {
        let Some(serial) = Serial::new(serial) else { return Vec::new() };
        let of = |server| move |event| (server, event);
        let mut history: Vec<(&Server, &Event)> = self
            .servers
            .iter()
            .flat_map(|server| server.log.entries(0, usize::MAX).iter().map(of(server)))
            .filter(|(_, event): &(&Server, &Event)| event.record.serial == serial)
            .collect();
        history.sort_unstable_by_key(|(_, event)| event.sequence);
        history
    }
}
