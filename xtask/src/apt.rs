//! Installs Debian's packages where that is possible: on Debian, as root. Knows no other system's packages.

use std::path::Path;
use std::process::Command;

use crate::run::{Result, check, output};

/// Installs packages that bring `what`; otherwise the error says what to do by hand.
pub(crate) fn install(what: &str, packages: &[&str]) -> Result {
    let names = packages.join(" ");
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(format!(
            "{what} is not installed. Install it (Debian calls the package `{names}`) and put it on the PATH."
        ));
    }
    if !is_root()? {
        return Err(format!(
            "{what} is not installed, and only root may install it. Run `apt-get install {names}` as root, then \
             start again."
        ));
    }
    eprintln!("{what} is not installed; installing `{names}`.");
    let apt = |arguments: &[&str]| {
        check(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
}

/// Whether we may install, chown files and start programs as another user.
pub(crate) fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}
