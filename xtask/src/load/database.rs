//! The two databases, and new empty ones of each.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Result;
use crate::test_bed::TestBed;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) const BOTH: [Kind; 2] = [Kind::Sqlite, Kind::Postgres];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Sqlite => "SQLite",
            Kind::Postgres => "PostgreSQL",
        })
    }
}

/// Numbers the databases that this process made.
static MADE: AtomicU32 = AtomicU32::new(0);

/// The flags of `adept` for a new, empty database; `folder` is its data folder.
pub(crate) fn fresh(bed: &TestBed, kind: Kind, folder: &Path) -> Result<Vec<String>> {
    let mut flags = vec!["--data-dir".to_owned(), folder.display().to_string()];
    if kind == Kind::Sqlite {
        return Ok(flags);
    }
    let postgres = bed.postgres.as_ref().ok_or("This needs a PostgreSQL, and none was handed in.")?;
    let name = format!("adept_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let made = Command::new(&postgres.createdb)
        .arg(format!("--maintenance-db={}", postgres.url))
        .arg(&name)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("Cannot start {}: {error}.", postgres.createdb.display()))?;
    if !made.status.success() {
        return Err(format!("createdb failed: {}", String::from_utf8_lossy(&made.stderr).trim_end()));
    }
    let (server, _) = postgres.url.rsplit_once('/').ok_or("PostgreSQL's URL names no database.")?;
    // Replicas would share the key, so with PostgreSQL it is never made by itself.
    let key = folder.join("sealing.key");
    let keys = Command::new(&bed.adept).args(["keys", "new"]).arg(&key).stdin(Stdio::null()).output();
    let keys = keys.map_err(|error| format!("Cannot start adept: {error}."))?;
    if !keys.status.success() {
        return Err(format!("`adept keys new` failed: {}", String::from_utf8_lossy(&keys.stderr).trim_end()));
    }
    flags.extend(["--database-url".to_owned(), format!("{server}/{name}")]);
    flags.extend(["--sealing-key-file".to_owned(), key.display().to_string()]);
    Ok(flags)
}

/// Where the port stands in a database's URL, and the port.
fn port_in(url: &str) -> Option<(std::ops::Range<usize>, u16)> {
    let start = url.rfind('@').unwrap_or_default();
    let start = start + url[start..].find(':')? + 1;
    let end = start + url[start..].find('/').unwrap_or(url.len() - start);
    Some((start..end, url[start..end].parse().ok()?))
}

/// The port of a PostgreSQL server.
pub(crate) fn port_of(url: &str) -> Result<u16> {
    port_in(url).map(|(_, port)| port).ok_or_else(|| "PostgreSQL's URL names no port.".into())
}

/// The flags of `adept` for the same database by way of another port.
pub(crate) fn by_port(flags: &mut [String], port: u16) {
    for flag in flags.iter_mut().filter(|flag| flag.starts_with("postgres")) {
        if let Some((place, _)) = port_in(flag) {
            flag.replace_range(place, &port.to_string());
        }
    }
}

/// Writes what a PostgreSQL database holds to `database.sql` in its data folder, since the server ends with the run. Of
/// SQLite the data folder is enough.
pub(crate) fn keep(bed: &TestBed, flags: &[String], folder: &Path) -> Result {
    let url = flags.iter().skip_while(|flag| *flag != "--database-url").nth(1);
    let (Some(postgres), Some(url)) = (&bed.postgres, url) else { return Ok(()) };
    let program = postgres.createdb.with_file_name("pg_dump");
    let dumped = Command::new(&program)
        .args(["--dbname", url, "--file"])
        .arg(folder.join("database.sql"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("Cannot start {}: {error}.", program.display()))?;
    if dumped.status.success() {
        return Ok(());
    }
    Err(format!("pg_dump failed: {}", String::from_utf8_lossy(&dumped.stderr).trim_end()))
}

/// A PostgreSQL database to look into.
#[derive(Clone)]
pub(crate) struct Inspection {
    psql: PathBuf,
    url: String,
}

impl Inspection {
    /// Looks into the database that the flags of `adept` name; none for SQLite.
    pub(crate) fn of(bed: &TestBed, flags: &[String]) -> Option<Self> {
        let url = flags.iter().skip_while(|flag| *flag != "--database-url").nth(1)?;
        let postgres = bed.postgres.as_ref()?;
        Some(Self { psql: postgres.createdb.with_file_name("psql"), url: url.clone() })
    }

    /// The number that a query gives.
    pub(crate) fn number(&self, query: &str) -> Result<i64> {
        let asked = Command::new(&self.psql)
            .args(["--no-psqlrc", "--no-align", "--tuples-only", "--dbname", &self.url, "--command", query])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("Cannot start {}: {error}.", self.psql.display()))?;
        let text = String::from_utf8_lossy(&asked.stdout);
        text.trim().parse().map_err(|_| {
            format!(
                "psql answered {:?} to {query:?}: {}",
                text.trim(),
                String::from_utf8_lossy(&asked.stderr).trim_end()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_replaced_and_nothing_else() {
        let url = "postgres://postgres:a5432@127.0.0.1:5432/adept_5432";
        let mut flags = ["--database-url".to_owned(), url.to_owned()];
        by_port(&mut flags, 7);
        assert_eq!(flags, ["--database-url", "postgres://postgres:a5432@127.0.0.1:7/adept_5432"]);
        assert_eq!(port_of(url), Ok(5432));
    }
}
