//! `cargo xtask test`: every test, on SQLite and on a throwaway PostgreSQL, then real clients and peers. Not the long crash and load runs.

use std::process::Stdio;

use crate::clients;
use crate::install::{self, CURL};
use crate::peers;
use crate::pg::{Choice, Durability, Throwaway, throwaway};
use crate::run::{Result, Steps, cargo, check};

/// Tests find PostgreSQL here: the URL of a superuser, who makes and drops one database per test.
const POSTGRES_URL: &str = "ADEPT_TEST_POSTGRES_URL";

/// And the port of a pooler in transaction mode before it, if there is one.
const POOLER_PORT: &str = "ADEPT_TEST_POOLER_PORT";

/// Runs the steps, prints their times and leaves nothing behind.
pub(crate) fn run(arguments: &[String], choice: Choice) -> Result {
    let mut steps = Steps::default();
    let storage = ["-p", "adept", "--test", "it", "storage::on_postgres"].map(str::to_owned);
    let arguments = if choice.bouncer && arguments.is_empty() { &storage } else { arguments };
    let outcome = all(&mut steps, arguments, choice);
    steps.summary();
    outcome
}

fn all(steps: &mut Steps, arguments: &[String], choice: Choice) -> Result {
    install::programs(&[CURL])?;
    let postgres = steps.run("a throwaway PostgreSQL", || throwaway(choice))?;
    let outcome = steps.run("tests", || tests(&postgres, arguments)).and_then(|()| match arguments {
        [] => steps.run("doctests", || {
            check(
                cargo(["test", "--locked", "--workspace", "--doc", "--features", "xtask/load"])
                    .env(POSTGRES_URL, postgres.url()),
            )
        }),
        _ => Ok(()),
    });
    drop(postgres);
    outcome?;
    if arguments.is_empty() {
        steps.run("clients", || clients::run(&clients::Flags::default()))?;
        steps.run("peers", || peers::run(&peers::Flags::default()))
    } else {
        Ok(())
    }
}

/// nextest where it is installed: the same tests, each in a process of its own.
fn tests(postgres: &Throwaway, arguments: &[String]) -> Result {
    let mut command = if has_nextest() {
        cargo(["nextest", "run", "--locked"])
    } else {
        cargo(["test", "--locked", "--tests"])
    };
    if !arguments.iter().any(|argument| argument == "-p" || argument.starts_with("--package")) {
        command.args(["--workspace", "--features", "xtask/load"]);
    }
    command.envs(postgres.bouncer().map(|port| (POOLER_PORT, port)));
    check(command.args(arguments).env(POSTGRES_URL, postgres.url()))
}

/// The test of several replicas, which is left out of the others because it needs the machine for itself.
pub(crate) fn replicas() -> Result {
    let postgres = throwaway(Durability::Off)?;
    let mut command = if has_nextest() {
        cargo(["nextest", "run", "--locked", "--no-capture"])
    } else {
        cargo(["test", "--locked", "--test", "it"])
    };
    command.args(["-p", "adept", "--features", "failpoints", "replicas::"]);
    let outcome = check(command.env(POSTGRES_URL, postgres.url()));
    drop(postgres);
    outcome
}

pub(crate) fn has_nextest() -> bool {
    let asked = cargo(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}
