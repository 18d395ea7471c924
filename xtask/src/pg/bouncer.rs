//! PgBouncer in transaction mode before a throwaway PostgreSQL. Does not know its clients.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::server::Server;
use crate::apt;
use crate::install::{self, Program};
use crate::run::{Result, free_port};

const PGBOUNCER: Program = ("pgbouncer", &["--version"], &["pgbouncer"]);

/// The longest start that is waited for.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A running PgBouncer, stopped when dropped.
pub(super) struct Bouncer {
    process: Child,
    port: u16,
}

impl Bouncer {
    /// Starts it before `server`, with its files in the server's folder.
    pub(super) fn start(server: &Server) -> Result<Self> {
        install::programs(&[PGBOUNCER])?;
        let port = free_port()?;
        let users = server.file("userlist.txt");
        server.write(&users, &format!("\"postgres\" \"{}\"\n", server.password()))?;
        let settings = server.file("pgbouncer.ini");
        server.write(
            &settings,
            &format!(
                "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 unix_socket_dir =\nauth_type = plain\nauth_file = {}\nlogfile = {}\npool_mode = transaction\n\
                 max_client_conn = 1000\ndefault_pool_size = 20\nserver_idle_timeout = 5\n\
                 ",
                server.port(),
                users.display(),
                server.file("pgbouncer.log").display()
            ),
        )?;
        let mut command = Command::new("pgbouncer");
        command.arg("--quiet").arg(settings).stdin(Stdio::null()).stdout(Stdio::null());
        if apt::is_root()? {
            command.args(["--user", "postgres"]);
        }
        let process = command.spawn().map_err(|error| format!("Cannot start pgbouncer: {error}."))?;
        let mut bouncer = Self { process, port };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = bouncer.process.try_wait().map_err(|error| error.to_string())?;
            if ended.is_some() || started.elapsed() > TIMEOUT {
                let log = std::fs::read_to_string(server.file("pgbouncer.log")).unwrap_or_default();
                return Err(format!("pgbouncer did not start:\n{log}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(bouncer)
    }

    /// Its port on 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        // It may have ended by itself, which is fine.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
