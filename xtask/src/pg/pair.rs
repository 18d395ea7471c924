//! A PostgreSQL primary with a synchronous standby behind HAProxy, and its failover: plain streaming replication with a
//! scripted promotion. HAProxy asks each node over HTTP whether it is the primary, as it asks Patroni's.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use super::server::Server;
use crate::install::{self, Program};
use crate::run::{Result, free_port};

const HAPROXY: Program = ("haproxy", &["-v"], &["haproxy"]);

/// The longest start of HAProxy that is waited for.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Everything that runs; dropped in this order.
pub(super) struct Pair {
    proxy: Child,
    port: u16,
    /// None only while one takes the other's place.
    primary: Option<Server>,
    standby: Option<Server>,
    /// The primary's port; 0 while there is none.
    primary_port: Arc<AtomicU16>,
    folder: PathBuf,
    made: u32,
}

impl Pair {
    /// Starts both servers and HAProxy in `folder`, which must not exist yet.
    pub(super) fn start(folder: &Path, programs: PathBuf) -> Result<Self> {
        install::programs(&[HAPROXY])?;
        let failed = |error: std::io::Error| format!("Cannot make {}: {error}.", folder.display());
        std::fs::create_dir(folder).map_err(failed)?;
        let primary = Server::start(&folder.join("0"), programs, true)?;
        let standby = Server::standby(&folder.join("1"), &primary, None)?;
        primary.wait_for_standby()?;
        standby.wait_for_standby()?;
        let primary_port = Arc::new(AtomicU16::new(primary.port()));
        let port = free_port()?;
        let mut settings = format!(
            "defaults\n mode tcp\n timeout connect 2s\n timeout client 1h\n timeout server 1h\n\
             listen postgres\n bind 127.0.0.1:{port}\n option httpchk GET /primary\n\
             \x20default-server inter 200ms fall 1 rise 1 on-marked-down shutdown-sessions\n"
        );
        // HAProxy takes every node to be up until its first check: until then a backup gets nothing.
        for (server, role) in [(&primary, ""), (&standby, " backup")] {
            let (node, check) = (server.port(), answer_checks(server.port(), &primary_port)?);
            settings.push_str(&format!(" server node{node} 127.0.0.1:{node} check port {check}{role}\n"));
        }
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, settings).map_err(failed)?;
        let mut command = Command::new("haproxy");
        command.args(["-db", "-q", "-f"]).arg(file).stdin(Stdio::null()).stdout(Stdio::null());
        let proxy = command.spawn().map_err(|error| format!("Cannot start haproxy: {error}."))?;
        let (primary, standby, folder) = (Some(primary), Some(standby), folder.to_path_buf());
        let pair = Self { proxy, port, primary, standby, primary_port, folder, made: 2 };
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if started.elapsed() > TIMEOUT {
                return Err("HAProxy did not start; the lines above say why.".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(pair)
    }

    /// The superuser's URL by way of HAProxy.
    pub(super) fn url(&self) -> String {
        self.primary.as_ref().map_or_else(String::new, |primary| primary.url(self.port))
    }

    /// Kills the primary, promotes the standby, calls `promoted`, and makes a new standby in the killed one's place.
    pub(super) fn fail_over(&mut self, promoted: impl FnOnce()) -> Result {
        let (Some(primary), Some(standby)) = (self.primary.take(), self.standby.take()) else {
            return Err("The pair is incomplete after a failover that failed.".into());
        };
        let port = primary.port();
        self.primary_port.store(0, Ordering::SeqCst);
        primary.kill()?;
        standby.promote()?;
        self.primary_port.store(standby.port(), Ordering::SeqCst);
        promoted();
        let folder = self.folder.join(self.made.to_string());
        self.made += 1;
        self.standby = Some(Server::standby(&folder, &standby, Some(port))?);
        self.primary = Some(standby);
        Ok(())
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // It may have ended by itself, which is fine.
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
        self.standby = None;
        self.primary = None;
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("Cannot remove {}: {error}.", self.folder.display());
        }
    }
}

/// Answers HAProxy's checks of one node, until the process ends; returns the port to ask.
fn answer_checks(node: u16, primary: &Arc<AtomicU16>) -> Result<u16> {
    let failed = |error: std::io::Error| format!("Cannot answer HAProxy's checks: {error}.");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let primary = Arc::clone(primary);
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let status = match primary.load(Ordering::SeqCst) == node {
                true => "200 OK",
                false => "503 Service Unavailable",
            };
            // HAProxy counts a check without an answer as failed.
            let _ = client.read(&mut [0; 1024]);
            let _ = write!(client, "HTTP/1.0 {status}\r\nContent-Length: 0\r\n\r\n");
        }
    });
    Ok(port)
}
