//! Work that must never stop: if it panics, that is told, and it begins again.

use std::{future::Future, time::Duration};

use tokio::task::JoinSet;

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

    use super::*;

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
