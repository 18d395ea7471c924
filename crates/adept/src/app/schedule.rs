//! When to synchronize: the state says what is due, this process takes as many leases as it has slots, and sleeps
//! until something may be due again.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::OwnedSemaphorePermit, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{App, Error, settings::Purged, supervise::supervise};
use crate::{
    domain::{Caller, Origin, SettingId, SyncRun},
    storage::{AssignmentClaim, Claim},
};

/// Another process may make something due, so the state is asked at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often what was deleted long ago is looked for.
const PURGE_EVERY: SignedDuration = SignedDuration::from_hours(1);

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
        supervise("the schedule of syncs", LOOK_AGAIN, || Arc::clone(&self).schedule(shutdown.clone())).await;
    }

    async fn schedule(self: Arc<Self>, shutdown: CancellationToken) {
        let mut runs = JoinSet::new();
        let mut purge_at = self.clock.now();
        while !shutdown.is_cancelled() {
            match self.claim_free_slots().await {
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
            match self.claim_assignments().await {
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
            purge_at = self.purge_when_due(purge_at).await;
            tokio::select! {
                () = self.wake_sync.notified() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = shutdown.cancelled() => {}
            }
        }
        while runs.join_next().await.is_some() {}
    }

    /// Runs every sync that is due now, to the end. What `run_background` does, at a moment of the caller's choice.
    pub async fn sync_what_is_due(self: &Arc<Self>) -> Result<usize, Error> {
        let claims = self.claim_free_slots().await?;
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

    async fn claim_assignments(&self) -> Result<Vec<(AssignmentClaim, OwnedSemaphorePermit)>, Error> {
        let now = self.clock.now();
        let due = self.storage.next_assignment_due().await?;
        if due.is_none_or(|due| due > now) || !self.has_shared_profile_options().await? {
            return Ok(Vec::new());
        }
        let slots = self.free_slots();
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let claims = self.storage.claim_due_assignments(now, self.lease_end(), slots.len() as i64).await?;
        Ok(claims.into_iter().zip(slots).collect())
    }

    async fn claim_free_slots(&self) -> Result<Vec<(Claim, OwnedSemaphorePermit)>, Error> {
        let now = self.clock.now();
        let due = self.storage.next_sync_due().await?;
        let slots = if due.is_some_and(|due| due <= now) { self.free_slots() } else { Vec::new() };
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let claims = self.storage.claim_due_syncs(now, self.lease_end(), slots.len() as i64).await?;
        Ok(claims.into_iter().zip(slots).collect())
    }

    /// Has profiles defined again when the operator has other things told of them than before. Notes it once in the life
    /// of a process: of several with different ones the last that started counts.
    pub async fn note_shared_profile_options(&self) {
        let mut seen = self.shared_profile_options.lock().await;
        if seen.is_noted {
            return;
        }
        match self.storage.note_shared_profile_options(&self.shared_options_digest(), self.clock.now()).await
        {
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

    pub(super) fn lease_end(&self) -> Timestamp {
        let lease = SignedDuration::try_from(self.options.lease).unwrap_or(SignedDuration::from_secs(30));
        let now = self.clock.now();
        now.checked_add(lease).unwrap_or(now)
    }

    async fn purge_when_due(&self, due: Timestamp) -> Timestamp {
        let now = self.clock.now();
        if now < due {
            return due;
        }
        match self.purge().await {
            Ok(purged) if purged == Purged::default() => {}
            Ok(Purged { settings, devices, device_events, sync_runs, created_requests }) => {
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
        now.checked_add(PURGE_EVERY).unwrap_or(now)
    }

    /// Makes a sync of one of the caller's settings due now. Without a token nothing is done; requests coalesce.
    pub async fn request_sync(&self, origin: &Origin, id: SettingId) -> Result<(), Error> {
        let setting = self.setting(&origin.caller, id).await?;
        let event =
            self.event(Some(origin), "syncWithAppleDeviceEnrollmentProgram", "Action", &setting, Vec::new());
        if self.storage.request_sync(setting.tenant, id, self.clock.now(), &event).await? {
            self.wake_sync.notify_one();
        }
        Ok(())
    }

    /// Makes a sync of a setting due now that ends with a fetch of everything; for the operator.
    pub async fn request_full_fetch(&self, origin: &Origin, id: SettingId) -> Result<(), Error> {
        let setting = self.setting(&origin.caller, id).await?;
        let event = self.event(Some(origin), "resync DepOnboardingSetting", "Action", &setting, Vec::new());
        if !self.storage.request_full_fetch(setting.tenant, id, self.clock.now(), &event).await? {
            return Err(nothing_to_sync());
        }
        self.wake_sync.notify_one();
        Ok(())
    }

    /// The latest lines of a setting's sync history, newest first.
    pub async fn sync_runs(&self, caller: &Caller, id: SettingId, limit: u32) -> Result<Vec<SyncRun>, Error> {
        let setting = self.setting(caller, id).await?;
        Ok(self.storage.sync_runs(setting.tenant, id, self.clock.now(), limit.into()).await?)
    }
}

fn nothing_to_sync() -> Error {
    Error::Conflict(
        "This setting has no server token yet, so there is nothing to synchronize. Nothing was changed. Upload a token \
         first."
            .to_owned(),
    )
}
