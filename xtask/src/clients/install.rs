//! Microsoft's SDKs in `target/clients`, and the programs that the documents ask for. Does not run what it installs.

use std::path::PathBuf;
use std::process::Command;

use crate::install::{self, CURL, NPM, OPENSSL, PYTHON, Program};
use crate::run::{Result, output, root};

/// Where the SDKs lie.
pub(super) struct Packages {
    /// A virtual environment of Python.
    pub(super) python: PathBuf,
    /// A folder with `node_modules`.
    pub(super) javascript: PathBuf,
}

/// What must be on the PATH.
const PROGRAMS: [Program; 5] = [("bash", &["--version"], &["bash"]), CURL, OPENSSL, PYTHON, NPM];

/// Finds or installs everything.
pub(super) fn packages() -> Result<Packages> {
    install::programs(&PROGRAMS)?;
    let version = output(Command::new("node").arg("--version"))?;
    let major =
        version.trim_start_matches('v').split('.').next().and_then(|number| number.parse::<u32>().ok());
    if major.is_none_or(|major| major < 20) {
        return Err(format!("Node is {}; Microsoft's packages need 20 or newer.", version.trim()));
    }
    let folder = root().join("target/clients");
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("Cannot make {}: {error}.", folder.display()))?;
    let packages = Packages { python: folder.join("python"), javascript: folder.join("javascript") };
    let lock = root().join("clients/python/requirements.txt");
    std::thread::scope(|scope| {
        let python = scope.spawn(|| install::python(&packages.python, &lock));
        install::node(&packages.javascript, &root().join("clients/javascript/package-lock.json"))?;
        python.join().unwrap_or_else(|_| Err("The installation of Python's packages panicked.".into()))
    })?;
    Ok(packages)
}
