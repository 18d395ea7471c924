//! Starts other programs and reports how long each step took. Not for what a step does.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A failure is a sentence for the person at the terminal; no code matches on it.
pub(crate) type Result<T = ()> = std::result::Result<T, String>;

/// The folder that holds the workspace's Cargo.toml.
pub(crate) fn root() -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(xtask) => Path::new(&xtask).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf),
        None => std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
    }
}

/// The cargo that started us, in the workspace's root.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    // These describe xtask itself; a nested cargo would see changed inputs in them and build crates again.
    for name in std::env::vars_os().map(|(name, _)| name) {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// Builds the binary `adept` (debug, or release) and returns its path, beside xtask's own.
pub(crate) fn build_adept(release: bool) -> Result<PathBuf> {
    let mut build = cargo(["build", "--locked", "--package", "adept", "--bin", "adept"]);
    if release {
        build.arg("--release");
    }
    check(&mut build)?;
    built(release, "adept")
}

/// Builds `adept` and our own `load` (debug, or release) with cargo, in one go, so that both share every dependency.
/// `failpoints` compiles the crash tests' fail points into adept. Returns both paths.
pub(crate) fn build_load(release: bool, failpoints: bool) -> Result<(PathBuf, PathBuf)> {
    let features = if failpoints { "xtask/load,adept/failpoints" } else { "xtask/load" };
    let mut build = cargo(["build", "--locked", "--package", "adept", "--package", "xtask"]);
    build.args(["--bin", "adept", "--bin", "load", "--features", features]);
    if release {
        build.arg("--release");
    }
    check(&mut build)?;
    Ok((built(release, "adept")?, built(release, "load")?))
}

/// A program that cargo built: it lies beside xtask's own.
fn built(release: bool, name: &str) -> Result<PathBuf> {
    let me = std::env::current_exe().map_err(|error| format!("Cannot find xtask's own binary: {error}."))?;
    let profiles =
        me.parent().and_then(Path::parent).ok_or("xtask does not lie in cargo's target folder.")?;
    let program = profiles.join(if release { "release" } else { "debug" }).join(name);
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!(
            "cargo built `{name}`, but it is not at {}; run it through `cargo xtask`.",
            program.display()
        ))
    }
}

/// Runs a program on our terminal; fails with its name and its exit code.
pub(crate) fn check(command: &mut Command) -> Result {
    let status = command.status().map_err(|error| format!("Cannot start {}: {error}.", typed(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed ({status}).", typed(command))) }
}

/// Runs a program and returns its output; the error holds its standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("Cannot start {}: {error}.", typed(command)))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} failed ({}):\n{}", typed(command), output.status, complaint.trim_end()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{} wrote text that is not UTF-8.", typed(command)))
}

/// A loopback port that was free a moment ago, for a program that is started next.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("No free loopback port: {error}."))
}

/// The program and its arguments as they are typed.
fn typed(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let arguments = command.get_args().map(|argument| format!(" {}", argument.to_string_lossy()));
    format!("`{program}{}`", arguments.collect::<String>())
}

/// Named steps, run in order, with the time of each.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration, bool)>,
}

impl Steps {
    /// Runs one step and remembers how long it took and whether it succeeded.
    pub(crate) fn run<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n== {name}");
        let started = Instant::now();
        let outcome = work();
        self.done.push((name.to_owned(), started.elapsed(), outcome.is_ok()));
        outcome
    }

    /// Prints one line per step and the sum.
    pub(crate) fn summary(&self) {
        println!();
        for (name, time, ok) in &self.done {
            println!("{} {:>8}  {name}", if *ok { "ok    " } else { "FAILED" }, seconds(*time));
        }
        println!("       {:>8}  in all", seconds(self.done.iter().map(|(_, time, _)| *time).sum()));
    }
}

/// Minutes and seconds as people read them.
fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        whole => format!("{}:{:02} m", whole / 60, whole % 60),
    }
}
