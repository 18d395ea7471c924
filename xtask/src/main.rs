//! `cargo xtask`: the project's own commands, one file each. Not part of the service and not needed to run it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

mod apt;
mod bench;
mod ci;
mod clients;
mod crash;
mod r#gen;
mod install;
mod mutants;
mod peers;
mod pg;
mod run;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's commands. Each sets up what it needs and cleans up afterwards
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test, on SQLite and on a throwaway PostgreSQL, then `clients` and `peers`; through PgBouncer, storage tests only
    Test {
        #[command(flatten)]
        choice: pg::Choice,
        /// Passed to the test runner, such as a test's name or `-p adept-apple`; doctests are then left out.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Do everything that a change must pass: fmt, tidy, clippy, gen --check, test, crash, replicas, failover, package
    Ci,
    /// Run the whole life cycle with Microsoft's SDKs and with the documents' own commands
    Clients(clients::Flags),
    /// Check the simulator and the requests of `adept serve` with an independent client in Python
    Peers(peers::Flags),
    /// Measure every figure of docs/performance.md on this machine and print them as a table
    Bench(bench::Flags),
    /// Kill the service while it works, again and again, and check that nothing is lost
    Crash(crash::Flags),
    /// Change the code of domain, odata and the token reader in small ways, and list the changes that no test notices
    Mutants(mutants::Flags),
    /// Check the house rules that the compiler cannot see
    Tidy,
    /// Write the generated files again
    Gen {
        /// Write nothing; fail if a file is not what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Start a throwaway PostgreSQL on a free loopback port and keep it until Ctrl-C
    Pg(pg::Choice),
    /// Keep a throwaway PostgreSQL in DIR until standard input ends, then remove both
    #[command(hide = true)]
    PgGuard {
        dir: PathBuf,
        #[command(flatten)]
        choice: pg::Choice,
    },
    /// Keep a primary, its standby and HAProxy in DIR; each line of standard input kills the primary
    #[command(hide = true)]
    PgPair { dir: PathBuf },
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse().task {
        Task::Test { choice, arguments } => test::run(&arguments, choice),
        Task::Ci => ci::run(),
        Task::Clients(flags) => clients::run(&flags),
        Task::Peers(flags) => peers::run(&flags),
        Task::Bench(flags) => bench::run(&flags),
        Task::Crash(flags) => crash::run(&flags),
        Task::Mutants(flags) => mutants::run(&flags),
        Task::Tidy => tidy::run(),
        Task::Gen { check } => r#gen::run(check),
        Task::Pg(choice) => pg::run(choice),
        Task::PgPair { dir } => pg::guard_pair(&dir),
        Task::PgGuard { dir, choice } => pg::guard(&dir, choice),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("\n{sentence}");
            ExitCode::FAILURE
        }
    }
}
