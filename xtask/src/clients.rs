//! `cargo xtask clients`: what real clients do against a running service with the simulator as Apple. Microsoft's SDKs
//! play the programs of `clients/`, and a shell runs the documents' own commands. All of them play at the same time,
//! each with a service of its own.

mod documents;
mod install;
mod life_cycle;
mod lock;
mod page;
mod scene;

use std::path::Path;
use std::time::Instant;

use crate::run::{Result, build_adept};
use install::Packages;

/// Who plays.
#[derive(clap::Args, Default)]
pub(crate) struct Flags {
    /// Only these; all of them unless named.
    #[arg(value_parser = NAMES)]
    only: Vec<String>,
    /// Play nothing; write the lock files again from requirements.in and package.json.
    #[arg(long)]
    lock: bool,
}

const NAMES: [&str; 4] = ["quickstart", "readme", "python", "javascript"];

/// Installs what is missing, plays, and fails with what failed.
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

/// Plays one and tells how it went; what failed is returned to be told last.
fn play(name: &str, adept: &Path, packages: &Packages) -> Option<String> {
    let started = Instant::now();
    let played = match name {
        "quickstart" => documents::QUICK_START.play(adept, packages),
        "readme" => documents::README.play(adept, packages),
        "python" => life_cycle::python(adept, packages),
        _ => life_cycle::javascript(adept, packages),
    };
    match played {
        Ok(told) => {
            let seconds = started.elapsed().as_secs_f64();
            println!("{name}: passed in {seconds:.1} s\n{}", indented(&told));
            None
        }
        Err(error) => Some(format!("{name} failed: {error}")),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
