//! `cargo xtask peers`: an independent client of Apple's service, in Python, checks our simulator, and our own client
//! through a recording proxy. It lies in `peers/python`, is written from Apple's documents alone, and uses none of our crates.

use std::process::Command;

use crate::install::{self, OPENSSL, PYTHON};
use crate::run::{Result, build_adept, root};

/// What is checked.
#[derive(clap::Args, Default)]
pub(crate) struct Flags {
    /// Only this; both unless named.
    #[arg(value_parser = NAMES)]
    only: Vec<String>,
    /// Name every rule that was held, and not only those that something differs from.
    #[arg(long)]
    all: bool,
    /// Check nothing; write the lock file again from requirements.in.
    #[arg(long)]
    lock: bool,
}

const NAMES: [&str; 2] = ["simulator", "service"];

/// Installs what is missing and checks; fails when anything differs from the contract.
pub(crate) fn run(flags: &Flags) -> Result {
    let programs = root().join("peers/python");
    if flags.lock {
        return install::lock_python(&programs);
    }
    let adept = build_adept(false)?;
    install::programs(&[OPENSSL, PYTHON])?;
    let environment = root().join("target/peers");
    install::python(&environment, &programs.join("requirements.txt"))?;
    let judge = |name: &str| {
        let mut python = Command::new(environment.join("bin/python"));
        python.arg(programs.join(format!("judge_{name}.py"))).arg(&adept);
        python.args(flags.all.then_some("--all")).env("PYTHONDONTWRITEBYTECODE", "1");
        let output = python.output().map_err(|error| format!("Cannot start Python: {error}."))?;
        let [out, err] =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        println!("The {name}:\n{out}");
        if output.status.success() {
            return Ok(());
        }
        Err(format!("The {name} differs from the contract, see above.\n{err}"))
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let wanted = |name: &&str| flags.only.is_empty() || flags.only.iter().any(|only| only == name);
        let judging: Vec<_> =
            NAMES.into_iter().filter(wanted).map(|name| scope.spawn(move || judge(name))).collect();
        let ended =
            judging.into_iter().map(|one| one.join().unwrap_or_else(|_| Err("A judge panicked.".into())));
        ended.filter_map(Result::err).collect()
    });
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}
