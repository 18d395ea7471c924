//! Text that must never be shown. It is not a vault: the bytes lie in memory until the value is dropped.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Secret text: erased from memory when dropped, without `Debug`, `Display` or `Serialize`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes `text` over without copying it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that has to send or seal it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Takes as long for a difference in the first byte as for one in the last. Only the lengths are not kept secret.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn equality_is_that_of_the_text() {
        let secret = |text: &str| Secret::new(text.to_owned());
        assert!(secret("CS_1") == secret("CS_1"));
        assert!(secret("CS_1") != secret("CS_2"));
        assert!(secret("CS_1") != secret("CS_11"));
        assert!(secret("") == secret(""));
    }
}
