//! Answers as they are on the wire: for what a well-behaved HTTP client would hide.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Sim;

/// What came back until the connection ended.
pub(crate) struct Wire {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The connection was reset instead of closed.
    pub(crate) reset: bool,
}

impl Wire {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| {
            line.split_once(": ").filter(|(known, _)| known.eq_ignore_ascii_case(name)).is_some()
        };
        self.head
            .lines()
            .find(|found| line(found))
            .and_then(|found| found.split_once(": "))
            .map(|pair| pair.1)
    }

    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

impl Sim {
    /// Sends a call on a connection of its own, which ends with its answer.
    pub(crate) async fn wire(&self, method: &str, path: &str, session: &str, body: &str) -> Wire {
        self.announced(method, path, session, body.len(), body).await
    }

    /// The same with a body that is announced to have this length.
    pub(crate) async fn announced(
        &self,
        method: &str,
        path: &str,
        session: &str,
        length: usize,
        body: &str,
    ) -> Wire {
        let mut stream = TcpStream::connect(self.simulator.url().replace("http://", "")).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: tests/1\r\n\
             X-ADM-Auth-Session: {session}\r\nContent-Length: {length}\r\n\r\n{body}",
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        let reset = stream.read_to_end(&mut all).await.is_err();
        let end = all.windows(4).position(|four| four == b"\r\n\r\n").map_or(all.len(), |end| end + 4);
        let body = all.split_off(end);
        Wire { head: String::from_utf8(all).unwrap(), body, reset }
    }
}
