//! The places of a listener: how many connections are open, and how a new one gets a place when all are taken.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    connection::Connection,
    displaced::{Held, displaced},
    forwarded::TrustedProxies,
    limits::Timeouts,
};
use crate::domain::AddressShare;

/// Full places are told of this often at most.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The open connections of a listener.
pub(super) struct Connections {
    room: usize,
    proxies: TrustedProxies,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    open: HashMap<u64, Arc<Connection>>,
    next: u64,
    /// When it was told last that they are full, and how many were closed since.
    told: Option<Instant>,
    closed: u64,
}

/// A connection's place; dropping it makes room.
pub(super) struct ConnectionPlace {
    connections: Arc<Connections>,
    number: u64,
    /// The connection.
    pub(super) connection: Arc<Connection>,
}

impl Connections {
    /// Places for `room` connections. Those of `proxies` speak for many and count for nobody.
    pub(super) fn new(room: usize, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { room, proxies, table: Mutex::default() })
    }

    /// A place for a connection from `peer`, if need be that of another, which is closed. None when there is none.
    pub(super) fn place(self: &Arc<Self>, peer: IpAddr, timeouts: Timeouts) -> Option<ConnectionPlace> {
        let share = (!self.proxies.trusts(peer)).then(|| AddressShare::of(peer));
        let mut table = self.table();
        if table.open.len() >= self.room {
            table.tell(self.room);
            let held: Vec<Held> = table.open.iter().map(|(number, open)| open.held(*number)).collect();
            table.open.remove(&displaced(&held, share)?)?.end();
        }
        let connection = Connection::watched(share, timeouts);
        let number = table.next;
        table.next += 1;
        table.open.insert(number, Arc::clone(&connection));
        Some(ConnectionPlace { connections: Arc::clone(self), number, connection })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Says that one has to go, but no line for each: who opens connections would fill the log.
    fn tell(&mut self, room: usize) {
        self.closed += 1;
        if self.told.is_none_or(|told| told.elapsed() > TELL_EVERY) {
            let closed = std::mem::take(&mut self.closed);
            tracing::warn!(
                room,
                closed,
                "all connections are taken: for each new one the idlest of the address that holds most is closed"
            );
            self.told = Some(Instant::now());
        }
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.connections.table().open.remove(&self.number);
    }
}
