//! Finds PostgreSQL's programs, and installs them where that is possible: Debian's as root, newer ones from npm. Runs none of them.

use std::path::PathBuf;
use std::process::Command;

use crate::apt;
use crate::install::{self, NPM};
use crate::run::{Result, check, root};

/// What a throwaway server needs.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// The version that Debian has; newer ones come from npm, pinned by a lock file.
const DEBIAN: u32 = 15;

/// The folder that holds PostgreSQL's programs: of this version, or the newest that is installed.
pub(super) fn programs(version: Option<u32>) -> Result<PathBuf> {
    match version {
        None | Some(DEBIAN) => debian(version),
        Some(version) => npm(version),
    }
}

fn debian(version: Option<u32>) -> Result<PathBuf> {
    if let Some(found) = find(version) {
        return Ok(found);
    }
    let what = "PostgreSQL's server (initdb, pg_ctl, postgres)";
    apt::install(
        what,
        &[&version.map_or("postgresql".to_owned(), |version| format!("postgresql-{version}"))],
    )?;
    find(version).ok_or_else(|| "PostgreSQL's package is installed, but its programs are missing.".into())
}

/// Programs that npm carries, in `target/postgres`.
fn npm(version: u32) -> Result<PathBuf> {
    install::programs(&[NPM])?;
    let folder = root().join("target/postgres");
    install::node(&folder, &root().join("xtask/postgres/package-lock.json"))?;
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let package = folder.join(format!("node_modules/postgres-{version}-{machine}"));
    let bin = package.join("native/bin");
    if !bin.is_dir() {
        return Err(format!(
            "There is no PostgreSQL {version} here; xtask/postgres/package.json names versions."
        ));
    }
    // npm's archives hold no links; the package's own script makes those between its libraries.
    check(Command::new("node").arg("scripts/hydrate-symlinks.js").current_dir(&package))?;
    Ok(bin)
}

/// PostgreSQL refuses to run as root: the account it runs as instead, as (user id, group id).
pub(super) fn other_user() -> Result<(u32, u32)> {
    let accounts = std::fs::read_to_string("/etc/passwd")
        .map_err(|error| format!("Cannot read /etc/passwd: {error}."))?;
    ["postgres", "nobody"].iter().find_map(|name| account(&accounts, name)).ok_or_else(|| {
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`. Add one, or run as another \
         user."
            .into()
    })
}

fn account(accounts: &str, name: &str) -> Option<(u32, u32)> {
    accounts.lines().find_map(|line| match line.split(':').collect::<Vec<_>>().as_slice() {
        [user, _, uid, gid, ..] if *user == name => Some((uid.parse().ok()?, gid.parse().ok()?)),
        _ => None,
    })
}

/// Debian keeps each version in a folder of its own, off the PATH.
fn find(version: Option<u32>) -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(found, _)| version.is_none_or(|version| version == *found))
        .collect();
    versions.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::iter::once(PathBuf::from("/usr/local/bin"))
        .chain(std::env::split_paths(&on_path))
        .filter(|_| version.is_none());
    versions
        .into_iter()
        .rev()
        .map(|(_, bin)| bin)
        .chain(others)
        .find(|bin| PROGRAMS.iter().all(|program| bin.join(program).is_file()))
}

#[cfg(test)]
mod tests {
    use super::account;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts =
            "root:x:0:0:root:/:/bin/sh\npostgresql:x:7:7::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        assert_eq!(account(accounts, "postgres"), Some((101, 104)));
        assert_eq!(account(accounts, "nobody"), None);
    }
}
