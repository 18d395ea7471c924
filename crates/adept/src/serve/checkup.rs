//! Looks after the database from outside any request: a probe every second, and what scrapes show of tokens and
//! assignment, read when somebody wants it. A report takes less than a
//! second, also when the database never answers.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::app::{
    App, AssignmentStatus, Clock, DatabaseProbe, Health, SchedulerState, TokenHealth, Watchdog,
};

/// Time between two probes.
const EVERY: Duration = Duration::from_secs(1);
/// A probe that is older says nothing any more. One takes a second at most.
const OLDEST_PROBE: Duration = Duration::from_secs(2);
/// How old details may be before they are read again.
const FRESH: Duration = Duration::from_secs(1);
/// How long a report waits for them.
const WAIT: Duration = Duration::from_millis(700);
/// How long reading them may take.
const READING: Duration = Duration::from_secs(10);

/// What is read for scrapes, as it was found last.
#[derive(Clone, Default)]
struct Details {
    tokens: Vec<TokenHealth>,
    assignment: AssignmentStatus,
    at: Option<Instant>,
}

/// How the service stands.
pub struct Report {
    /// Database and tokens.
    pub health: Health,
    /// How assignment stands.
    pub assignment: AssignmentStatus,
    /// How the scheduler is.
    pub scheduler: SchedulerState,
    /// When its last round ended.
    pub last_round: jiff::Timestamp,
    /// How long ago that was.
    pub round_age: Duration,
    /// How old tokens and assignment are; none before they were read.
    pub details_age: Option<Duration>,
}

/// Keeps what is known of the service's standing.
pub struct Checkup {
    watchdog: Arc<Watchdog>,
    clock: Clock,
    probe: watch::Sender<Option<(DatabaseProbe, Instant)>>,
    details: watch::Sender<Details>,
    wanted: Notify,
}

impl Checkup {
    /// Knows nothing yet; [`Checkup::run`] finds it out.
    pub fn new(watchdog: Arc<Watchdog>, clock: Clock) -> Self {
        Self {
            watchdog,
            clock,
            probe: watch::Sender::default(),
            details: watch::Sender::default(),
            wanted: Notify::new(),
        }
    }

    /// Looks until `shutdown`.
    pub async fn run(self: Arc<Self>, app: Arc<App>, shutdown: CancellationToken) {
        tokio::select! {
            () = self.keep_probing(&app) => {}
            () = self.keep_reading(&app) => {}
            () = shutdown.cancelled() => {}
        }
    }

    async fn keep_probing(&self, app: &App) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let found = app.health.probe().await;
            self.probe.send_replace(Some((found, Instant::now())));
        }
    }

    async fn keep_reading(&self, app: &App) {
        loop {
            self.wanted.notified().await;
            let read = async {
                let tokens = app.health.tokens().await?;
                Ok::<_, crate::app::Error>((tokens, app.assignment.status().await))
            };
            let read = timeout(READING, read).await;
            // Those that wait for it go on also after a reading that failed.
            self.details.send_modify(|details| match read {
                Ok(Ok((tokens, assignment))) => {
                    *details = Details { tokens, assignment, at: Some(Instant::now()) };
                }
                Ok(Err(error)) => {
                    tracing::debug!(cause = error.cause(), "the tokens cannot be read now: {error}");
                }
                Err(_) => {}
            });
        }
    }

    /// How the scheduler is.
    pub fn scheduler(&self) -> SchedulerState {
        self.watchdog.state()
    }

    /// How the service stands, within a second.
    pub async fn report(&self) -> Report {
        let (probe, details) = tokio::join!(self.last_probe(), self.last_details());
        let (readable, writable) = match probe {
            Some((probe, at)) if at.elapsed() <= OLDEST_PROBE => (probe.readable, probe.writable),
            _ => {
                let silent = Err("it did not answer the last probe".to_owned());
                (silent.clone(), silent)
            }
        };
        let round_age = self.watchdog.age();
        let now = self.clock.now();
        Report {
            health: Health { readable, writable, tokens: details.tokens },
            assignment: details.assignment,
            scheduler: self.watchdog.state(),
            last_round: now.checked_sub(round_age).unwrap_or(now),
            round_age,
            details_age: details.at.map(|at| at.elapsed()),
        }
    }

    async fn last_probe(&self) -> Option<(DatabaseProbe, Instant)> {
        let mut probes = self.probe.subscribe();
        let found = timeout(WAIT, probes.wait_for(Option::is_some)).await;
        found.ok().and_then(|probe| probe.ok().and_then(|probe| probe.clone()))
    }

    async fn last_details(&self) -> Details {
        let mut details = self.details.subscribe();
        if details.borrow_and_update().at.is_none_or(|at| at.elapsed() >= FRESH) {
            self.wanted.notify_one();
            // What is known from before is better than nothing.
            let _ = timeout(WAIT, details.changed()).await;
        }
        details.borrow().clone()
    }
}
