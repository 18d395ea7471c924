//! Work that must never stop: if it panics, that is logged, and it begins again; if it hangs, a watchdog sees it.

use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::Error;

/// Without a round for this long the scheduler counts as stuck.
const STUCK: Duration = Duration::from_secs(60);
/// Without one for this long only a new process helps.
const DEAD: Duration = Duration::from_secs(5 * 60);

/// Sees whether the scheduler still does its rounds, by the monotonic clock.
pub struct Watchdog {
    started: Instant,
    /// When the last round ended, in milliseconds since the start; the start counts as one.
    last_round: AtomicU64,
}

/// How the scheduler is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulerState {
    /// Its rounds end.
    Running,
    /// No round ended for a minute.
    Stuck,
    /// No round ended for five minutes.
    Dead,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self::since(Instant::now())
    }
}

impl Watchdog {
    /// Watches a scheduler that was started then.
    pub fn since(started: Instant) -> Self {
        Self { started, last_round: AtomicU64::new(0) }
    }

    /// A round ended, with or without errors.
    pub(super) fn round_ended(&self) {
        self.last_round.store(self.started.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// How long ago the last round ended.
    pub fn age(&self) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_millis(self.last_round.load(Ordering::Relaxed)))
    }

    /// How the scheduler is now.
    pub fn state(&self) -> SchedulerState {
        match self.age() {
            age if age >= DEAD => SchedulerState::Dead,
            age if age >= STUCK => SchedulerState::Stuck,
            _ => SchedulerState::Running,
        }
    }
}

/// Gives up on work that takes longer than `limit`, so that a round ends also when the database never answers.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let cause = format!("no answer within {} s", limit.as_secs());
        Err(Error::unavailable("The database took too long.", None, cause))
    })
}

/// Runs what `begin` makes to its end; after a panic once more, `pause` later, as often as it takes.
pub(super) async fn supervise<F>(what: &str, pause: Duration, begin: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        // A set of one: dropping it ends the work too.
        let mut work = JoinSet::new();
        work.spawn(begin());
        match work.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                tracing::error!(%error, "{what} failed and begins again; please report this");
                tokio::time::sleep(pause).await;
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio_util::sync::CancellationToken;

    use super::{
        super::{App, AppOptions, AppleOptions, Clock},
        *,
    };
    use crate::{
        domain::TenantId,
        storage::{DatabaseOptions, Storage, StorageOptions},
    };

    #[test]
    fn a_scheduler_without_a_round_is_stuck_after_a_minute_and_dead_after_five() {
        for (seconds, state) in [
            (50, SchedulerState::Running),
            (60, SchedulerState::Stuck),
            (290, SchedulerState::Stuck),
            (300, SchedulerState::Dead),
        ] {
            let watchdog = Watchdog::since(Instant::now() - Duration::from_secs(seconds));
            assert_eq!(watchdog.state(), state, "{:?}", watchdog.age());
            watchdog.round_ended();
            assert_eq!(watchdog.state(), SchedulerState::Running, "{:?}", watchdog.age());
        }
    }

    /// Waits until it holds.
    async fn until(what: &str, holds: impl Fn() -> bool) {
        let tried = async {
            while !holds() {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(20), tried).await.is_ok(), "{what}");
    }

    #[tokio::test]
    async fn a_scheduler_that_hangs_ends_no_round_until_it_goes_on() {
        let folder = std::env::temp_dir().join(format!("adept-watchdog-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let options = StorageOptions {
            database: DatabaseOptions {
                url: format!("sqlite://{}", folder.join("adept.db").display()),
                sqlite_max_pages: None,
                connections: 2,
                create: true,
                lease: Duration::from_secs(30),
            },
            sealing_key_file: folder.join("sealing.key"),
            may_create_sealing_key: true,
        };
        let clock = Clock::system();
        let tenant = TenantId(clock.new_id());
        let storage = Storage::open(&options, clock.now(), tenant).await.unwrap();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let app = App::new(storage, &AppleOptions::default(), clock, AppOptions::default()).unwrap();
        let shutdown = CancellationToken::new();
        let hung = app.shared_profile_options.seen.lock().await;
        let background = tokio::spawn(Arc::clone(&app.scheduler).run(shutdown.clone()));
        until("no round ends", || app.watchdog.age() > Duration::from_secs(3)).await;
        drop(hung);
        until("rounds end again", || app.watchdog.age() < Duration::from_secs(1)).await;
        shutdown.cancel();
        background.await.unwrap();
        app.close().await;
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn what_panics_begins_again_until_it_ends() {
        let begun = Arc::new(AtomicUsize::new(0));
        supervise("the test", Duration::ZERO, || {
            let begun = Arc::clone(&begun);
            async move { assert!(begun.fetch_add(1, Ordering::Relaxed) >= 2, "as the test wants it") }
        })
        .await;
        assert_eq!(begun.load(Ordering::Relaxed), 3);
    }
}
