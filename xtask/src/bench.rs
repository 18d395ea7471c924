//! `cargo xtask bench`: the figures of docs/performance.md. Builds for release and starts what `load` needs; it measures.

use std::process::Command;

use crate::pg::{Durability, throwaway};
use crate::run::{Result, build_load, cargo, check, output, root};

/// What to measure, and how long.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Measure only this figure, such as `upload`; a wrong name lists all of them
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Measure briefly, to see that it works; the numbers mean nothing.
    #[arg(long)]
    quick: bool,
}

/// Measures, and prints the machine and a table in Markdown.
pub(crate) fn run(flags: &Flags) -> Result {
    let (adept, load) = build_load(true, false)?;
    let postgres = throwaway(Durability::On)?;
    let mut command = Command::new(load);
    command.arg("bench").arg("--adept").arg(adept).arg("--folder").arg(std::env::temp_dir());
    command.args(["--commit", &commit()?]);
    command.args(["--postgres", postgres.url(), "--postgres-pid", &postgres.pid()?.to_string()]);
    command.arg("--createdb").arg(postgres.createdb()?);
    command.args(flags.quick.then_some("--quick"));
    if let Some(name) = &flags.only {
        command.args(["--only", name]);
    }
    let outcome = check(&mut command);
    drop(postgres);
    outcome
}

/// The commit that was built, and whether it has uncommitted changes.
fn commit() -> Result<String> {
    let git = |arguments: &[&str]| output(Command::new("git").args(arguments).current_dir(root()));
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    let note = if changed.trim().is_empty() { "" } else { ", with changes that are not committed" };
    let rustc = output(&mut cargo(["--version"]))?;
    Ok(format!("{}{note} ({})", commit.trim(), rustc.trim()))
}
