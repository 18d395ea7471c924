//! When to synchronize: the state says what is due, this process takes as many leases as it has slots, and sleeps
//! until something may be due again.

use std::{
    iter,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    Clock, Error,
    assignment::AssignmentRunner,
    erasures::Erasures,
    lease_watch::LeaseWatch,
    purge::{Purge, Purged},
    shared_profile_options::SharedOptions,
    supervise::{Watchdog, supervise, within},
    sync::SyncRunner,
};
use crate::{
    domain::deadline::Lengths,
    storage::{self, Claim, Work},
};

/// Another process may make something due, so the state is asked at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often what was erased is looked after: all that was erased meanwhile at once, and well within a minute.
const SCRUB_AGAIN: Duration = Duration::from_secs(20);

/// Between a wake and the round that it causes: wakes that come together cause one.
const GATHER: Duration = Duration::from_millis(5);

/// Settings that are claimed at once at most.
const CLAIMED_AT_ONCE: usize = 32;

/// How long a step of a round may take; there are three, and a round of over a minute counts as stuck.
const ROUND_STEP: Duration = Duration::from_secs(15);

/// Finds what is due, takes leases and starts runs.
pub struct Scheduler {
    pub(super) sync: Arc<SyncRunner>,
    pub(super) assignment: Arc<AssignmentRunner>,
    pub(super) purge: Arc<Purge>,
    pub(super) erasures: Arc<Erasures>,
    pub(super) shared: Arc<SharedOptions>,
    pub(super) leases: storage::Leases,
    pub(super) devices: storage::Devices,
    pub(super) deployment: storage::Deployment,
    pub(super) clock: Clock,
    pub(super) lengths: Lengths,
    /// Settings whose waits for Apple overlap in this process.
    pub(super) slots: Arc<Semaphore>,
    pub(super) wake: Arc<Notify>,
    pub(super) sync_leases: LeaseWatch,
    pub(super) assignment_leases: LeaseWatch,
    pub(super) watchdog: Arc<Watchdog>,
    /// A newer program made the schema such that this one may not write.
    pub(super) schema_refused: AtomicBool,
}

