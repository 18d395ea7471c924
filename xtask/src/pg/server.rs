//! One PostgreSQL server in a folder of its own: made, started, stopped, removed. Does not know its holder.

use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::install;
use crate::apt;
use crate::run::{Result, free_port, output};

/// Ports are taken between our look and PostgreSQL's; a few tries are plenty.
const TRIES: usize = 5;

/// A running server, stopped and removed when dropped.
pub(super) struct Server {
    dir: PathBuf,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    password: String,
    port: u16,
}

impl Server {
    /// Makes a cluster in `dir`, which must not exist yet, and starts it. On failure nothing is left behind.
    pub(super) fn start(dir: &Path, programs: PathBuf, durable: bool) -> Result<Self> {
        let mut server = Self::in_folder(dir, programs, random_hex(16)?)?;
        server.make_cluster(durable)?;
        server.launch(None)?;
        Ok(server)
    }

    /// Copies a running server to `dir`, which must not exist yet, and starts the copy as its standby, on this port if
    /// one is named. Commits of `primary` wait for it from then on.
    pub(super) fn standby(dir: &Path, primary: &Self, port: Option<u16>) -> Result<Self> {
        let mut server = Self::in_folder(dir, primary.programs.clone(), primary.password.clone())?;
        let mut copy = server.program("pg_basebackup");
        copy.args(["--pgdata", "data", "--write-recovery-conf", "--checkpoint", "fast", "--no-sync"]);
        output(copy.args(["--dbname", &primary.url(primary.port)]))?;
        server.launch(port)?;
        Ok(server)
    }

    /// Makes every commit wait until a standby has it on its disk.
    pub(super) fn wait_for_standby(&self) -> Result {
        let settings = self.dir.join("data/postgresql.conf");
        self.write(&settings, "synchronous_standby_names = '*'\nsynchronous_commit = on\n")?;
        self.pg_ctl(&["reload"]).map(drop)
    }

    /// Makes a standby the primary; returns when it takes writes.
    pub(super) fn promote(&self) -> Result {
        self.pg_ctl(&["promote", "--wait"]).map(drop)
    }

    /// Kills the server as a power cut would, so that nothing of it is left but its folder.
    pub(super) fn kill(self) -> Result {
        let file = self.dir.join("data/postmaster.pid");
        let text = std::fs::read_to_string(&file).map_err(|error| format!("Cannot read a pid: {error}."))?;
        let pid = text.lines().next().unwrap_or_default();
        // Its children end by themselves when they notice; killing them all at once leaves them no time for it.
        let kill = format!(
            "kill -KILL {pid} $(ps -o pid= --ppid {pid}); while kill -0 {pid} 2>/dev/null; do :; done"
        );
        output(Command::new("sh").args(["-c", &kill]))?;
        std::fs::remove_file(file).map_err(|error| format!("Cannot remove a pid: {error}."))
    }

    /// An empty folder of the server's user.
    fn in_folder(dir: &Path, programs: PathBuf, password: String) -> Result<Self> {
        let user = if apt::is_root()? { Some(install::other_user()?) } else { None };
        let fail = |error: std::io::Error| {
            format!("Cannot make {}: {error}. TMPDIR chooses another place.", dir.display())
        };
        std::fs::DirBuilder::new().mode(0o700).create(dir).map_err(fail)?;
        let server = Self { dir: dir.to_path_buf(), programs, user, password, port: 0 };
        server.own(dir).map_err(fail)?;
        Ok(server)
    }

    fn launch(&mut self, port: Option<u16>) -> Result {
        for attempt in 1..=TRIES {
            self.port = port.map_or_else(free_port, Ok)?;
            let options = format!("-p {}", self.port);
            match self.pg_ctl(&["start", "--wait", "--log", "log", "--options", &options]) {
                Ok(_) => break,
                Err(error) if attempt == TRIES => return Err(format!("{error}\n{}", self.log())),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// The superuser's URL, by way of `port`.
    pub(super) fn url(&self, port: u16) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{port}/postgres", self.password)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// A path in the server's folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn make_cluster(&self, durable: bool) -> Result {
        let password_file = self.dir.join("password");
        self.write(&password_file, &self.password)?;
        let mut initdb = self.program("initdb");
        initdb.args([
            "--pgdata",
            "data",
            "--username",
            "postgres",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
        ]);
        // A cleartext password on loopback costs the client nothing; SCRAM in an unoptimized client costs much.
        initdb.args(["--auth", "password", "--pwfile", "password"]);
        // A collation that is not byte order shows every ORDER BY that forgot its COLLATE "C".
        if output(self.program("initdb").arg("--help"))?.contains("--icu-locale") {
            initdb.args(["--locale-provider", "icu", "--icu-locale", "en-US"]);
        }
        output(&mut initdb)?;
        let mut settings = String::from(
            "\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 300\n\
             log_min_messages = warning\n",
        );
        if !durable {
            settings.push_str("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n");
        }
        self.write(&self.dir.join("data/postgresql.conf"), &settings)
    }

    /// Appends to a file in the server's folder that only the server's user may read.
    pub(super) fn write(&self, file: &Path, text: &str) -> Result {
        let written = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(file)
            .and_then(|mut open| open.write_all(text.as_bytes()))
            .and_then(|()| self.own(file));
        written.map_err(|error| format!("Cannot write {}: {error}.", file.display()))
    }

    fn own(&self, file: &Path) -> std::io::Result<()> {
        self.user.map_or(Ok(()), |(uid, gid)| chown(file, Some(uid), Some(gid)))
    }

    fn pg_ctl(&self, arguments: &[&str]) -> Result<String> {
        output(self.program("pg_ctl").args(["--silent", "--pgdata", "data"]).args(arguments))
    }

    /// One of PostgreSQL's programs, in the server's folder, as its user and without our own PG* settings.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(&self.dir).env_clear().env("LC_ALL", "C").env("PATH", &self.programs);
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.dir.join("data/postmaster.pid").exists()
            && let Err(error) = self.pg_ctl(&["stop", "--wait", "--mode", "immediate"])
        {
            eprintln!("The throwaway PostgreSQL did not stop: {error}");
        }
        if let Err(error) = std::fs::remove_dir_all(&self.dir) {
            eprintln!("Cannot remove {}: {error}.", self.dir.display());
        }
    }
}

/// `bytes` random bytes of the kernel, as hexadecimal digits.
pub(super) fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .map_err(|error| format!("Cannot read /dev/urandom: {error}."))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
