//! `cargo xtask clients --lock`: the exact packages of the clients, with their hashes, for every platform.
//! Where packages come from is each builder's own setting and stays out of the lock files.

use std::process::Command;

use crate::install;
use crate::run::{Result, check, root};

/// Writes both lock files. Versions stay as they are unless requirements.in or package.json asks for others.
pub(super) fn write() -> Result {
    install::lock_python(&root().join("clients/python"))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--package-lock-only", "--omit-lockfile-registry-resolved=true"]);
    check(npm.args(["--no-audit", "--no-fund"]).current_dir(root().join("clients/javascript")))
}
