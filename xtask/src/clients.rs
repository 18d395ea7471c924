//! `cargo xtask clients`: what real clients do against a running service with the simulator as Apple. Microsoft's SDKs
//! run the programs of `clients/`, and a shell runs the documents' own commands. All of them run at the same time,
//! each with a service of its own.

mod documents;
mod install;
mod life_cycle;
mod lock;
mod page;
mod sandbox;

use std::path::Path;
use std::time::Instant;

use crate::run::{Result, build_adept};
use install::Packages;

/// Which clients to run.
#[derive(clap::Args, Default)]
pub(crate) struct Flags {
    /// Only these; all of them unless named.
    #[arg(value_parser = NAMES)]
    only: Vec<String>,
    /// Run nothing; write the lock files again from requirements.in and package.json.
    #[arg(long)]
    lock: bool,
}

const NAMES: [&str; 7] = ["quickstart", "readme", "python", "generic", "recorded", "javascript", "kiota"];

/// Installs what is missing, runs the clients, and fails with what failed.
pub(crate) fn run(flags: &Flags) -> Result {
    if flags.lock {
        return lock::write();
    }
    let adept = build_adept(false)?;
    let packages = install::packages()?;
    let failures: Vec<String> = std::thread::scope(|scope| {
        let playing: Vec<_> = NAMES
            .into_iter()
            .filter(|name| flags.only.is_empty() || flags.only.iter().any(|only| only == name))
            .map(|name| scope.spawn(|| play(name, &adept, &packages)))
            .collect();
        playing
            .into_iter()
            .filter_map(|one| one.join().unwrap_or_else(|_| Some("A player panicked.".into())))
            .collect()
    });
    match failures.as_slice() {
        [] => Ok(()),
        failures => Err(failures.join("\n\n")),
    }
}

/// Runs one and prints its result; a failure is returned, to be printed last.
fn play(name: &str, adept: &Path, packages: &Packages) -> Option<String> {
    let started = Instant::now();
    let played = match name {
        "quickstart" => documents::QUICK_START.play(adept, packages),
        "readme" => documents::README.play(adept, packages),
        "python" => life_cycle::python(adept, packages),
        "generic" => life_cycle::generic(adept, packages),
        "recorded" => life_cycle::recorded(adept, packages),
        "kiota" => life_cycle::kiota(adept, packages),
        _ => life_cycle::javascript(adept, packages),
    };
    match played {
        Ok(output) => {
            let seconds = started.elapsed().as_secs_f64();
            println!("{name}: passed in {seconds:.1} s\n{}", indented(&output));
            None
        }
        Err(error) => Some(format!("{name} failed: {error}")),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
