//! Microsoft's SDKs in `target/clients`, and the programs that the documents ask for. Runs none of what is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::install::{self, OPENSSL, PYTHON, Program};
use crate::run::{Result, check, output, root};

/// Where the SDKs lie.
pub(super) struct Packages {
    /// A virtual environment of Python.
    pub(super) python: PathBuf,
    /// A folder with `node_modules`.
    pub(super) javascript: PathBuf,
}

/// What must be on the PATH.
const PROGRAMS: [Program; 5] = [
    ("bash", &["--version"], &["bash"]),
    ("curl", &["--version"], &["curl"]),
    OPENSSL,
    PYTHON,
    ("npm", &["--version"], &["nodejs", "npm"]),
];

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
        javascript(&packages.javascript)?;
        python.join().unwrap_or_else(|_| Err("The installation of Python's packages panicked.".into()))
    })?;
    Ok(packages)
}

fn javascript(folder: &Path) -> Result {
    let lock = root().join("clients/javascript/package-lock.json");
    if install::is_fresh(folder, &lock) {
        return Ok(());
    }
    println!("Installing JavaScript's packages into {}.", folder.display());
    install::empty(folder)?;
    for file in [&lock, &lock.with_file_name("package.json")] {
        copy(file, folder)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]);
    check(npm.current_dir(folder).stdout(Stdio::null()))?;
    install::mark(folder, &lock)
}

/// Copies a file into a folder under its own name.
pub(super) fn copy(file: &Path, folder: &Path) -> Result {
    let to = folder.join(file.file_name().unwrap_or_default());
    std::fs::copy(file, &to).map(drop).map_err(|error| format!("Cannot copy {}: {error}.", file.display()))
}
