//! A small pool of connections that are never trusted blindly. What comes back unclean is made clean or closed; what was
//! idle for a while is tried before it is lent; nobody waits for a connection longer than a limit.
//!
//! sqlx's own pool asks the server twice around every statement, returns connections whose `BEGIN` was cancelled, and
//! waits without a limit for a server that went silent.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    time::{Instant, timeout, timeout_at},
};

use super::fair_semaphore::{FairSemaphore, Permit};
use crate::Error;

/// A connection that was idle this long is tried before it is lent.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long such a trial may take.
const TRIAL: Duration = Duration::from_secs(1);
/// How long making a connection clean may take.
const RECOVERY: Duration = Duration::from_secs(5);
/// A connection is replaced at this age, so that none keeps a server's memory forever.
const OLDEST: Duration = Duration::from_secs(30 * 60);

/// One connection to one of the two databases.
pub trait Link: Sized + Send + 'static {
    /// How to open one.
    type Options: Send + Sync + 'static;

    /// Opens one.
    fn open(options: &Self::Options) -> impl Future<Output = Result<Self, Error>> + Send;

    /// Whether it still answers.
    fn answers(&mut self) -> impl Future<Output = bool> + Send;

    /// Ends what is still running on it, as far as the database allows that.
    fn interrupt(&mut self);

    /// Rolls back what is open; none when the connection cannot be used again.
    fn recover(self, busy: bool) -> impl Future<Output = Option<Self>> + Send;

    /// Takes leave of the database.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// What is known of a lent connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing runs and no transaction is open.
    Clean,
    /// A transaction is open; nothing runs.
    Open,
    /// A statement was sent and its answer not yet read.
    Busy,
    /// It is of no further use.
    Broken,
}

struct Idle<L> {
    link: L,
    opened: Instant,
    since: Instant,
}

struct Shared<L: Link> {
    options: L::Options,
    permits: Arc<FairSemaphore>,
    idle: Mutex<Vec<Idle<L>>>,
    wait: Duration,
    oldest: Option<Duration>,
    /// The last commit, in milliseconds since `opened`; 0 for none.
    committed: AtomicU64,
    opened: Instant,
}

/// A number of connections at most, opened when they are needed. Clones share them.
pub struct Pool<L: Link>(Arc<Shared<L>>);

impl<L: Link> Clone for Pool<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A connection on loan. Dropping it returns or closes it.
pub struct Lent<L: Link> {
    link: Option<L>,
    opened: Instant,
    state: State,
    pool: Pool<L>,
    permit: Option<Permit>,
}

impl<L: Link> Pool<L> {
    /// A pool of `size` connections, each waited for no longer than `wait`. With `ages` none is kept longer than half
    /// an hour.
    pub fn new(options: L::Options, size: u32, wait: Duration, ages: bool) -> Self {
        Self(Arc::new(Shared {
            options,
            permits: Arc::new(FairSemaphore::new(size as usize)),
            idle: Mutex::new(Vec::new()),
            wait,
            oldest: ages.then_some(OLDEST),
            committed: AtomicU64::new(0),
            opened: Instant::now(),
        }))
    }

    /// Whether a transaction on one of its connections was made durable within the last `time`.
    pub fn has_committed_within(&self, time: Duration) -> bool {
        let last = self.0.committed.load(Ordering::Relaxed);
        last > 0 && self.0.opened.elapsed() < Duration::from_millis(last) + time
    }

    /// Lends a connection; an error when none can be had in time.
    pub async fn lend(&self) -> Result<Lent<L>, Error> {
        let end = Instant::now() + self.0.wait;
        let lent = timeout_at(end, async {
            let permit = self.0.permits.take().await;
            let permit = permit.ok_or_else(|| Error::Unavailable("it is being closed".to_owned()))?;
            let (link, opened) = match self.idle_link().await {
                Some(found) => found,
                None => (L::open(&self.0.options).await?, Instant::now()),
            };
            Ok(Lent {
                link: Some(link),
                opened,
                state: State::Clean,
                pool: self.clone(),
                permit: Some(permit),
            })
        });
        lent.await.unwrap_or_else(|_| {
            if self.0.permits.serves_the_same_tenant() {
                return Err(Error::ShareTaken);
            }
            let text = format!("no connection was to be had within {} s", self.0.wait.as_secs_f64());
            Err(Error::Unavailable(text))
        })
    }

    async fn idle_link(&self) -> Option<(L, Instant)> {
        while let Some(Idle { mut link, opened, since }) = self.pop() {
            if self.0.oldest.is_some_and(|oldest| opened.elapsed() > oldest) {
                tokio::spawn(timeout(TRIAL, link.close()));
                continue;
            }
            if since.elapsed() < TRUSTED || timeout(TRIAL, link.answers()).await == Ok(true) {
                return Some((link, opened));
            }
            // What took this one away took the others that waited as long.
            self.clear();
        }
        None
    }

    fn pop(&self) -> Option<Idle<L>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn push(&self, link: L, opened: Instant) {
        let idle = Idle { link, opened, since: Instant::now() };
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
    }

    /// Closes what is idle, without taking leave.
    pub fn clear(&self) {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Lends none from now on, waits until every connection is back, and closes all.
    pub async fn close(&self) {
        self.0.permits.close().await;
        while let Some(idle) = self.pop() {
            idle.link.close().await;
        }
    }
}

impl<L: Link> Lent<L> {
    /// A transaction on it was made durable.
    pub fn note_commit(&self) {
        let shared = &self.pool.0;
        let now = shared.opened.elapsed().as_millis() as u64;
        shared.committed.fetch_max(now.max(1), Ordering::Relaxed);
    }

    /// The connection and what is known of it; an error when it was closed.
    pub fn parts(&mut self) -> Result<(&mut L, &mut State), Error> {
        match &mut self.link {
            Some(link) if self.state != State::Broken => Ok((link, &mut self.state)),
            _ => Err(Error::Unavailable("the connection was closed after an error".to_owned())),
        }
    }
}

impl<L: Link> Drop for Lent<L> {
    fn drop(&mut self) {
        let Some(mut link) = self.link.take() else { return };
        match self.state {
            State::Clean => self.pool.push(link, self.opened),
            State::Broken => {}
            State::Open | State::Busy => {
                let Ok(runtime) = Handle::try_current() else { return };
                link.interrupt();
                let busy = self.state == State::Busy;
                let (pool, opened, permit) = (self.pool.clone(), self.opened, self.permit.take());
                runtime.spawn(async move {
                    if let Ok(Some(link)) = timeout(RECOVERY, link.recover(busy)).await {
                        pool.push(link, opened);
                    }
                    drop(permit);
                });
            }
        }
    }
}

/// Runs one statement. Until it has ended the connection counts as busy, so that a caller who gives up leaves no
/// connection behind in a state that nobody knows. Over `limit` it is given up.
pub async fn watched<T>(
    state: &mut State,
    limit: Option<Duration>,
    after: State,
    statement: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, sqlx::Error> {
    let before = std::mem::replace(state, State::Busy);
    let ended = match limit {
        None => statement.await,
        Some(limit) => match timeout(limit, statement).await {
            Ok(ended) => ended,
            Err(_) => {
                *state = State::Broken;
                let text = format!("the database did not answer within {} s", limit.as_secs_f64());
                return Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, text)));
            }
        },
    };
    *state = match &ended {
        Ok(_) => after,
        Err(error) if super::failure::spoils_connection(error) => State::Broken,
        Err(_) => before,
    };
    ended
}
