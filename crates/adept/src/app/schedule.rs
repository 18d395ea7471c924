//! When to synchronize: the state says what is due, this process takes as many leases as it has slots, and sleeps
//! until something may be due again.

use std::{
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

/// Between a wake and the round that it causes: wakes that come together cause one.
const GATHER: Duration = Duration::from_millis(5);

/// How long a step of a round may take; there are three, and a round of over a minute counts as stuck.
const ROUND_STEP: Duration = Duration::from_secs(15);

/// Finds what is due, takes leases and starts runs.
pub struct Scheduler {
    pub(super) sync: Arc<SyncRunner>,
    pub(super) assignment: Arc<AssignmentRunner>,
    pub(super) purge: Arc<Purge>,
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
        let purges =
            supervise("the purge", LOOK_AGAIN, || Arc::clone(&self).purge_at_times(shutdown.clone()));
        let analyses =
            supervise("the analysis", LOOK_AGAIN, || Arc::clone(&self).settle_at_times(shutdown.clone()));
        tokio::join!(rounds, purges, analyses);
    }

    async fn purge_at_times(self: Arc<Self>, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = self.purge_and_report() => {}
                () = shutdown.cancelled() => return,
            }
            pause(LOOK_AGAIN, &shutdown).await;
        }
    }

    async fn settle_at_times(self: Arc<Self>, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let settled = tokio::select! {
                settled = self.devices.settle() => settled,
                () = shutdown.cancelled() => return,
            };
            if let Err(error) = settled {
                tracing::warn!("ANALYZE of the devices table failed; list queries may be slow: {error}");
            }
            pause(LOOK_AGAIN, &shutdown).await;
        }
    }

    async fn schedule(self: Arc<Self>, shutdown: CancellationToken) {
        let mut runs = JoinSet::new();
        while !shutdown.is_cancelled() {
            if !self.schema_lets_write().await {
                self.watchdog.round_ended();
                wait_or_wake(&self.wake, &shutdown).await;
                continue;
            }
            match within(ROUND_STEP, self.claim_free_slots(Work::Sync)).await {
                Ok(claims) => self.start(Work::Sync, claims, &mut runs, &shutdown),
                Err(error) => {
                    tracing::warn!(cause = error.cause(), "due syncs cannot be claimed now: {error}")
                }
            }
            self.shared.note().await;
            match within(ROUND_STEP, self.claim_assignments()).await {
                Ok(claims) => self.start(Work::Assignment, claims, &mut runs, &shutdown),
                Err(error) => {
                    tracing::warn!(cause = error.cause(), "nothing can be assigned now: {error}")
                }
            }
            while let Some(run) = runs.try_join_next() {
                if let Err(error) = run {
                    // Its lease ends by itself, and then the setting is due again.
                    tracing::error!(%error, "a sync or an assignment run failed in an unforeseen way; please report this");
                }
            }
            self.watchdog.round_ended();
            wait_or_wake(&self.wake, &shutdown).await;
        }
        while runs.join_next().await.is_some() {}
    }

    /// Whether a newer program made the schema such that this one may not write: nothing is claimed then.
    pub fn schema_refused(&self) -> bool {
        self.schema_refused.load(Ordering::Relaxed)
    }

    /// Reads with every round of the schedule whether this program may still write, and reports it once when it may not.
    /// A database that does not answer changes nothing of what is known.
    async fn schema_lets_write(&self) -> bool {
        let refused = match self.deployment.may_write().await {
            Ok(may_write) => !may_write,
            Err(error) => {
                tracing::debug!("whether this version may still write cannot be read now: {error}");
                self.schema_refused()
            }
        };
        if refused && !self.schema_refused.swap(refused, Ordering::Relaxed) {
            tracing::error!(
                "a newer version of Adept migrated the database beyond what this version may write: it claims nothing any \
                 more. Replace it with the newer version"
            );
        }
        self.schema_refused.store(refused, Ordering::Relaxed);
        !refused
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
        let claims = self.claim_free_slots(Work::Sync).await?;
        Ok(self.run_to_the_end(Work::Sync, claims).await)
    }

    /// Assigns for every setting that is due now, to the end. What `run` does, at a moment of the caller's choice.
    pub async fn assign_what_is_due(&self) -> Result<usize, Error> {
        let claims = self.claim_assignments().await?;
        Ok(self.run_to_the_end(Work::Assignment, claims).await)
    }

    async fn run_to_the_end(&self, work: Work, claims: Vec<(Claim, OwnedSemaphorePermit)>) -> usize {
        let (count, mut runs) = (claims.len(), JoinSet::new());
        self.start(work, claims, &mut runs, &CancellationToken::new());
        while runs.join_next().await.is_some() {}
        count
    }

    fn free_slots(&self) -> Vec<OwnedSemaphorePermit> {
        let mut slots = Vec::new();
        while slots.len() < 32
            && let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned()
        {
            slots.push(slot);
        }
        slots
    }

    async fn claim_assignments(&self) -> Result<Vec<(Claim, OwnedSemaphorePermit)>, Error> {
        match self.shared.are_ours().await? {
            true => self.claim_free_slots(Work::Assignment).await,
            false => Ok(Vec::new()),
        }
    }

    /// Claims as much of what is due as there are free slots for.
    async fn claim_free_slots(&self, work: Work) -> Result<Vec<(Claim, OwnedSemaphorePermit)>, Error> {
        let (now, lengths) = (self.clock.now(), self.lengths);
        let due = self.leases.due_settings(work, now, &lengths).await?;
        let observed = self.lease_watch(work).observe(&due, self.clock.elapsed());
        let free: Vec<_> = due
            .iter()
            .zip(observed)
            .filter(|(due, (_, observed))| due.lease.is_free(now, lengths.lease, *observed))
            .map(|(_, free)| free)
            .collect();
        let slots = if free.is_empty() { Vec::new() } else { self.free_slots() };
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let claims = self.leases.claim(work, &free[..free.len().min(slots.len())], now, &lengths).await?;
        Ok(claims.into_iter().zip(slots).collect())
    }

    fn lease_watch(&self, work: Work) -> &LeaseWatch {
        match work {
            Work::Sync => &self.sync_leases,
            Work::Assignment => &self.assignment_leases,
        }
    }

    async fn purge_and_report(&self) {
        match self.purge.if_due().await {
            Ok(None) => {}
            Ok(Some(purged)) if purged == Purged::default() => {}
            Ok(Some(Purged { settings, devices, device_events, sync_runs, created_requests })) => {
                tracing::info!(
                    settings,
                    devices,
                    device_events,
                    sync_runs,
                    created_requests,
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

async fn pause(length: Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(length) => {}
        () = shutdown.cancelled() => {}
    }
}
