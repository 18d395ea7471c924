//! How far one run reads: an endless stream of records, or of pages that bring nothing new, ends it.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
};

use crate::domain::serial_key;

/// Records that a run reads at most.
const MOST_RECORDS: usize = 4_000_000;

/// Pages in a row without a serial number that is new to the run.
const MOST_STALE_PAGES: usize = 50;

/// What a run has read so far. Serial numbers are kept as hashes of 8 bytes.
#[derive(Default)]
pub(super) struct Bounds {
    records: usize,
    stale_pages: usize,
    key: RandomState,
    seen: HashSet<u64>,
}

impl Bounds {
    /// Adds a page's serial numbers; true when the run has read too much.
    pub(super) fn exceeded_by<'s>(&mut self, serials: impl IntoIterator<Item = &'s str>) -> bool {
        let before = self.seen.len();
        for serial in serials {
            self.records += 1;
            self.seen.insert(self.key.hash_one(serial_key(serial)));
        }
        self.stale_pages = if self.seen.len() > before { 0 } else { self.stale_pages + 1 };
        self.records > MOST_RECORDS || self.stale_pages >= MOST_STALE_PAGES
    }

    /// Another chain of pages begins, which may list again what the one before listed.
    pub(super) fn start_over(&mut self) {
        self.stale_pages = 0;
        self.seen.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_pages_in_a_row_without_a_new_serial_number_are_too_many() {
        let mut bounds = Bounds::default();
        assert!(!bounds.exceeded_by(["A", "B"]));
        for page in 1..50 {
            let stale: &[&str] = if page % 2 == 0 { &[] } else { &["a", " B "] };
            assert!(!bounds.exceeded_by(stale.iter().copied()), "page {page}");
        }
        assert!(!bounds.exceeded_by(["C"]), "one that is new begins the count again");
        for page in 1..50 {
            assert!(!bounds.exceeded_by(["C"]), "page {page}");
        }
        assert!(bounds.exceeded_by(["C"]));
    }

    #[test]
    fn what_deltas_listed_is_new_to_the_fetch_behind_them() {
        let mut bounds = Bounds::default();
        bounds.exceeded_by(["A"]);
        for _ in 1..50 {
            assert!(!bounds.exceeded_by(["A"]));
        }
        bounds.start_over();
        assert!(!bounds.exceeded_by(["A"]));
    }

    #[test]
    fn four_million_records_are_the_most_whatever_they_list() {
        let mut bounds = Bounds { records: MOST_RECORDS - 1, ..Bounds::default() };
        assert!(!bounds.exceeded_by(["A"]));
        assert!(bounds.exceeded_by(["B"]));
        bounds.start_over();
        assert!(bounds.exceeded_by(["C"]));
    }
}
