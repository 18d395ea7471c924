//! Which nonces were used lately. Only hashes are kept: two different nonces meet by chance once in 2^64 pairs.

use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;

use jiff::{SignedDuration, Timestamp};

/// A timestamp may be this far from the simulator's clock, either way.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// The nonces of the last two windows: a request signed five minutes ahead can come again for ten.
#[derive(Default)]
pub(super) struct Nonces {
    hasher: RandomState,
    used: HashSet<u64>,
    order: VecDeque<(Timestamp, u64)>,
}

impl Nonces {
    /// Notes a nonce; `false` when this consumer used it before.
    pub(super) fn note(&mut self, consumer: &str, nonce: &str, now: Timestamp) -> bool {
        while self.order.front().is_some_and(|(noted, _)| now.duration_since(*noted) > WINDOW * 2) {
            if let Some((_, hash)) = self.order.pop_front() {
                self.used.remove(&hash);
            }
        }
        let hash = self.hasher.hash_one((consumer, nonce));
        let fresh = self.used.insert(hash);
        if fresh {
            self.order.push_back((now, hash));
        }
        fresh
    }
}
