//! Signals of the system to this process.

use std::{future::poll_fn, task::Poll};

/// Signals, from the moment on that it is made. One that is not listened for ends the process.
pub struct Signals {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
    /// Whether Ctrl-C is one of them, where there are no signals.
    #[cfg(not(unix))]
    ctrl_c: bool,
}

impl Signals {
    /// Ctrl-C and SIGTERM.
    pub fn stop() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::SignalKind;
            Self::of(&[SignalKind::interrupt(), SignalKind::terminate()])
        }
        #[cfg(not(unix))]
        Self { ctrl_c: true }
    }

    /// SIGHUP, where there is such a thing.
    pub fn hangup() -> Self {
        #[cfg(unix)]
        return Self::of(&[tokio::signal::unix::SignalKind::hangup()]);
        #[cfg(not(unix))]
        Self { ctrl_c: false }
    }

    #[cfg(unix)]
    fn of(kinds: &[tokio::signal::unix::SignalKind]) -> Self {
        Self { signals: kinds.iter().filter_map(|kind| tokio::signal::unix::signal(*kind).ok()).collect() }
    }

    /// Waits for the next one; for ever where none can come.
    pub async fn next(&mut self) {
        #[cfg(not(unix))]
        if self.ctrl_c {
            let _ = tokio::signal::ctrl_c().await;
            return;
        }
        poll_fn(|context| {
            #[cfg(unix)]
            if self.signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }
}
