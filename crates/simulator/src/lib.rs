//! Apple's device-assignment service (automated device enrollment), simulated, with the portal side that issues
//! server tokens and assigns devices. This crate shares no types with any client, so that one misreading of Apple's
//! documents cannot pass on both sides. It keeps everything in memory and forgets it when it stops.
#![doc = include_str!("../README.md")]

mod apple;
mod clock;
mod connection;
mod faults;
mod handle;
mod p7m;
mod portal;
mod random;
mod requests;
mod scenario;
mod upload;
mod world;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use clock::Clock;
use connection::{Listening, Peer};
pub use handle::{
    ClockState, Fault, FaultState, LoggedRequest, NewOrganization, NewServer, Portal, PortalError,
    PortalExchange, PortalOrganization, PortalProfile, PortalServer, TokenFile,
};
use scenario::Scenario;
use world::{PortalRefused, World};

/// How long `stop` waits for clients that do not read their answers.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// How to run a simulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides every device that is made; equal seeds make equal devices in equal order. 1 by default.
    pub seed: u64,
    /// The base URL that clients sign, when it is not the listener's own (behind a proxy, in a container). By
    /// default the listener's address counts and, on a loopback or wildcard one, `localhost`, `127.0.0.1` and
    /// `[::1]` with its port.
    pub external_url: Option<String>,
    /// Lets other machines use the portal side, `/_sim`. By default only loopback peers may.
    pub remote_portal: bool,
    /// Derives ids, secrets, sessions and cursors from the seed as well: with a stopped clock, the same calls in the
    /// same order get the same answers. Two such simulators are one to a client.
    pub repeatable: bool,
    /// A time to start at with the clock stopped. By default it runs with the machine's.
    pub clock: Option<Timestamp>,
    /// The text of a scenario file to begin with. Where it names seed, repeatability or clock, it wins over these.
    pub scenario: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            seed: 1,
            external_url: None,
            remote_portal: false,
            repeatable: false,
            clock: None,
            scenario: None,
        }
    }
}

/// A running simulator. Dropping it stops it in the background.
pub struct Simulator {
    url: String,
    stop: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Simulator {
    /// Listens on an address (port 0 takes any free one) and answers from then on.
    ///
    /// # Errors
    /// When the address cannot be bound, or with `InvalidInput` when `external_url` is no http or https URL or the
    /// scenario is not understood.
    pub async fn start(listen: SocketAddr, options: Options) -> io::Result<Simulator> {
        let clock = Clock::new(options.clock);
        let start = Start { seed: options.seed, repeatable: options.repeatable, scenario: options.scenario };
        let world = start
            .world(&clock)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let signed_urls = match &options.external_url {
            Some(url) => vec![apple::base_url(url).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, format!("{url:?} is no http or https URL"))
            })?],
            None => own_urls(address),
        };
        let url = own_urls(address).swap_remove(0);
        let (stop, stopping) = watch::channel(false);
        let (finish, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            world: RwLock::new(world),
            clock,
            start,
            signed_urls,
            remote_portal: options.remote_portal,
            stopping: stopping.clone(),
        });
        let service = router(shared).into_make_service_with_connect_info::<Peer>();
        let task = tokio::spawn(async move {
            let server = axum::serve(Listening(listener), service).with_graceful_shutdown(until(stopping));
            if let Err(error) = server.await {
                tracing::error!(%error, "the simulator stopped");
            }
            finish.send_replace(true);
        });
        Ok(Simulator { url, stop, stopped, task })
    }

    /// `http://ip:port`, where this machine reaches it.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The portal side of this simulator, for tests inside this process.
    #[must_use]
    pub fn portal(&self) -> Portal {
        Portal::of(&self.url)
    }

    /// Stops: calls that are waiting get their connection cut, and everything is forgotten.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(STOP_TIMEOUT, self.stopped()).await.is_err() {
            self.task.abort();
        }
    }

    /// Waits until it has stopped, by `stop` or otherwise.
    pub async fn stopped(&self) {
        // An error means that the serving task has ended, which is what is waited for.
        let _ = self.stopped.clone().wait_for(|stopped| *stopped).await;
    }
}

/// What a simulator begins with, and goes back to.
struct Start {
    seed: u64,
    repeatable: bool,
    scenario: Option<String>,
}

impl Start {
    /// The world to begin with; a scenario may also set the clock.
    fn world(&self, clock: &Clock) -> Result<World, PortalRefused> {
        match &self.scenario {
            Some(text) => Scenario::read(text.as_bytes())?.build(self.seed, self.repeatable, clock),
            None => Ok(World::new(self.seed, self.repeatable)),
        }
    }
}

/// What every call can see.
struct Shared {
    world: RwLock<World>,
    clock: Clock,
    start: Start,
    /// The base URLs that a signature may be made for.
    signed_urls: Vec<String>,
    remote_portal: bool,
    stopping: watch::Receiver<bool>,
}

impl Shared {
    #[cfg(test)]
    fn of_a_test() -> Shared {
        Shared {
            world: RwLock::new(World::new(1, true)),
            clock: Clock::new(None),
            start: Start { seed: 1, repeatable: true, scenario: None },
            signed_urls: vec!["http://localhost".to_owned()],
            remote_portal: false,
            stopping: watch::channel(false).1,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets come true what was promised for now or before.
    fn settle(&self, now: jiff::Timestamp) {
        if self.read().has_due_promises(now) {
            self.write().keep_promises(now, false);
        }
    }

    /// Waits; `false` when the simulator stopped meanwhile.
    async fn wait(&self, milliseconds: u64) -> bool {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(milliseconds)) => true,
            () = until(self.stopping.clone()) => false,
        }
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new().nest("/_sim", portal::router(shared.clone())).fallback(apple::answer).with_state(shared)
}

async fn until(mut stopping: watch::Receiver<bool>) {
    // An error means that the `Simulator` was dropped, which stops it as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// The URLs of a listener, the best for this machine first.
fn own_urls(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    let local = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("http://{host}:{port}"));
    let mut urls = match address.ip() {
        ip if !ip.is_unspecified() => vec![format!("http://{address}")],
        IpAddr::V4(_) => vec![format!("http://{}:{port}", Ipv4Addr::LOCALHOST)],
        IpAddr::V6(_) => vec![format!("http://[{}]:{port}", Ipv6Addr::LOCALHOST)],
    };
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        urls.extend(local);
    }
    // A signed URL names no default port.
    urls.iter_mut().for_each(|url| *url = apple::base_url(url).unwrap_or_else(|| std::mem::take(url)));
    let mut seen = std::collections::HashSet::new();
    urls.retain(|url| seen.insert(url.clone()));
    urls
}
