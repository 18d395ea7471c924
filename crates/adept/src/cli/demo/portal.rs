//! Apple's portal as the demo uses it: the simulator's handle, whose calls are shown on the stage.

use std::sync::{Arc, Mutex, PoisonError};

use adept_simulator::{Portal, PortalError, PortalExchange, Simulator};

use super::stage::{Stage, Who};
use crate::cli::Failure;

/// The portal of the simulated Apple.
pub(super) struct ShownPortal {
    /// Its calls are not shown before [`ShownPortal::show`].
    pub(super) quiet: Portal,
    last: Arc<Mutex<Option<PortalExchange>>>,
}

impl ShownPortal {
    /// The portal of this simulator.
    pub(super) fn of(simulator: &Simulator) -> Self {
        let last = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&last);
        let keep = move |exchange: &PortalExchange| {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange.clone());
        };
        Self { quiet: simulator.portal().observed(keep), last }
    }

    /// Shows the call that was just made and what was sent with it; a refused one ends the demo.
    pub(super) fn show<T>(
        &self,
        stage: &mut Stage,
        result: Result<T, PortalError>,
        sent: Option<&str>,
    ) -> Result<T, Failure> {
        if let Some(exchange) = self.last.lock().unwrap_or_else(PoisonError::into_inner).take() {
            stage.ask(Who::Apple, &exchange.method, &exchange.path);
            stage.answered(exchange.status, exchange.took);
            sent.into_iter().for_each(|sent| stage.body(sent));
        }
        result.map_err(refused)
    }
}

/// A portal call that failed ends the demo.
pub(super) fn refused(error: PortalError) -> Failure {
    Failure::failed(format!("the simulated Apple did not do its part: {error}"))
}
