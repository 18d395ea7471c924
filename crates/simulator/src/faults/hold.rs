//! Calls that wait until somebody lets them go on: what tests of races are made of.

use tokio::sync::watch;

/// Where the calls of one rule wait. Dropping it lets all of them go.
pub(crate) struct Gate {
    arrived: u64,
    released: watch::Sender<u64>,
}

/// One call's position in the queue.
pub(crate) struct HeldCall {
    number: u64,
    released: watch::Receiver<u64>,
}

impl Gate {
    pub(super) fn new() -> Gate {
        Gate { arrived: 0, released: watch::Sender::new(0) }
    }

    pub(super) fn arrive(&mut self) -> HeldCall {
        self.arrived += 1;
        HeldCall { number: self.arrived, released: self.released.subscribe() }
    }

    /// Calls that came and were not let go, whether or not their client still waits.
    pub(super) fn held(&self) -> u64 {
        self.arrived - *self.released.borrow()
    }

    pub(super) fn release(&mut self, count: Option<u64>) -> u64 {
        let count = count.unwrap_or(u64::MAX).min(self.held());
        self.released.send_modify(|released| *released += count);
        count
    }
}

impl HeldCall {
    /// Waits for the call's release.
    pub(crate) async fn released(mut self) {
        // An error means that the rule was removed, which lets its calls go.
        let _ = self.released.wait_for(|released| *released >= self.number).await;
    }
}
