//! Finds PostgreSQL's programs, and installs them where that is possible (Debian, as root). Runs none of them.

use std::path::PathBuf;

use crate::apt;
use crate::run::Result;

/// What a throwaway server needs.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// The folder that holds PostgreSQL's programs, the newest version first.
pub(super) fn programs() -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    let what = "PostgreSQL's server (initdb, pg_ctl, postgres)";
    apt::install(what, &["postgresql"])?;
    find().ok_or_else(|| {
        "The package `postgresql` is installed, but its programs are not where they belong.".into()
    })
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
fn find() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::iter::once(PathBuf::from("/usr/local/bin")).chain(std::env::split_paths(&on_path));
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
