//! SHA-256 over several parts, so that no two lists of parts have the same bytes.

use aws_lc_rs::digest::{Context, SHA256};

/// A digest that is being made.
pub(super) struct Digest(Context);

impl Digest {
    /// Of no parts yet.
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Adds a part; none differs from an empty one.
    pub(super) fn part(&mut self, bytes: Option<&[u8]>) {
        self.0.update(&[u8::from(bytes.is_some())]);
        self.0.update(&bytes.map_or(0, <[u8]>::len).to_le_bytes());
        self.0.update(bytes.unwrap_or_default());
    }

    /// Adds the operation and its keys, which are the path in any spelling.
    pub(super) fn path(&mut self, operation: &str, keys: &[String]) {
        self.part(Some(operation.as_bytes()));
        for key in keys {
            self.part(Some(key.to_ascii_lowercase().as_bytes()));
        }
    }

    /// The first bytes of the digest, at most 32.
    pub(super) fn finish<const LENGTH: usize>(self) -> [u8; LENGTH] {
        let mut short = [0; LENGTH];
        short.copy_from_slice(&self.0.finish().as_ref()[..LENGTH]);
        short
    }
}
