//! Exchanges with the portal side in HTTP/1.1 over TCP, on a connection that is kept for the next one. The portal side
//! announces the length of every body, so that there are no chunks to read. It knows no path.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{PortalError, PortalExchange};

/// The longest that one exchange may take; a wait for a fault rule may take ten minutes by itself.
const TIMEOUT: Duration = Duration::from_secs(660);

/// What the portal side returned.
pub(super) struct Reply {
    pub(super) exchange: PortalExchange,
    /// The file name that a download proposes.
    pub(super) file_name: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Where the portal side is, and a connection that nobody uses at the moment.
#[derive(Clone)]
pub(super) struct Http {
    /// `host:port`.
    authority: String,
    idle: Arc<Mutex<Option<TcpStream>>>,
}

impl Http {
    pub(super) fn new(authority: String) -> Self {
        Self { authority, idle: Arc::default() }
    }

    /// Sends a request and reads the whole answer, of any status.
    pub(super) async fn exchange(&self, method: &str, path: &str, body: &[u8]) -> Result<Reply, PortalError> {
        let started = Instant::now();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.authority).into_bytes();
        request.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
        request.extend_from_slice(body);
        let transfer = tokio::time::timeout(TIMEOUT, self.transfer(&request));
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let (head, body) = transfer.await.map_err(late).flatten().map_err(PortalError::Unreachable)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status
            .ok_or_else(|| PortalError::NotUnderstood(format!("{method} {path} was not answered in HTTP")))?;
        let took = started.elapsed();
        let exchange = PortalExchange { method: method.to_owned(), path: path.to_owned(), status, took };
        let proposed = header(&head, "content-disposition").and_then(|value| value.split('"').nth(1));
        Ok(Reply { exchange, file_name: proposed.map(str::to_owned), body })
    }

    /// Over the idle connection if it still lives, else over a new one: head and body.
    async fn transfer(&self, request: &[u8]) -> io::Result<(String, Vec<u8>)> {
        let idle = self.lock().take();
        if let Some(mut connection) = idle
            && let Ok(answer) = round_trip(&mut connection, request).await
        {
            *self.lock() = Some(connection);
            return Ok(answer);
        }
        let mut connection = TcpStream::connect(&self.authority).await?;
        connection.set_nodelay(true)?;
        let answer = round_trip(&mut connection, request).await?;
        *self.lock() = Some(connection);
        Ok(answer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<TcpStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn round_trip(connection: &mut TcpStream, request: &[u8]) -> io::Result<(String, Vec<u8>)> {
    connection.write_all(request).await?;
    let mut answer = Vec::new();
    let end = loop {
        if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if connection.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut body = answer.split_off(end + 4);
    let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let read = body.len();
    if read < length {
        body.resize(length, 0);
        connection.read_exact(&mut body[read..]).await?;
    }
    Ok((head, body))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| value.trim()))
}

/// `text` for a path segment or a query: everything but RFC 3986's unreserved characters is percent-encoded.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => encoded += &format!("%{byte:02X}"),
        }
        encoded
    })
}
