//! `cargo xtask ci`: everything that a change must pass, in one build profile. The cheapest check comes first.

use std::process::Stdio;

use crate::pg::Durability;
use crate::run::{Result, Steps, cargo, check};
use crate::{crash, r#gen, test, tidy};

/// Runs the steps until one fails, then prints the time of each.
pub(crate) fn run() -> Result {
    let mut steps = Steps::default();
    let outcome = all(&mut steps);
    steps.summary();
    outcome
}

fn all(steps: &mut Steps) -> Result {
    component("fmt", "rustfmt")?;
    component("clippy", "clippy")?;
    steps.run("fmt", || {
        check(&mut cargo(["fmt", "--all", "--check"]))
            .map_err(|error| format!("{error} Run `cargo fmt --all` to fix it."))
    })?;
    steps.run("tidy", tidy::run)?;
    steps.run("clippy", || {
        check(cargo(["clippy", "--locked", "--workspace", "--all-targets"]).args([
            "--features",
            "xtask/load,adept/failpoints",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    steps.run("gen --check", || r#gen::run(true))?;
    steps.run("test", || test::run(&[], Durability::Off.into()))?;
    steps.run("crash", crash::for_ci)?;
    steps.run("replicas", test::replicas)?;
    steps.run("failover", crash::failover_for_ci)?;
    steps.run("package", package)
}

/// Packs and builds the crates that others may use, as a registry would. Refuses files that are not committed.
fn package() -> Result {
    check(&mut cargo([
        "package",
        "--locked",
        "--offline",
        "--quiet",
        "-p",
        "adept-apple",
        "-p",
        "adept-simulator",
    ]))
}

/// Reports which part of the toolchain is missing, before anything is built.
fn component(subcommand: &str, name: &str) -> Result {
    let asked = cargo([subcommand, "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if asked.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(format!(
        "The toolchain has no {name}. Install it with `rustup component add {name}` and start again."
    ))
}
