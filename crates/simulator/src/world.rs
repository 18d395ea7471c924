//! Everything the simulator knows, as plain data. Methods take the time as an argument and do no I/O, so a test or
//! a movable clock decides what time it is. HTTP, status codes and error bodies are not known here.

mod accounts;
mod assignments;
mod catalog;
mod cursors;
mod devices;
mod history;
mod identity;
mod life;
mod log;
mod nonces;
mod organization;
mod profiles;
mod record;
mod scripted;
mod server;
mod sessions;
mod switches;
mod throttle;
mod tokens;

use std::collections::{BTreeMap, HashMap, HashSet};

use aws_lc_rs::hmac;

pub(crate) use assignments::Statuses;
pub(crate) use catalog::Radio;
pub(crate) use cursors::{CursorRefused, Page};
pub(crate) use identity::Identity;
pub(crate) use life::Lock;
pub(crate) use log::{Event, Operation, Step};
pub(crate) use organization::{Organization, OrganizationType, OrganizationVersion};
pub(crate) use profiles::{Profile, ProfileId};
pub(crate) use record::{ManualFields, ProfileStatus, Record, Serial};
pub(crate) use scripted::{Scripted, ScriptedCall};
pub(crate) use server::{Discovery, Server};
pub(crate) use sessions::{Admitted, SessionRefused};
pub(crate) use switches::{
    BetaTokensKey, DeletedRecords, DisownRefusal, ErrorBodies, MovedIn, OldFetchCursor, RetryAfter,
    SignatureClock, Switches, UnknownDevice, UnknownProfile, UserAgentChecks,
};
pub(crate) use tokens::TokenRefused;

use self::assignments::Assignments;
use self::life::Life;
use self::nonces::Nonces;
use self::profiles::Profiles;
use self::scripted::ScriptedStatuses;
use self::sessions::Sessions;
use self::throttle::Throttle;
use crate::faults::{Delays, Faults};
use crate::random::Source;
use crate::requests::Requests;

/// Why the portal side cannot do what it was asked. The text is the portal's answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortalRefused {
    /// Nothing has this id.
    #[error("{0}")]
    Missing(String),
    /// The request contradicts what there is.
    #[error("{0}")]
    Conflict(String),
    /// The request is wrong in itself.
    #[error("{0}")]
    Invalid(String),
}

/// The whole state of one simulator.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) switches: Switches,
    pub(crate) faults: Faults,
    pub(crate) delays: Delays,
    pub(crate) requests: Requests,
    pub(crate) scripted: ScriptedStatuses,
    /// Where ids and secrets come from.
    random: Source,
    organizations: BTreeMap<String, Organization>,
    /// Servers are never removed, so a position names one for the life of the world.
    servers: Vec<Server>,
    server_positions: HashMap<String, usize>,
    /// Which server and which of its Apple accounts a consumer key stands for.
    consumers: HashMap<String, Consumer>,
    /// E-mail addresses of Apple accounts that were taken away.
    revoked_accounts: HashSet<String>,
    sessions: Sessions,
    nonces: Nonces,
    throttle: Throttle,
    /// Where each assigned device is.
    positions: HashMap<Serial, Position>,
    profiles: Profiles,
    assignments: Assignments,
    life: Life,
    /// Entries written so far in the logs of all servers.
    sequence: u32,
    /// Devices made from the seed so far; the next one gets this number.
    sown: u32,
    cursor_key: hmac::Key,
}

#[derive(Clone, Copy)]
struct Consumer {
    server: usize,
    account: usize,
}

/// The newest event of a device, as a position in the log of the server it is assigned to.
#[derive(Clone, Copy)]
struct Position {
    server: u32,
    event: u32,
}

impl World {
    /// Devices follow the seed; ids and secrets do so only when they are to be repeatable.
    pub(crate) fn new(seed: u64, repeatable: bool) -> World {
        let mut random = if repeatable { Source::seeded(seed) } else { Source::System };
        let cursor_key = hmac::Key::new(hmac::HMAC_SHA256, &random.bytes::<32>("cursors"));
        World {
            seed,
            switches: Switches::default(),
            faults: Faults::new(seed),
            delays: Delays::default(),
            requests: Requests::default(),
            scripted: ScriptedStatuses::default(),
            organizations: BTreeMap::new(),
            servers: Vec::new(),
            server_positions: HashMap::new(),
            consumers: HashMap::new(),
            revoked_accounts: HashSet::new(),
            sessions: Sessions::default(),
            nonces: Nonces::default(),
            throttle: Throttle::default(),
            positions: HashMap::new(),
            profiles: Profiles::default(),
            assignments: Assignments::default(),
            life: Life::default(),
            sequence: 0,
            sown: 0,
            cursor_key,
            random,
        }
    }

    /// The server with this position and its organization; `None` only after a reset.
    pub(crate) fn server_and_organization(&self, position: usize) -> Option<(&Server, &Organization)> {
        let server = self.servers.get(position)?;
        Some((server, self.organizations.get(&server.org_id)?))
    }

    /// The position of the server with this `server_uuid`; dashes and case do not matter.
    pub(crate) fn server_position(&self, uuid: &str) -> Result<usize, PortalRefused> {
        let normal = uuid.replace('-', "").to_ascii_uppercase();
        let missing = || PortalRefused::Missing(format!("No server has the server_uuid {uuid}."));
        self.server_positions.get(&normal).copied().ok_or_else(missing)
    }

    pub(crate) fn server(&self, uuid: &str) -> Result<&Server, PortalRefused> {
        Ok(&self.servers[self.server_position(uuid)?])
    }

    pub(crate) fn servers(&self) -> &[Server] {
        &self.servers
    }

    pub(crate) fn organizations(&self) -> impl Iterator<Item = &Organization> {
        self.organizations.values()
    }
}
