//! What a run works on: Apple, a service on an empty database, a few settings with devices, and what was answered so far.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::desired::DesiredState;
use super::kill::Kill;
use super::proxy::Proxy;
use super::random::Random;
use super::stop::Watched;
use crate::Result;
use crate::apple::Apple;
use crate::database::{self, Kind};
use crate::graph::Credentials;
use crate::graph::Graph;
use crate::machine;
use crate::service::{Launch, Service};
use crate::test_bed::TestBed;

const SETTINGS: usize = 3;
/// The last setting has no profiles and no desired state.
const WITH_PROFILES: usize = 2;
/// The longest time from a start to a fail point that the service reaches by itself.
const LONGEST_WAY: Duration = Duration::from_secs(6);
/// A little less than the lifetime of a bearer token.
const BEARER: SignedDuration = SignedDuration::from_mins(50);
/// The shortest lease.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// Small pages make many of few devices.
const PAGE: u32 = 50;

/// The fields of a line that must not change once the run has ended.
pub(super) type Line = (String, Option<String>);

/// Fields are dropped in this order: the service first.
pub(super) struct World {
    pub(super) service: Service,
    /// Signed in before the first kill, and used after every one.
    pub(super) graph: Graph,
    pub(super) credentials: Credentials,
    pub(super) settings: Vec<Onboarding>,
    pub(super) launch: Launch,
    /// Between the service and PostgreSQL; none on SQLite.
    pub(super) proxy: Option<Proxy>,
    /// Another process on the same PostgreSQL, which is started beside a stopped one.
    replica: Option<Launch>,
    /// What that one has to take over.
    pub(super) watched: Option<Watched>,
    pub(super) apple: Apple,
    /// How far both clocks are ahead of this process's.
    ahead: SignedDuration,
    /// How far they were ahead at the last sign-in.
    signed_in: SignedDuration,
}

/// A setting, its server at Apple, and what was promised to its client.
pub(super) struct Onboarding {
    pub(super) id: String,
    pub(super) server: String,
    /// Every token issued so far. Each expires at a time of its own, by which Graph's answers identify it.
    pub(super) issued: Vec<Issued>,
    /// The place in `issued` of the last token whose upload was answered with 204.
    pub(super) answered: Option<usize>,
    /// The places of all tokens that were ever stored: answered with 204, or found stored without an answer.
    pub(super) stored: Vec<usize>,
    /// `lastModifiedDateTime` as last read.
    pub(super) modified: Option<Timestamp>,
    /// Listed at the last comparison and not gone.
    pub(super) listed: BTreeSet<String>,
    /// None without a desired state.
    pub(super) desired_state: Option<DesiredState>,
    /// The history's lines, by the number of the run.
    pub(super) history: BTreeMap<i64, Line>,
}

/// A token file.
pub(super) struct Issued {
    pub(super) expires: Timestamp,
    pub(super) file: Vec<u8>,
}

impl World {
    pub(super) fn new(bed: &TestBed, kind: Kind, random: &mut Random) -> Result<Self> {
        let apple = Apple::start(bed)?;
        let mut portal = apple.portal();
        portal.limit_pages(PAGE)?;
        portal.delay_pages(random.within(0..20))?;
        // What a killed service held is free again after ten seconds, the shortest lease; a call to Apple may take most of them.
        let flags = ["--lease", "10s", "--mdm-url", "https://mdm.example.org/enroll/{settingId}"];
        let mut launch = Launch::new(bed, kind, apple.port, &flags)?;
        let proxy = match &bed.postgres {
            Some(postgres) if kind == Kind::Postgres => {
                Some(Proxy::start(database::port_of(&postgres.url)?)?)
            }
            _ => None,
        };
        // It does not come by the proxy.
        let replica = proxy.is_some().then(|| launch.replica(bed)).transpose()?;
        let inspection = replica.as_ref().and_then(|replica| replica.inspection(bed));
        if let Some(proxy) = &proxy {
            launch.use_database_port(proxy.port);
        }
        let credentials = launch.add_client()?;
        let service = launch.start()?;
        let mut graph = service.sign_in(&credentials)?;
        let mut settings = Vec::new();
        for number in 0..SETTINGS {
            let id = graph.create(&format!("crash {number}"))?;
            let server = portal.register(&graph.public_key(&id)?)?;
            portal.add_devices(&server, random.within(100..1500) as usize)?;
            let wanting = number < WITH_PROFILES;
            let desired_state =
                wanting.then(|| DesiredState::begin(&mut graph, &mut portal, &id, &server)).transpose()?;
            settings.push(Onboarding {
                id,
                server,
                issued: Vec::new(),
                answered: None,
                stored: Vec::new(),
                modified: None,
                listed: BTreeSet::new(),
                desired_state,
                history: BTreeMap::new(),
            });
        }
        let watched =
            inspection.map(|database| Watched::begin(&mut graph, &mut portal, database)).transpose()?;
        let (ahead, signed_in) = (SignedDuration::ZERO, SignedDuration::ZERO);
        Ok(Self {
            service,
            graph,
            credentials,
            settings,
            launch,
            proxy,
            replica,
            watched,
            apple,
            ahead,
            signed_in,
        })
    }

