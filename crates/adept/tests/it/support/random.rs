//! Numbers that choose what a test does. The seed is part of every failure, and of what the test prints.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A sequence that its seed decides.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    /// Another sequence in each run; prints its seed.
    #[expect(clippy::print_stdout, reason = "a run is repeated with its seed")]
    pub fn seeded() -> Self {
        let seed = RandomState::new().build_hasher().finish();
        println!("seed {seed}");
        Self(seed)
    }

    /// The sequence of this one's seed and a number.
    pub fn with(&self, number: u64) -> Self {
        Self(self.0 ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// What to print while nothing was drawn yet.
    pub fn seed(&self) -> u64 {
        self.0
    }

    /// The next number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
