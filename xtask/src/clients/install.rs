//! Microsoft's SDKs in `target/clients`, exactly as the lock files pin them; installed when a lock file changed. Also the
//! programs that the documents ask for. Runs none of what is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::apt;
use crate::run::{Result, check, output, root};

/// Where the SDKs lie.
pub(super) struct Packages {
    /// A virtual environment of Python.
    pub(super) python: PathBuf,
    /// A folder with `node_modules`.
    pub(super) javascript: PathBuf,
}

/// What must be on the PATH, with how it shows that it is there and whole, and Debian's packages of it.
const PROGRAMS: [(&str, &[&str], &[&str]); 5] = [
    ("bash", &["--version"], &["bash"]),
    ("curl", &["--version"], &["curl"]),
    ("openssl", &["version"], &["openssl"]),
    (
        "python3",
        &["-c", "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))"],
        &["python3", "python3-venv"],
    ),
    ("npm", &["--version"], &["nodejs", "npm"]),
];

/// Finds or installs everything.
pub(super) fn packages() -> Result<Packages> {
    for (program, arguments, packages) in PROGRAMS {
        if !answers(program, arguments) {
            apt::install(&format!("`{program}`"), packages)?;
        }
        if !answers(program, arguments) {
            return Err(format!("`{program}` is installed, but `{program} {}` fails.", arguments.join(" ")));
        }
    }
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
    std::thread::scope(|scope| {
        let python = scope.spawn(|| python(&packages.python));
        javascript(&packages.javascript)?;
        python.join().unwrap_or_else(|_| Err("The installation of Python's packages panicked.".into()))
    })?;
    Ok(packages)
}

/// pip takes nothing whose hash the lock file does not name.
fn python(folder: &Path) -> Result {
    let lock = root().join("clients/python/requirements.txt");
    if is_fresh(folder, &lock) {
        return Ok(());
    }
    println!("Installing Python's packages into {}.", folder.display());
    empty(folder)?;
    check(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]);
    // Of the SDK's 40,000 files a program imports a few; those are compiled when they are.
    check(pip.args(["--only-binary", ":all:", "--no-compile", "--requirement"]).arg(&lock))?;
    mark(folder, &lock)
}

fn javascript(folder: &Path) -> Result {
    let lock = root().join("clients/javascript/package-lock.json");
    if is_fresh(folder, &lock) {
        return Ok(());
    }
    println!("Installing JavaScript's packages into {}.", folder.display());
    empty(folder)?;
    for file in [&lock, &lock.with_file_name("package.json")] {
        copy(file, folder)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]);
    check(npm.current_dir(folder).stdout(Stdio::null()))?;
    mark(folder, &lock)
}

/// Copies a file into a folder under its own name.
pub(super) fn copy(file: &Path, folder: &Path) -> Result {
    let to = folder.join(file.file_name().unwrap_or_default());
    std::fs::copy(file, &to).map(drop).map_err(|error| format!("Cannot copy {}: {error}.", file.display()))
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let asked = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// The lock file is laid beside what it installed when that is whole.
fn is_fresh(folder: &Path, lock: &Path) -> bool {
    let read = |file: &Path| std::fs::read(file).ok();
    read(&folder.join("installed.lock"))
        .is_some_and(|installed| read(lock).is_some_and(|wanted| wanted == installed))
}

fn mark(folder: &Path, lock: &Path) -> Result {
    std::fs::copy(lock, folder.join("installed.lock"))
        .map(drop)
        .map_err(|error| format!("Cannot copy {}: {error}.", lock.display()))
}

fn empty(folder: &Path) -> Result {
    let gone = match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    gone.and_then(|()| std::fs::create_dir(folder))
        .map_err(|error| format!("Cannot empty {}: {error}.", folder.display()))
}
