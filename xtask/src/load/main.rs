//! `load`: measures a running Adept, and crashes it, over the network as its users do. Started by `cargo xtask bench` and
//! `cargo xtask crash`, which build what it needs. Uses the service only as a program.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

mod apple;
mod bench;
mod crash;
mod database;
mod failover;
mod graph;
mod http;
mod machine;
mod process;
mod service;
mod test_bed;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A failure is a sentence for the person at the terminal; no code matches on it.
pub(crate) type Result<T = ()> = std::result::Result<T, String>;

#[derive(Parser)]
#[command(name = "load")]
struct Load {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measure, and print a table.
    Bench(bench::Flags),
    /// Kill the service again and again, and check what is left.
    Crash(crash::Flags),
    /// Kill the primary of a PostgreSQL again and again, and check what is left.
    Failover(failover::Flags),
}

fn main() -> ExitCode {
    let outcome = match Load::parse().what {
        What::Bench(flags) => bench::run(&flags),
        What::Crash(flags) => crash::run(&flags),
        What::Failover(flags) => failover::run(&flags),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("\n{sentence}");
            ExitCode::FAILURE
        }
    }
}
