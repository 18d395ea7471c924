//! `cargo xtask crash`: kills the service during uploads and syncs and checks what is stored. Builds and starts
//! what `load` needs; which kills and checks.

use std::process::Command;

use crate::pg::{Durability, throwaway};
use crate::run::{Result, build_load, check};
use crate::test;

/// How many runs, and which.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// How many runs, three kills each.
    #[arg(long, default_value_t = 25)]
    pub(crate) runs: u64,
    /// The first run's seed; each next run has the next number.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// sqlite, postgres or both: odd seeds then run on SQLite, even ones on PostgreSQL.
    #[arg(long, default_value = "both", value_parser = ["sqlite", "postgres", "both"])]
    pub(crate) database: String,
    /// Runs at the same time: they mostly wait.
    #[arg(long, default_value_t = 4)]
    pub(crate) at_once: usize,
    /// Only this in place of every kill: stop (SIGSTOP for longer than the lease) or cut (behind COMMIT, PostgreSQL only)
    #[arg(long, value_parser = ["stop", "cut"])]
    pub(crate) only: Option<String>,
    /// Run three replicas with a thousand settings on one PostgreSQL instead, and kill one of them again and again.
    #[arg(long, exclusive = true)]
    pub(crate) replicas: bool,
    /// Kill the primary of a PostgreSQL with a synchronous standby behind HAProxy instead, again and again under load
    #[arg(long, conflicts_with_all = ["replicas", "database", "at_once", "only"])]
    pub(crate) failover: bool,
}

/// Does the runs; fails at the first that fails, with the command that repeats it.
pub(crate) fn run(flags: &Flags) -> Result {
    if flags.replicas {
        return test::replicas();
    }
    if flags.failover {
        return failover(flags);
    }
    let (adept, load) = build_load(false, true)?;
    let postgres = if flags.database == "sqlite" { None } else { Some(throwaway(Durability::On)?) };
    let mut command = Command::new(load);
    command.args(["crash", "--failpoints", "--database", &flags.database]);
    command.args(["--runs", &flags.runs.to_string(), "--seed", &flags.seed.to_string()]);
    if let Some(only) = &flags.only {
        command.args(["--only", only]);
    }
    command.args(["--at-once", &flags.at_once.to_string()]);
    command.arg("--adept").arg(adept).arg("--folder").arg(std::env::temp_dir());
    if let Some(postgres) = &postgres {
        command.args(["--postgres", postgres.url(), "--postgres-pid", &postgres.pid()?.to_string()]);
        command.arg("--createdb").arg(postgres.createdb()?);
    }
    let outcome = check(&mut command);
    drop(postgres);
    outcome
}

/// Three replicas on a pair of PostgreSQL servers; `runs` is how often the primary is killed.
fn failover(flags: &Flags) -> Result {
    // The same features as the other crash runs, so that nothing is built twice.
    let (adept, load) = build_load(false, true)?;
    let me = std::env::current_exe().map_err(|error| format!("Cannot find xtask's own binary: {error}."))?;
    let mut command = Command::new(load);
    command.args(["failover", "--kills", &flags.runs.to_string(), "--seed", &flags.seed.to_string()]);
    command.arg("--adept").arg(adept).arg("--folder").arg(std::env::temp_dir()).arg("--xtask").arg(me);
    check(&mut command)
}

/// The part that every change must pass: fixed seeds, both databases.
pub(crate) fn for_ci() -> Result {
    run(&short(25, false))
}

/// A few failovers, which every change must pass too.
pub(crate) fn failover_for_ci() -> Result {
    run(&short(3, true))
}

fn short(runs: u64, failover: bool) -> Flags {
    let database = "both".to_owned();
    Flags { runs, seed: 1, database, at_once: 4, only: None, replicas: false, failover }
}