    /// What starts another process beside a stopped one.
    pub(super) fn replica(&self) -> Option<Replica> {
        self.replica.as_ref().map(|launch| Replica {
            launch: launch.clone(),
            credentials: self.credentials.clone(),
            ahead: self.ahead,
        })
    }

    /// Where the service's log is.
    pub(super) fn log(&self) -> PathBuf {
        self.launch.log()
    }

    /// Keeps what the database holds, for someone to look at.
    pub(super) fn keep_database(&self, bed: &TestBed) -> Result {
        self.launch.keep_database(bed)
    }

    /// The names of the applications, as the command line lists them.
    pub(super) fn list_clients(&self) -> Result<String> {
        self.launch.list_clients()
    }

    /// The time of the service's and Apple's clocks.
    pub(super) fn now(&self) -> Timestamp {
        let now = machine::now();
        now.checked_add(self.ahead).unwrap_or(now)
    }

    /// Lets time pass for Apple, and for the service from its next start on, so that everything that waits is due then.
    pub(super) fn let_pass(&mut self, time: SignedDuration) -> Result {
        self.apple.portal().advance(time.as_secs())?;
        self.ahead += time;
        Ok(())
    }

    /// Starts the service again, and signs in again when the bearer token is too old.
    pub(super) fn restart(&mut self) -> Result {
        self.service.process.kill()?;
        let (service, _) = self.launch.start_with(set(self.ahead, None))?;
        self.take_up(service)
    }

    fn take_up(&mut self, service: Service) -> Result {
        self.service = service;
        if self.ahead - self.signed_in > BEARER {
            return self.sign_in();
        }
        self.graph = self.graph.over(self.service.connect());
        Ok(())
    }

    /// Lets the service start and end itself at a fail point that it reaches by itself; whether it did.
    pub(super) fn end_again(&mut self, kill: Kill) -> Result<bool> {
        self.service.process.kill()?;
        self.launch.start_to_end(set(self.ahead, Some(kill)), LONGEST_WAY)
    }

    /// Signs in again.
    pub(super) fn sign_in(&mut self) -> Result {
        self.graph = self.service.sign_in(&self.credentials)?;
        self.signed_in = self.ahead;
        Ok(())
    }

    /// Starts the service as this kill needs it; false when it has ended there already, before its first answer.
    pub(super) fn prepare(&mut self, kill: Kill) -> Result<bool> {
        if !matches!(kill, Kill::At(..)) {
            return Ok(true);
        }
        self.service.process.kill()?;
        match self.launch.start_or_end(set(self.ahead, Some(kill)))? {
            Some(service) => self.take_up(service).map(|()| true),
            None => Ok(false),
        }
    }
}

/// Tells the program how far its clock is ahead and where it is to end.
fn set(ahead: SignedDuration, kill: Option<Kill>) -> impl Fn(&mut Command) {
    move |command| {
        command.env("ADEPT_CLOCK_AHEAD", ahead.as_secs().to_string()).env_remove("ADEPT_FAILPOINT");
        if let Some(Kill::At(place, time)) = kill {
            command.env("ADEPT_FAILPOINT", format!("{} {time}", place.name()));
        }
    }
}

/// Another process on the same database.
pub(super) struct Replica {
    launch: Launch,
    credentials: Credentials,
    ahead: SignedDuration,
}

impl Replica {
    /// Starts it and signs in to it: its port makes it another issuer.
    pub(super) fn start(&self) -> Result<(Service, Graph)> {
        let (service, _) = self.launch.start_with(set(self.ahead, None))?;
        let graph = service.sign_in(&self.credentials)?;
        Ok((service, graph))
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