impl Scheduler {
    /// Synchronizes whatever falls due until `shutdown`; then waits for the runs under way to let go. No failure of ours
    /// ends it before.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let rounds = supervise("the scheduler", LOOK_AGAIN, || Arc::clone(&self).schedule(shutdown.clone()));
        // Both take their time, and no round waits for them.
        let purges = supervise("the purge", LOOK_AGAIN, || {
            let (scheduler, shutdown) = (Arc::clone(&self), shutdown.clone());
            async move { repeat(LOOK_AGAIN, &shutdown, || scheduler.purge_and_report()).await }
        });
        let analyses = supervise("the analysis", LOOK_AGAIN, || {
            let (scheduler, shutdown) = (Arc::clone(&self), shutdown.clone());
            async move { repeat(LOOK_AGAIN, &shutdown, || scheduler.analyze_and_report()).await }
        });
        let scrubs = supervise("the scrubbing", LOOK_AGAIN, || {
            let (scheduler, shutdown) = (Arc::clone(&self), shutdown.clone());
            async move { repeat(SCRUB_AGAIN, &shutdown, || scheduler.erasures.scrub_and_report()).await }
        });
        tokio::join!(rounds, purges, analyses, scrubs);
    }

    async fn schedule(self: Arc<Self>, shutdown: CancellationToken) {
        let mut runs = JoinSet::new();
        while !shutdown.is_cancelled() {
            if self.schema_lets_write().await {
                self.start_what_is_due(Work::Sync, &mut runs, &shutdown).await;
                self.shared.note().await;
                self.start_what_is_due(Work::Assignment, &mut runs, &shutdown).await;
                while let Some(run) = runs.try_join_next() {
                    if let Err(error) = run {
                        // Its lease ends by itself, and then the setting is due again.
                        tracing::error!(%error, "a sync or an assignment run failed in an unforeseen way; please report this");
                    }
                }
            }
            self.watchdog.round_ended();
            wait_or_wake(&self.wake, &shutdown).await;
        }
        while runs.join_next().await.is_some() {}
    }

    async fn start_what_is_due(&self, work: Work, runs: &mut JoinSet<()>, shutdown: &CancellationToken) {
        match within(ROUND_STEP, self.claim(work)).await {
            Ok(claims) => self.start(work, claims, runs, shutdown),
            Err(error) => {
                tracing::warn!(?work, cause = error.cause(), "what is due cannot be claimed now: {error}");
            }
        }
    }

    /// Whether a newer program made the schema such that this one may not write: nothing is claimed then.
    pub fn schema_refused(&self) -> bool {
        self.schema_refused.load(Ordering::Relaxed)
    }

    /// Reads with every round of the schedule whether this program may still write, and reports it once when it may not.
    /// A database that does not answer changes nothing of what is known.
    async fn schema_lets_write(&self) -> bool {
        match self.deployment.may_write().await {
            Ok(may_write) => {
                let was_refused = self.schema_refused.swap(!may_write, Ordering::Relaxed);
                if !may_write && !was_refused {
                    tracing::error!(
                        "a newer version of Adept migrated the database beyond what this version may write: it claims \
                         nothing any more. Replace it with the newer version"
                    );
                }
            }
            Err(error) => tracing::debug!("whether this version may still write cannot be read now: {error}"),
        }
        !self.schema_refused()
    }

    /// Starts a run of each claim, which holds its slot to the end.
    fn start(
        &self,
        work: Work,
        claims: Vec<(Claim, OwnedSemaphorePermit)>,
        runs: &mut JoinSet<()>,
        shutdown: &CancellationToken,
    ) {
        for (claim, slot) in claims {
            let (sync, assignment) = (Arc::clone(&self.sync), Arc::clone(&self.assignment));
            let (wake, shutdown) = (Arc::clone(&self.wake), shutdown.clone());
            runs.spawn(async move {
                match work {
                    Work::Sync => sync.sync_setting(&claim, &shutdown).await,
                    Work::Assignment => assignment.run(&claim, &shutdown).await,
                }
                drop(slot);
                wake.notify_one();
            });
        }
    }

    /// Runs every sync that is due now, to the end. What `run` does, at a moment of the caller's choice.
    pub async fn sync_what_is_due(&self) -> Result<usize, Error> {
        self.run_what_is_due(Work::Sync).await
    }

    /// Assigns for every setting that is due now, to the end. What `run` does, at a moment of the caller's choice.
    pub async fn assign_what_is_due(&self) -> Result<usize, Error> {
        self.run_what_is_due(Work::Assignment).await
    }

    async fn run_what_is_due(&self, work: Work) -> Result<usize, Error> {
        let claims = self.claim(work).await?;
        let (count, mut runs) = (claims.len(), JoinSet::new());
        self.start(work, claims, &mut runs, &CancellationToken::new());
        while runs.join_next().await.is_some() {}
        Ok(count)
    }

    /// Claims as much of what is due as there are free slots for; no assignments while others' shared options count.
    async fn claim(&self, work: Work) -> Result<Vec<(Claim, OwnedSemaphorePermit)>, Error> {
        let seen = match work {
            Work::Sync => &self.sync_leases,
            Work::Assignment if !self.shared.are_ours().await? => return Ok(Vec::new()),
            Work::Assignment => &self.assignment_leases,
        };
        let (now, lengths) = (self.clock.now(), self.lengths);
        let due = self.leases.due_settings(work, now, &lengths).await?;
        let observed = seen.observe(&due, self.clock.elapsed());
        let free: Vec<_> = due
            .iter()
            .zip(observed)
            .filter(|(due, (_, observed))| due.lease.is_free(now, lengths.lease, *observed))
            .map(|(_, free)| free)
            .collect();
        let slots: Vec<_> = iter::from_fn(|| Arc::clone(&self.slots).try_acquire_owned().ok())
            .take(free.len().min(CLAIMED_AT_ONCE))
            .collect();
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let claims = self.leases.claim(work, &free[..slots.len()], now, &lengths).await?;
        Ok(claims.into_iter().zip(slots).collect())
    }

    async fn analyze_and_report(&self) {
        if let Err(error) = self.devices.settle().await {
            tracing::warn!("ANALYZE of the devices table failed; list queries may be slow: {error}");
        }
    }

    async fn purge_and_report(&self) {
        match self.purge.if_due().await {
            Ok(None) => {}
            Ok(Some(purged)) if purged == Purged::default() => {}
            Ok(Some(Purged {
                settings,
                devices,
                device_events,
                sync_runs,
                created_requests,
                failed_opens,
            })) => {
                tracing::info!(
                    settings,
                    devices,
                    device_events,
                    sync_runs,
                    created_requests,
                    failed_opens,
                    "what was kept long enough was removed for good"
                );
            }
            Err(error) => tracing::warn!(cause = error.cause(), "the purge has to wait: {error}"),
        }
    }
}

/// Waits until something may be due.
async fn wait_or_wake(wake: &Notify, shutdown: &CancellationToken) {
    tokio::select! {
        () = async { wake.notified().await; tokio::time::sleep(GATHER).await } => {}
        () = tokio::time::sleep(LOOK_AGAIN) => {}
        () = shutdown.cancelled() => {}
    }
}

/// Does it again and again until `shutdown`, which breaks it off.
async fn repeat<F: Future<Output = ()>>(pause: Duration, shutdown: &CancellationToken, work: impl Fn() -> F) {
    let repeated = async {
        loop {
            work().await;
            tokio::time::sleep(pause).await;
        }
    };
    shutdown.run_until_cancelled(repeated).await;
}
