//! A throwaway PostgreSQL: its own data folder, user, password and loopback port; removed when its holder ends.
//!
//! A second process guards it in a process group of its own and waits for the end of its standard input. So the
//! server and its folder go away when the holder ends in any way, Ctrl-C and `kill -9` included, without a signal
//! handler here. Not a way to run a PostgreSQL that should be kept.

mod bouncer;
mod install;
mod pair;
mod server;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::run::{Result, root};
use bouncer::Bouncer;
use server::Server;

/// Whether commits reach the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// fsync off: fast, and lost with the machine. For tests.
    Off,
    /// fsync on, as a real server has it. For crash runs and measurements.
    On,
}

/// Which server is started.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct Choice {
    /// Leave fsync on, as a real server has it
    #[arg(long)]
    pub(crate) durable: bool,
    /// PostgreSQL's major version: 15 is Debian's, newer ones come from npm; the newest installed one by default
    #[arg(long = "postgres", value_name = "VERSION")]
    pub(crate) version: Option<u32>,
    /// Put PgBouncer in transaction mode before it
    #[arg(long = "pgbouncer")]
    pub(crate) bouncer: bool,
}

impl From<Durability> for Choice {
    fn from(durability: Durability) -> Self {
        Self { durable: durability == Durability::On, version: None, bouncer: false }
    }
}

/// A running server; dropping it stops the server and removes its folder.
pub(crate) struct Throwaway {
    url: String,
    bouncer: Option<String>,
    dir: PathBuf,
    guard: Child,
    leash: Option<ChildStdin>,
}

impl Throwaway {
    /// The superuser's URL, on 127.0.0.1, with a password that only this run knows.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The port of PgBouncer before it.
    pub(crate) fn bouncer(&self) -> Option<&str> {
        self.bouncer.as_deref()
    }

    /// The server's first process, the parent of all others.
    pub(crate) fn pid(&self) -> Result<u32> {
        let file = self.dir.join("data/postmaster.pid");
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("Cannot read {}: {error}.", file.display()))?;
        let first = text.lines().next().and_then(|line| line.trim().parse().ok());
        first.ok_or_else(|| format!("{} names no process.", file.display()))
    }

    /// PostgreSQL's program that makes databases.
    pub(crate) fn createdb(&self) -> Result<PathBuf> {
        let program = install::programs(None)?.join("createdb");
        if program.is_file() {
            return Ok(program);
        }
        Err(format!("PostgreSQL has no {}; install its client programs too.", program.display()))
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        drop(self.leash.take());
        if let Err(error) = self.guard.wait() {
            eprintln!("The throwaway PostgreSQL may still run: {error}.");
        }
    }
}

/// Starts a server, installing PostgreSQL first where that is possible. Returns when it answers.
pub(crate) fn throwaway(choice: impl Into<Choice>) -> Result<Throwaway> {
    let choice = choice.into();
    install::programs(choice.version)?;
    let dir =
        std::env::temp_dir().join(format!("adept-pg-{}-{}", std::process::id(), server::random_hex(4)?));
    let mut command = Command::new(myself()?);
    command.arg("pg-guard").arg(&dir).args(choice.durable.then_some("--durable"));
    command.args(choice.version.map(|version| format!("--postgres={version}")));
    command.args(choice.bouncer.then_some("--pgbouncer"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).current_dir(root());
    let mut guard = command.spawn().map_err(|error| format!("Cannot start PostgreSQL's guard: {error}."))?;
    let leash = guard.stdin.take();
    let mut url = String::new();
    if let Some(words) = guard.stdout.take() {
        BufReader::new(words)
            .read_line(&mut url)
            .map_err(|error| format!("PostgreSQL's guard is silent: {error}."))?;
    }
    let (url, bouncer) = match url.trim().split_once(' ') {
        Some((url, port)) => (url.to_owned(), Some(port.to_owned())),
        None => (url.trim().to_owned(), None),
    };
    let postgres = Throwaway { url, bouncer, dir, guard, leash };
    if postgres.url.is_empty() {
        Err("PostgreSQL did not start; the lines above say why.".into())
    } else {
        Ok(postgres)
    }
}

/// `cargo xtask pg`: a server in the foreground until Ctrl-C.
pub(crate) fn run(choice: Choice) -> Result {
    let postgres = throwaway(choice)?;
    println!("{}", postgres.url());
    eprintln!(
        "PostgreSQL is ready; fsync is {}. Ctrl-C stops and removes it.",
        if choice.durable { "on" } else { "off" }
    );
    loop {
        std::thread::park();
    }
}

/// The guard: prints the URL, and PgBouncer's port, when the server answers; removes everything when standard input ends.
pub(crate) fn guard(dir: &Path, choice: Choice) -> Result {
    let programs = install::programs(choice.version)?;
    let server = Server::start(dir, programs, choice.durable)?;
    let bouncer = choice.bouncer.then(|| Bouncer::start(&server)).transpose()?;
    let port = bouncer.as_ref().map_or(String::new(), |bouncer| format!(" {}", bouncer.port()));
    println!("{}{port}", server.url(server.port()));
    let ended = std::io::stdin().read_to_end(&mut Vec::new());
    drop(bouncer);
    drop(server);
    ended.map(|_| ()).map_err(|error| format!("PostgreSQL's guard lost its holder: {error}."))
}

/// The guard of a pair: prints the URL by way of HAProxy and the path of createdb; each line of standard input kills the
/// primary and prints `promoted` when the standby has taken its place. Removes everything when standard input ends.
pub(crate) fn guard_pair(dir: &Path) -> Result {
    let programs = install::programs(None)?;
    let mut pair = pair::Pair::start(dir, programs.clone())?;
    println!("{} {}", pair.url(), programs.join("createdb").display());
    for line in std::io::stdin().lines() {
        line.map_err(|error| format!("PostgreSQL's guard lost its holder: {error}."))?;
        pair.fail_over(|| println!("promoted"))?;
    }
    Ok(())
}

/// Our own program. On Linux by a name that holds even after cargo has built a newer xtask over it.
fn myself() -> Result<std::path::PathBuf> {
    let by_kernel = Path::new("/proc/self/exe");
    if by_kernel.exists() {
        return Ok(by_kernel.to_path_buf());
    }
    std::env::current_exe().map_err(|error| format!("Cannot find xtask's own binary: {error}."))
}
