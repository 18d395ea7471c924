//! The serial numbers that a fetch listed, as keyed hashes of 8 bytes: a million devices are 8 MB. Two serial numbers
//! with one hash only spare a device that is gone, until another fetch has another key.

use std::hash::{BuildHasher as _, RandomState};

use crate::domain::serial_key;

/// Serial numbers of a fetch: first they are added, then, once [`Seen::complete`] was called, they are looked up.
#[derive(Default)]
pub(super) struct Seen {
    key: RandomState,
    hashes: Vec<u64>,
}

impl Seen {
    /// Adds a serial number as anybody spells it.
    pub(super) fn add(&mut self, serial: &str) {
        self.hashes.push(self.lot(serial));
    }

    /// No more are added: from now on they can be looked up. Answers how many there are, each counted once.
    pub(super) fn complete(&mut self) -> usize {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.len()
    }

    /// Whether the fetch listed it.
    pub(super) fn holds(&self, serial: &str) -> bool {
        self.hashes.binary_search(&self.lot(serial)).is_ok()
    }

    /// A number that follows from the serial number and this fetch's key, and that nobody can foresee: the devices with
    /// the smallest ones are a random sample.
    pub(super) fn lot(&self, serial: &str) -> u64 {
        self.key.hash_one(serial_key(serial))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_found_in_any_case_and_counted_once() {
        let mut seen = Seen::default();
        for serial in ["C02ABC", "c02abc", "X"] {
            seen.add(serial);
        }
        assert_eq!(seen.complete(), 2);
        assert!(seen.holds("c02ABC") && seen.holds("x") && !seen.holds("C02ABD"));
    }
}
