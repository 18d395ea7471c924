//! The simulator's own time, the one place where the machine's clock is read. Everything that happens to Apple's side
//! follows it: sessions, cursors, tokens, throttles, the times in answers. How long a delay lasts is not its business.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// A clock that can be set, stopped and let run again.
pub(crate) struct Clock {
    hands: Mutex<Hands>,
    start: Hands,
}

#[derive(Clone, Copy)]
enum Hands {
    /// The machine's time and this much.
    Running {
        ahead: SignedDuration,
    },
    Stopped {
        at: Timestamp,
    },
}

/// A time that a clock cannot show: before the year -9999 or after the year 9999.
pub(crate) struct OutOfRange;

impl Clock {
    /// A clock that stands at `stopped_at`, or runs with the machine's.
    pub(crate) fn new(stopped_at: Option<Timestamp>) -> Clock {
        let start = match stopped_at {
            Some(at) => Hands::Stopped { at },
            None => Hands::Running { ahead: SignedDuration::ZERO },
        };
        Clock { hands: Mutex::new(start), start }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.hands().now()
    }

    pub(crate) fn running(&self) -> bool {
        matches!(*self.hands(), Hands::Running { .. })
    }

    /// Sets the time; whether the clock runs stays as it is.
    pub(crate) fn set(&self, now: Timestamp) {
        let mut hands = self.hands();
        *hands = match *hands {
            Hands::Stopped { .. } => Hands::Stopped { at: now },
            Hands::Running { .. } => Hands::Running { ahead: now.duration_since(machine()) },
        };
    }

    /// Moves the time by so many seconds, back when negative.
    pub(crate) fn advance(&self, seconds: i64) -> Result<(), OutOfRange> {
        let mut hands = self.hands();
        let by = SignedDuration::from_secs(seconds);
        let moved = hands.now().checked_add(by).map_err(|_| OutOfRange)?;
        *hands = match *hands {
            Hands::Stopped { .. } => Hands::Stopped { at: moved },
            Hands::Running { ahead } => Hands::Running { ahead: ahead.checked_add(by).ok_or(OutOfRange)? },
        };
        Ok(())
    }

    /// Stops the clock where it is, or lets it run on from there.
    pub(crate) fn run(&self, run: bool) {
        let mut hands = self.hands();
        let now = hands.now();
        *hands = match run {
            true => Hands::Running { ahead: now.duration_since(machine()) },
            false => Hands::Stopped { at: now },
        };
    }

    /// Runs with the machine's clock again.
    pub(crate) fn follow(&self) {
        *self.hands() = Hands::Running { ahead: SignedDuration::ZERO };
    }

    /// As it was at the start.
    pub(crate) fn reset(&self) {
        *self.hands() = self.start;
    }

    /// A clock beside this one, as this one was at the start.
    pub(crate) fn again(&self) -> Clock {
        Clock { hands: Mutex::new(self.start), start: self.start }
    }

    /// Shows what the other clock shows.
    pub(crate) fn become_like(&self, other: &Clock) {
        let hands = *other.hands();
        *self.hands() = hands;
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hands {
    fn now(self) -> Timestamp {
        match self {
            Hands::Stopped { at } => at,
            Hands::Running { ahead } if ahead.is_zero() => machine(),
            // The first and the last moment that can be shown are nearer than nothing.
            Hands::Running { ahead } => machine().saturating_add(ahead).unwrap_or_default(),
        }
    }
}

/// The machine's time.
pub(crate) fn machine() -> Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the simulator's own clock; it shares none with the service"
    )]
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_stopped_clock_moves_only_when_it_is_told_to() {
        let clock = Clock::new(Some(at(1000)));
        assert!(clock.advance(180).is_ok());
        assert_eq!(clock.now(), at(1180));
        clock.set(at(5));
        assert_eq!((clock.now(), clock.running()), (at(5), false));
        assert!(clock.advance(i64::MAX).is_err());
        assert_eq!(clock.now(), at(5), "nothing moved");
        clock.reset();
        assert_eq!(clock.now(), at(1000));
    }

    #[test]
    fn a_running_clock_goes_on_from_where_it_was_set() {
        let clock = Clock::new(None);
        clock.set(at(2_000_000_000));
        assert!(clock.advance(-10).is_ok());
        let elapsed = clock.now().duration_since(at(1_999_999_990));
        assert!((0..60).contains(&elapsed.as_secs()), "{elapsed:?}");
        clock.run(false);
        assert_eq!(clock.now(), clock.now());
        clock.follow();
        assert!(clock.running() && clock.now().duration_since(machine()).abs().as_secs() < 60);
    }
}
