//! CPU-bound cryptography, away from the threads that serve: RSA work beyond one task per core only makes everything slower.

use std::{num::NonZero, sync::Arc};

use tokio::sync::Semaphore;

use super::Error;

/// One slot per core. Cheap to clone.
#[derive(Clone)]
pub(super) struct Cores(Arc<Semaphore>);

impl Default for Cores {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Semaphore::new(cores)))
    }
}

impl Cores {
    /// Runs `work` on a blocking thread, at most one task per core at a time.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        const STOPPED: &str = "a blocking task stopped";
        let _slot = self.0.acquire().await.map_err(|e| Error::internal(STOPPED, e))?;
        tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(STOPPED, e))
    }
}
