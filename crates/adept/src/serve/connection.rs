//! One connection: what happens on it, and when that ends it. A client that asks for answers and does not read them, or that
//! keeps a connection and asks nothing, looks alive to TCP and HTTP/2: it answers pings.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::Context,
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::time::{Instant, sleep};

use super::{displaced::Held, limits::Timeouts};
use crate::domain::AddressShare;

/// A connection and what its client does.
pub(super) struct Connection {
    /// Whose it is; none of a trusted proxy's.
    share: Option<AddressShare>,
    ended: AtomicBool,
    /// The task that serves it.
    task: AtomicWaker,
    state: Mutex<State>,
}

struct State {
    has_good_bearer: bool,
    /// The number of the next request.
    next: u64,
    /// The requests that are not answered to their end.
    requests: HashMap<u64, Handed>,
    /// When a request began or ended last.
    active_at: Instant,
}

/// How far an answer was handed over.
#[derive(Default)]
struct Handed {
    begun: Option<Instant>,
    bytes: u64,
    /// Since when the last piece waits for the client.
    waits: Option<Instant>,
}

impl Handed {
    /// Whether the client takes too long for a piece, or for all of them.
    fn is_slow(&self, timeouts: &Timeouts) -> bool {
        let earned = Duration::from_secs(self.bytes / timeouts.reading_rate.max(1));
        let since = |time: Option<Instant>| time.map_or(Duration::ZERO, |time| time.elapsed());
        self.waits.is_some()
            && (since(self.waits) > timeouts.reading || since(self.begun) > timeouts.reading + earned)
    }
}

impl Connection {
    /// A new connection, which ends when its client does not read or does nothing for too long.
    pub(super) fn watched(share: Option<AddressShare>, timeouts: Timeouts) -> Arc<Self> {
        let state =
            State { has_good_bearer: false, next: 0, requests: HashMap::new(), active_at: Instant::now() };
        let connection = Arc::new(Self {
            share,
            ended: AtomicBool::new(false),
            task: AtomicWaker::new(),
            state: Mutex::new(state),
        });
        tokio::spawn(watch(Arc::downgrade(&connection), timeouts));
        connection
    }

    /// Whether it is to end; else the task is woken once it is.
    pub(super) fn has_ended(&self, context: &Context<'_>) -> bool {
        self.task.register(context.waker());
        self.ended.load(Ordering::Acquire)
    }

    /// Ends it, whatever happens on it.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.task.wake();
    }

    /// Notes that a request on it had a good bearer token.
    pub(super) fn has_good_bearer(&self) {
        self.state().has_good_bearer = true;
    }

    /// As the choice of the one to close sees it.
    pub(super) fn held(&self, number: u64) -> Held {
        let state = self.state();
        Held {
            number,
            share: self.share,
            has_good_bearer: state.has_good_bearer,
            is_busy: !state.requests.is_empty(),
            idle: state.active_at.elapsed(),
        }
    }

    /// A request that begins.
    pub(super) fn begin(self: Arc<Self>) -> OpenRequest {
        let number = {
            let mut state = self.state();
            let number = state.next;
            state.next += 1;
            state.requests.insert(number, Handed::default());
            state.active_at = Instant::now();
            number
        };
        OpenRequest { connection: self, number }
    }

    fn overdue(&self, timeouts: &Timeouts) -> bool {
        let state = self.state();
        if state.requests.is_empty() {
            return state.active_at.elapsed() > timeouts.next_request;
        }
        state.requests.values().any(|handed| handed.is_slow(timeouts))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request until the last piece of its answer was taken; dropping it ends it.
pub(super) struct OpenRequest {
    connection: Arc<Connection>,
    number: u64,
}

impl OpenRequest {
    /// A piece of the answer waits for the client from now on.
    pub(super) fn waits(&self, bytes: usize) {
        if let Some(handed) = self.connection.state().requests.get_mut(&self.number) {
            let now = Instant::now();
            handed.begun.get_or_insert(now);
            handed.waits = Some(now);
            handed.bytes += bytes as u64;
        }
    }

    /// The client has taken what was there.
    pub(super) fn was_read(&self) {
        if let Some(handed) = self.connection.state().requests.get_mut(&self.number) {
            handed.waits = None;
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut state = self.connection.state();
        state.requests.remove(&self.number);
        state.active_at = Instant::now();
    }
}

async fn watch(connection: Weak<Connection>, timeouts: Timeouts) {
    loop {
        sleep(timeouts.reading.min(timeouts.next_request) / 4).await;
        let Some(connection) = connection.upgrade() else { return };
        if connection.overdue(&timeouts) {
            return connection.end();
        }
    }
}
