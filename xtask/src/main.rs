//! `cargo xtask`: the project's own chores, one file for each. Not part of the service and never needed to run it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks on its terminal")]

mod apt;
mod bench;
mod ci;
mod clients;
mod crash;
mod r#gen;
mod install;
mod peers;
mod pg;
mod run;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's chores. Each command sets up what it needs and cleans up behind itself.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every test, on SQLite and on a throwaway PostgreSQL, then `clients` and `peers`.
    Test {
        /// Handed to the test runner, such as a test's name or `-p adept-apple`; doctests are then left out.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Do everything that a change must pass: fmt, tidy, clippy, gen --check, test, crash, replicas.
    Ci,
    /// Play the whole life cycle with Microsoft's SDKs and with the documents' own commands.
    Clients(clients::Flags),
    /// Let an independent client of Apple's service, in Python, judge the simulator and what `adept serve` asks.
    Peers(peers::Flags),
    /// Measure every figure of docs/performance.md on this machine and print them as a table.
    Bench(bench::Flags),
    /// Kill the service in the midst of its work, again and again, and check that nothing is lost.
    Crash(crash::Flags),
    /// Check the house rules that the compiler cannot see.
    Tidy,
    /// Write the generated files again.
    Gen {
        /// Write nothing; fail if a file is not what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Start a throwaway PostgreSQL on a free loopback port and keep it until Ctrl-C.
    Pg {
        /// Leave fsync on, as a real server has it.
        #[arg(long)]
        durable: bool,
    },
    /// Keep a throwaway PostgreSQL in DIR until standard input ends, then remove both.
    #[command(hide = true)]
    PgGuard {
        dir: PathBuf,
        #[arg(long)]
        durable: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse().chore {
        Chore::Test { arguments } => test::run(&arguments),
        Chore::Ci => ci::run(),
        Chore::Clients(flags) => clients::run(&flags),
        Chore::Peers(flags) => peers::run(&flags),
        Chore::Bench(flags) => bench::run(&flags),
        Chore::Crash(flags) => crash::run(&flags),
        Chore::Tidy => tidy::run(),
        Chore::Gen { check } => r#gen::run(check),
        Chore::Pg { durable } => pg::run(durable),
        Chore::PgGuard { dir, durable } => pg::guard(&dir, durable),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("\n{sentence}");
            ExitCode::FAILURE
        }
    }
}
