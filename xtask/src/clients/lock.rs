//! `cargo xtask clients --lock`: which packages exactly the clients are made of, with their hashes, for every platform.
//! Where packages come from is each builder's own setting and stays out of the lock files.

use std::process::Command;

use crate::run::{Result, check, root};

/// Python's own tools lock for the machine they run on only; this one locks for all.
const UV: &str = "uv==0.13.9";

/// Writes both lock files. Versions stay as they are unless requirements.in or package.json asks for others.
pub(super) fn write() -> Result {
    let tool = root().join("target/clients/lock");
    check(Command::new("python3").args(["-m", "venv"]).arg(&tool))?;
    check(Command::new(tool.join("bin/pip")).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        UV,
    ]))?;
    let mut uv = Command::new(tool.join("bin/uv"));
    uv.args(["pip", "compile", "--quiet", "--universal", "--python-version", "3.10", "--generate-hashes"]);
    uv.args(["--no-emit-index-url", "--no-header", "--no-annotate", "requirements.in"]);
    check(uv.args(["--output-file", "requirements.txt"]).current_dir(root().join("clients/python")))?;

    let mut npm = Command::new("npm");
    npm.args(["install", "--package-lock-only", "--omit-lockfile-registry-resolved=true"]);
    check(npm.args(["--no-audit", "--no-fund"]).current_dir(root().join("clients/javascript")))
}
