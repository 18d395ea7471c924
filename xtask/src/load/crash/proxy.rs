//! A TCP proxy between the service and PostgreSQL. When armed it lets the next COMMIT through, drops the server's answer
//! to it and closes both ends, so that the service cannot know whether it committed. Told to, it lets no COMMIT through, so
//! that transactions stay open.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::Result;

/// A simple query that commits, as it is on the wire: type, length, text (PostgreSQL's documentation, "Message Formats").
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// A running proxy. It accepts connections until the process ends.
pub(super) struct Proxy {
    pub(super) port: u16,
    cuts: Arc<Cuts>,
}

#[derive(Default)]
struct Cuts {
    armed: AtomicBool,
    made: AtomicU64,
    /// No COMMIT is let through.
    holds: AtomicBool,
}

impl Proxy {
    /// Listens on a port of its own, before the server on port `server` of this machine.
    pub(super) fn start(server: u16) -> Result<Self> {
        let failed = |error: io::Error| format!("Cannot start the database's proxy: {error}.");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let cuts = Arc::new(Cuts::default());
        let shared = Arc::clone(&cuts);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that is down closes the client's end too.
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { continue };
                // Either end that cannot be shared ends the connection.
                let _ = join(client, server, Arc::clone(&shared));
            }
        });
        Ok(Self { port, cuts })
    }

    /// Cuts the connection that commits next.
    pub(super) fn arm(&self) {
        self.cuts.armed.store(true, Ordering::SeqCst);
    }

    /// Cuts none from now on.
    pub(super) fn disarm(&self) {
        self.cuts.armed.store(false, Ordering::SeqCst);
    }

    /// Lets no COMMIT through from now on: the transactions of connections that commit stay open.
    pub(super) fn hold_commits(&self) {
        self.cuts.holds.store(true, Ordering::SeqCst);
    }

    /// Lets COMMITs through again; those that were held never arrive, and their connections are closed.
    pub(super) fn end_hold(&self) {
        self.cuts.holds.store(false, Ordering::SeqCst);
    }

    /// Connections cut so far.
    pub(super) fn cuts(&self) -> u64 {
        self.cuts.made.load(Ordering::SeqCst)
    }
}

/// Copies in both directions, each on a thread of its own.
fn join(client: TcpStream, server: TcpStream, cuts: Arc<Cuts>) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let is_cut = Arc::new(AtomicBool::new(false));
    let (to_server, from_client) = (server.try_clone()?, client.try_clone()?);
    let (shared, shared_cuts) = (Arc::clone(&is_cut), Arc::clone(&cuts));
    std::thread::spawn(move || {
        copy(from_client, to_server, |bytes| {
            let commits = bytes.windows(COMMIT.len()).any(|window| window == COMMIT);
            if commits && shared_cuts.armed.swap(false, Ordering::SeqCst) {
                shared.store(true, Ordering::SeqCst);
            }
            let is_held = commits && shared_cuts.holds.load(Ordering::SeqCst);
            while is_held && shared_cuts.holds.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            !is_held
        });
    });
    std::thread::spawn(move || {
        copy(server, client, |_| {
            let keep = !is_cut.load(Ordering::SeqCst);
            cuts.made.fetch_add(u64::from(!keep), Ordering::SeqCst);
            keep
        });
    });
    Ok(())
}

/// Copies until one end closes or `keep` refuses what was read; then closes both.
fn copy(mut from: TcpStream, mut to: TcpStream, keep: impl Fn(&[u8]) -> bool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !keep(&buffer[..count]) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // One that is closed already is fine.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers every read with `done`.
    fn server() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut buffer = [0; 100];
                    while let Ok(1..) = client.read(&mut buffer) {
                        client.write_all(b"done").unwrap();
                    }
                });
            }
        });
        port
    }

    #[test]
    fn a_commit_that_is_held_never_arrives() {
        let proxy = Proxy::start(server()).unwrap();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).unwrap();
        let mut answer = [0; 4];
        proxy.hold_commits();
        client.write_all(b"Q\0\0\0\x0aBEGIN\0").unwrap();
        client.read_exact(&mut answer).unwrap();
        client.write_all(COMMIT).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert_eq!(client.read(&mut answer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        proxy.end_hold();
        client.set_read_timeout(None).unwrap();
        assert_eq!(client.read(&mut answer).unwrap_or(0), 0, "the connection is closed");
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).unwrap();
        client.write_all(COMMIT).unwrap();
        client.read_exact(&mut answer).unwrap();
    }

    #[test]
    fn an_armed_proxy_cuts_the_next_commit_and_no_other() {
        let proxy = Proxy::start(server()).unwrap();
        let ask = |client: &mut TcpStream, text: &[u8]| {
            client.write_all(text).unwrap();
            let mut answer = [0; 4];
            client.read_exact(&mut answer).map(|()| answer)
        };
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).unwrap();
        assert_eq!(ask(&mut client, COMMIT).unwrap(), *b"done");
        proxy.arm();
        assert_eq!(ask(&mut client, b"Q\0\0\0\x0aBEGIN\0").unwrap(), *b"done");
        assert!(ask(&mut client, COMMIT).is_err());
        assert_eq!(proxy.cuts(), 1);
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).unwrap();
        assert_eq!(ask(&mut client, COMMIT).unwrap(), *b"done");
        assert_eq!(proxy.cuts(), 1);
    }
}
