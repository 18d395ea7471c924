//! The one place where the simulator reads the time. Everything else is handed a `Timestamp`.

use jiff::Timestamp;

/// The machine's clock.
#[derive(Clone, Copy, Default)]
pub(crate) struct Clock;

impl Clock {
    pub(crate) fn now(self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the simulator's own clock; it shares none with the service"
        )]
        Timestamp::now()
    }
}
