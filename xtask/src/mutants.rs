//! `cargo xtask mutants`: which small changes of the code no test notices. By hand: it takes hours. Runs cargo-mutants and
//! installs it where it is missing.

use std::process::Stdio;

use crate::run::{Result, cargo, check, root};
use crate::test::has_nextest;

/// What is mutated.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Only this part; all of them unless named
    #[arg(value_parser = PARTS.map(|(name, _)| name))]
    only: Vec<String>,
    /// List the mutants and test none
    #[arg(long)]
    list: bool,
}

/// Each part: its name, and the flags that choose its files and the tests that must notice.
const PARTS: [(&str, &[&str]); 3] = [
    ("domain", &["--package", "adept-domain"]),
    ("odata", &["--package", "adept-odata"]),
    (
        "token",
        &[
            "--package",
            "adept-apple",
            "--file",
            "crates/apple/src/token.rs",
            "--file",
            "crates/apple/src/token/**",
        ],
    ),
];

/// Tests every mutant, and prints those that were missed.
pub(crate) fn run(flags: &Flags) -> Result {
    install()?;
    let mut missed = String::new();
    for (name, selection) in PARTS {
        if !flags.only.is_empty() && !flags.only.iter().any(|only| only == name) {
            continue;
        }
        let folder = root().join("target/mutants").join(name);
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("Cannot make {}: {error}.", folder.display()))?;
        let mut command = cargo(["mutants", "--no-shuffle", "--colors", "never"]);
        command.args(selection).arg("--output").arg(&folder).args(flags.list.then_some("--list"));
        if has_nextest() {
            command.args(["--test-tool", "nextest"]);
        }
        let status = command.status().map_err(|error| format!("Cannot start cargo mutants: {error}."))?;
        // 2: some were missed, 3: some took too long; both are results.
        if !status.success() && !matches!(status.code(), Some(2 | 3)) {
            return Err(format!("`cargo mutants` failed on {name} ({status})."));
        }
        let list = folder.join("mutants.out/missed.txt");
        missed.push_str(&std::fs::read_to_string(list).unwrap_or_default());
    }
    if !flags.list {
        println!("\nMissed by every test:\n{missed}({} in all)", missed.lines().count());
    }
    Ok(())
}

fn install() -> Result {
    let is_there = |arguments| {
        let status = cargo(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if is_there(["mutants", "--version"]) {
        return Ok(());
    }
    check(&mut cargo(["install", "--locked", "cargo-mutants"]))
}
