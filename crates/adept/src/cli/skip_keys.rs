//! `adept skip-keys`: prints the table of skip keys, from which `cargo xtask gen` makes its page in `docs/reference`.

use super::{Failure, say};
use crate::domain::skip_keys_page;

/// Prints the page.
pub(super) fn run() -> Result<(), Failure> {
    say(skip_keys_page().trim_end());
    Ok(())
}
