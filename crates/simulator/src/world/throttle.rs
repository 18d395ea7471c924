//! How many calls a server has made lately. Throttling of single devices is elsewhere.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::World;

/// When the time of each server's calls began, and how many came since.
#[derive(Default)]
pub(super) struct Throttle(HashMap<usize, (Timestamp, u32)>);

impl World {
    /// Counts a call of a server; the moment from which it may call again when this was one too many.
    pub(crate) fn throttle(&mut self, server: usize, now: Timestamp) -> Option<Timestamp> {
        let most = self.switches.call_throttle_count;
        if most == 0 {
            return None;
        }
        let length = SignedDuration::from_secs(self.switches.call_throttle_seconds.into());
        let (began, calls) = self.throttle.0.entry(server).or_insert((now, 0));
        // Clocks may go back; a time that has not come yet has ended as well.
        if now < *began || now.duration_since(*began) >= length {
            (*began, *calls) = (now, 0);
        }
        *calls = calls.saturating_add(1);
        if *calls <= most { None } else { Some(began.checked_add(length).unwrap_or(now)) }
    }
}
