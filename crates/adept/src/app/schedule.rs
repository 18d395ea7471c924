//! When to synchronize: the state says what is due, this process takes as many leases as it has slots, and sleeps
//! until something may be due again.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::SignedDuration;
use tokio::{sync::OwnedSemaphorePermit, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    App, Error,
    lease_watch::LeaseWatch,
    settings::Purged,
    supervise::{supervise, within},
};
use crate::{
    domain::{
        Caller, Origin, SettingId, SyncRun,
        deadline::{LONGEST_REST, Lengths},
    },
    storage::{Claim, Work},
};

/// Another process may make something due, so the state is asked at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long a step of a round may take; there are three, and a round of over a minute counts as stuck.
const ROUND_STEP: Duration = Duration::from_secs(15);

/// What a process knows of the shared profile options that are noted in the database.
#[derive(Default)]
pub(super) struct SharedProfileOptionsSeen {
    /// It noted its own.
    is_noted: bool,
    /// It could not be done, and it said so.
    has_failed: bool,
    /// Others are noted by now, and it said so.
    are_others: bool,
}

impl App {
    /// Synchronizes whatever falls due until `shutdown`; then waits for the runs under way to let go. No failure of ours
    /// ends it before.
    pub async fn run_background(self: Arc<Self>, shutdown: CancellationToken) {
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
                settled = self.storage.settle_devices() => settled,
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
                wait_or_wake(&self, &shutdown).await;
                continue;
            }
            match within(ROUND_STEP, self.claim_free_slots(Work::Sync)).await {
                Ok(claims) => {
                    for (claim, slot) in claims {
                        let app = Arc::clone(&self);
                        let shutdown = shutdown.clone();
                        runs.spawn(async move {
                            app.sync_setting(&claim, &shutdown).await;
                            drop(slot);
                            app.wake_sync.notify_one();
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(cause = error.cause(), "due syncs cannot be claimed now: {error}")
                }
            }
            self.note_shared_profile_options().await;
            match within(ROUND_STEP, self.claim_assignments()).await {
                Ok(claims) => {
                    for (claim, slot) in claims {
                        let app = Arc::clone(&self);
                        let shutdown = shutdown.clone();
                        runs.spawn(async move {
                            app.reconcile_setting(&claim, &shutdown).await;
                            drop(slot);
                            app.wake_sync.notify_one();
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(cause = error.cause(), "nothing can be reconciled now: {error}")
                }
            }
            while let Some(run) = runs.try_join_next() {
                if let Err(error) = run {
                    // Its lease ends by itself, and then the setting is due again.
                    tracing::error!(%error, "a sync or an assignment run failed in an unforeseen way; please report this");
                }
            }
            self.watchdog.round_ended();
            wait_or_wake(&self, &shutdown).await;
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
        let refused = match self.storage.may_write().await {
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

    /// Runs every sync that is due now, to the end. What `run_background` does, at a moment of the caller's choice.
    pub async fn sync_what_is_due(self: &Arc<Self>) -> Result<usize, Error> {
        let claims = self.claim_free_slots(Work::Sync).await?;
        let count = claims.len();
        let mut runs = JoinSet::new();
        for (claim, slot) in claims {
            let app = Arc::clone(self);
            runs.spawn(async move {
                app.sync_setting(&claim, &CancellationToken::new()).await;
                drop(slot);
            });
        }
        while runs.join_next().await.is_some() {}
        Ok(count)
    }

    /// Reconciles every setting that is due now, to the end. What `run_background` does, at a moment of the caller's
    /// choice.
    pub async fn reconcile_what_is_due(self: &Arc<Self>) -> Result<usize, Error> {
        let claims = self.claim_assignments().await?;
        let count = claims.len();
        let mut runs = JoinSet::new();
        for (claim, slot) in claims {
            let app = Arc::clone(self);
            runs.spawn(async move {
                app.reconcile_setting(&claim, &CancellationToken::new()).await;
                drop(slot);
            });
        }
        while runs.join_next().await.is_some() {}
        Ok(count)
    }

    fn free_slots(&self) -> Vec<OwnedSemaphorePermit> {
        let mut slots = Vec::new();
        while slots.len() < 32
            && let Ok(slot) = Arc::clone(&self.sync_slots).try_acquire_owned()
        {
            slots.push(slot);
        }
        slots
    }

    async fn claim_assignments(&self) -> Result<Vec<(Claim, OwnedSemaphorePermit)>, Error> {
        match self.has_shared_profile_options().await? {
            true => self.claim_free_slots(Work::Assignment).await,
            false => Ok(Vec::new()),
        }
    }

    /// Claims as much of what is due as there are free slots for.
    async fn claim_free_slots(&self, work: Work) -> Result<Vec<(Claim, OwnedSemaphorePermit)>, Error> {
        let (now, lengths) = (self.clock.now(), self.lengths());
        let due = self.storage.due_settings(work, now, &lengths).await?;
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
        let claims = self.storage.claim(work, &free[..free.len().min(slots.len())], now, &lengths).await?;
        Ok(claims.into_iter().zip(slots).collect())
    }

    fn lease_watch(&self, work: Work) -> &LeaseWatch {
        match work {
            Work::Sync => &self.sync_leases,
            Work::Assignment => &self.assignment_leases,
        }
    }

    /// How far ahead deadlines of this deployment may lie.
    pub(super) fn lengths(&self) -> Lengths {
        let length = |duration| SignedDuration::try_from(duration).unwrap_or(LONGEST_REST);
        Lengths {
            lease: length(self.options.lease),
            sync_interval: length(self.options.sync_interval),
            full_resync_interval: length(self.options.full_fetch_interval),
        }
    }

    /// Has profiles defined again when the operator has other things told of them than before. Notes it once in the life
    /// of a process: of several with different ones the last that started counts.
    pub async fn note_shared_profile_options(&self) {
        let mut seen = self.shared_profile_options.lock().await;
        if seen.is_noted {
            return;
        }
        let digest = self.shared_options_digest();
        let noted = async { Ok(self.storage.note_shared_profile_options(&digest, self.clock.now()).await?) };
        match within(ROUND_STEP, noted).await {
            Ok(is_other) => {
                seen.is_noted = true;
                if is_other {
                    tracing::info!(
                        "profiles are defined at Apple with the configured enrollment URL and shared profile options"
                    );
                }
            }
            Err(error) if seen.has_failed => tracing::debug!("nor can they be noted now: {error}"),
            Err(error) => {
                seen.has_failed = true;
                tracing::warn!(
                    "the configured enrollment URL and shared profile options cannot be noted now: {error}"
                );
            }
        }
    }

    /// Whether profiles are still to have what this process has Apple told of them; says it once when they are not.
    pub(super) async fn has_shared_profile_options(&self) -> Result<bool, Error> {
        let is_ours = self
            .storage
            .shared_profile_options()
            .await?
            .is_none_or(|noted| noted == self.shared_options_digest());
        let mut seen = self.shared_profile_options.lock().await;
        if !is_ours && !seen.are_others {
            tracing::warn!(
                "a process with another enrollment URL or other shared profile options started later: this one defines, \
                assigns and releases nothing any more, but goes on to synchronize; start it again with the same ones"
            );
        }
        seen.are_others = !is_ours;
        Ok(is_ours)
    }

    async fn purge_and_report(&self) {
        match self.purge_if_due().await {
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

    /// Makes a sync of one of the caller's settings due now. Never refused; requests coalesce, and for a setting without a
    /// token there is nothing to do.
    pub async fn request_sync(&self, origin: &Origin, id: SettingId) -> Result<(), Error> {
        self.make_sync_due(origin, id, "syncWithAppleDeviceEnrollmentProgram", false).await.map(drop)
    }

    /// Makes a sync of a setting due now that ends with a fetch of everything; for the operator, who is told when there is no
    /// token. A wait that Apple asked for is lifted.
    pub async fn request_full_fetch(&self, origin: &Origin, id: SettingId) -> Result<(), Error> {
        let key = self.setting(&origin.caller, id).await?.key();
        self.storage.lift_apple_waits(key).await?;
        match self.make_sync_due(origin, id, "resync DepOnboardingSetting", true).await? {
            true => Ok(()),
            false => Err(Error::Conflict(
                "This setting has no server token yet, so there is nothing to synchronize. Nothing was changed. Upload a \
                 token first."
                    .to_owned(),
            )),
        }
    }

    /// False when the setting has no token.
    async fn make_sync_due(
        &self,
        origin: &Origin,
        id: SettingId,
        activity: &'static str,
        full: bool,
    ) -> Result<bool, Error> {
        let setting = self.setting(&origin.caller, id).await?;
        let event = self.event(Some(origin), activity, "Action", &setting, Vec::new());
        let requested = self.storage.request_sync(setting.key(), full, self.clock.now(), &event).await?;
        let is_due = requested.ok_or(Error::NO_SETTING)?;
        if is_due {
            self.wake_sync.notify_one();
        }
        Ok(is_due)
    }

    /// The latest lines of a setting's sync history, newest first.
    pub async fn sync_runs(&self, caller: &Caller, id: SettingId, limit: u32) -> Result<Vec<SyncRun>, Error> {
        let setting = self.setting(caller, id).await?;
        Ok(self.storage.sync_runs(setting.key(), self.clock.now(), limit.into()).await?)
    }
}

/// Waits until something may be due.
async fn wait_or_wake(app: &App, shutdown: &CancellationToken) {
    tokio::select! {
        () = app.wake_sync.notified() => {}
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
