//! A run's world: Apple, a service on an empty database, a few settings with devices, and what was promised so far.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::dice::Dice;
use super::kill::{Kill, Place};
use crate::Result;
use crate::apple::Apple;
use crate::database::Kind;
use crate::graph::Graph;
use crate::ground::Ground;
use crate::service::{Credentials, Launch, Service};

const SETTINGS: usize = 3;
/// Small pages make many of few devices.
const PAGE: u32 = 50;

/// Fields are dropped in this order: the service first.
pub(super) struct World {
    pub(super) service: Service,
    /// Signed in before the first kill, and used after every one.
    pub(super) graph: Graph,
    pub(super) credentials: Credentials,
    pub(super) settings: Vec<Onboarding>,
    launch: Launch,
    pub(super) apple: Apple,
}

/// A setting, its server at Apple, and what was promised to its client.
pub(super) struct Onboarding {
    pub(super) id: String,
    pub(super) server: String,
    /// Every token issued so far. Each expires at a time of its own, by which it is known in Graph's answers.
    pub(super) issued: Vec<Issued>,
    /// The place in `issued` of the last token whose upload was answered with 204.
    pub(super) answered: Option<usize>,
    /// The places of all tokens that were ever stored: answered with 204, or found stored without an answer.
    pub(super) stored: Vec<usize>,
    /// `lastModifiedDateTime` as last read.
    pub(super) modified: Option<Timestamp>,
    /// Listed at the last comparison and not gone.
    pub(super) listed: BTreeSet<String>,
}

/// A token file.
pub(super) struct Issued {
    pub(super) expires: Timestamp,
    pub(super) file: Vec<u8>,
}

impl World {
    pub(super) fn new(ground: &Ground, kind: Kind, dice: &mut Dice) -> Result<Self> {
        let apple = Apple::start(ground)?;
        let mut portal = apple.portal();
        portal.limit_pages(PAGE)?;
        portal.delay_pages(dice.within(0..20))?;
        // What a killed service held is free again after a second.
        let launch = Launch::new(ground, kind, apple.port, &["--lease", "1s"])?;
        let credentials = launch.add_client()?;
        let service = launch.start()?;
        let mut graph = service.sign_in(&credentials)?;
        let mut settings = Vec::new();
        for number in 0..SETTINGS {
            let id = graph.create(&format!("crash {number}"))?;
            let server = portal.register(&graph.public_key(&id)?)?;
            portal.add_devices(&server, dice.within(100..1500) as usize)?;
            settings.push(Onboarding {
                id,
                server,
                issued: Vec::new(),
                answered: None,
                stored: Vec::new(),
                modified: None,
                listed: BTreeSet::new(),
            });
        }
        Ok(Self { service, graph, credentials, settings, launch, apple })
    }

    /// Where the service's log is.
    pub(super) fn log(&self) -> PathBuf {
        self.launch.log()
    }

    /// The names of the applications, as the command line lists them.
    pub(super) fn list_clients(&self) -> Result<String> {
        self.launch.list_clients()
    }

    /// Starts the service anew, such that it ends at `place` where one is given.
    pub(super) fn restart(&mut self, place: Option<Place>) -> Result {
        self.service.process.kill()?;
        let (service, _) = self.launch.start_with(|command| {
            command.env_remove("ADEPT_FAILPOINT");
            if let Some(place) = place {
                command.env("ADEPT_FAILPOINT", place.name());
            }
        })?;
        self.service = service;
        self.graph = self.graph.over(self.service.connect());
        Ok(())
    }

    /// The service as it has to be for this way to end.
    pub(super) fn prepare(&mut self, kill: Kill) -> Result {
        match kill {
            Kill::After(_) => Ok(()),
            Kill::At(place) => self.restart(Some(place)),
        }
    }
}

impl Onboarding {
    /// The expiry of the next token: a minute after the last one's, so that no two are alike and each is later.
    pub(super) fn next_expiry(&self) -> Timestamp {
        let first = Timestamp::from_second(1_924_992_000).unwrap_or(Timestamp::MAX);
        let last = self.issued.last().map_or(first, |issued| issued.expires);
        last.checked_add(SignedDuration::from_mins(1)).unwrap_or(last)
    }
}
