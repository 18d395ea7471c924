//! Other people's packages, exactly as lock files pin them, in folders below `target/`; and the programs that must be on
//! the PATH. Does not know what they are used for.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::apt;
use crate::run::{Result, check, root};

/// A program, arguments that test whether it works, and Debian's packages of it.
pub(crate) type Program = (&'static str, &'static [&'static str], &'static [&'static str]);

pub(crate) const CURL: Program = ("curl", &["--version"], &["curl"]);
pub(crate) const OPENSSL: Program = ("openssl", &["version"], &["openssl"]);
pub(crate) const PYTHON: Program = (
    "python3",
    &["-c", "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))"],
    &["python3", "python3-venv"],
);

pub(crate) const NPM: Program = ("npm", &["--version"], &["nodejs", "npm"]);

/// Python's own tools lock for the machine they run on only; this one locks for all.
const UV: &str = "uv==0.13.9";

/// Finds or installs these programs.
pub(crate) fn programs(wanted: &[Program]) -> Result {
    for (program, arguments, packages) in wanted {
        if !answers(program, arguments) {
            apt::install(&format!("`{program}`"), packages)?;
        }
        if !answers(program, arguments) {
            return Err(format!("`{program}` is installed, but `{program} {}` fails.", arguments.join(" ")));
        }
    }
    Ok(())
}

/// A virtual environment in `folder`, again when the lock file changed. pip takes nothing whose hash the lock file does not name.
pub(crate) fn python(folder: &Path, lock: &Path) -> Result {
    if is_fresh(folder, lock) {
        return Ok(());
    }
    println!("Installing Python's packages into {}.", folder.display());
    empty(folder)?;
    check(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]);
    // Of the SDK's 40,000 files a program imports a few; those are compiled when they are.
    check(pip.args(["--only-binary", ":all:", "--no-compile", "--requirement"]).arg(lock))?;
    mark(folder, lock)
}

/// The packages of a `package-lock.json` in `folder`, made again when the lock file changed. npm runs no script of theirs.
pub(crate) fn node(folder: &Path, lock: &Path) -> Result {
    if is_fresh(folder, lock) {
        return Ok(());
    }
    println!("Installing JavaScript's packages into {}.", folder.display());
    empty(folder)?;
    for file in [lock, &lock.with_file_name("package.json")] {
        copy(file, folder)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]);
    check(npm.current_dir(folder).stdout(Stdio::null()))?;
    mark(folder, lock)
}

/// Copies a file into a folder under its own name.
pub(crate) fn copy(file: &Path, folder: &Path) -> Result {
    let to = folder.join(file.file_name().unwrap_or_default());
    std::fs::copy(file, &to).map(drop).map_err(|error| format!("Cannot copy {}: {error}.", file.display()))
}

/// Writes `requirements.txt` beside the `requirements.in` of a folder: versions and hashes for every platform, and not
/// where packages come from, which is each builder's own setting.
pub(crate) fn lock_python(folder: &Path) -> Result {
    let tool = root().join("target/lock");
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
    check(uv.args(["--output-file", "requirements.txt"]).current_dir(folder))
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let asked = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// The lock file is copied beside a complete installation.
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
    gone.and_then(|()| std::fs::create_dir_all(folder))
        .map_err(|error| format!("Cannot empty {}: {error}.", folder.display()))
}
