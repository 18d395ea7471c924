//! A blocking HTTP/1.1 client with one kept connection, plain or TLS: lean, so that it takes little CPU from what it measures.
//! Never retries by itself, so that its caller knows what was sent and what was answered. A full client library would be part
//! of the measurement.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Result;

/// A response that takes longer than this counts as lost. Uploads may take 20 s.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The longest head of an answer.
const LONGEST_HEAD: usize = 64 * 1024;

/// The authorities that a TLS client trusts, shared by its connections.
pub(crate) type Trust = Arc<ClientConfig>;

/// Trusts the authorities of a PEM file and no others.
pub(crate) fn trust(authorities: &Path) -> Result<Trust> {
    let unusable = |error: &dyn std::fmt::Display| format!("{}: {error}.", authorities.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authorities).map_err(|error| unusable(&error))? {
        roots.add(certificate.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"it holds no certificate"));
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The body as JSON; an error that shows it when the status is another one.
    pub(crate) fn json(self, expected: u16) -> Result<serde_json::Value> {
        self.expect(expected).and_then(|body| {
            serde_json::from_slice(&body).map_err(|error| format!("An answer is not JSON: {error}."))
        })
    }

    /// The body; an error that shows it when the status is another one.
    pub(crate) fn expect(self, expected: u16) -> Result<Vec<u8>> {
        if self.status == expected {
            return Ok(self.body);
        }
        Err(format!("{} instead of {expected}: {}", self.status, String::from_utf8_lossy(&self.body)))
    }
}

/// A client of one server on this machine.
pub(crate) struct Client {
    port: u16,
    trust: Option<Trust>,
    connection: Option<Box<dyn Stream>>,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Client {
    /// A client without TLS. Nothing is sent yet.
    pub(crate) fn plain(port: u16) -> Self {
        Self { port, trust: None, connection: None, request: Vec::new(), answer: Vec::new() }
    }

    /// A client with TLS to `localhost`. Nothing is sent yet.
    pub(crate) fn secure(port: u16, trust: Trust) -> Self {
        Self { trust: Some(trust), ..Self::plain(port) }
    }

    /// Sends one request. An error means that there was no complete response; the request may have taken effect.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let mut request = std::mem::take(&mut self.request);
        request.clear();
        write_request(&mut request, self.port, method, path, headers, body);
        let head = self.repeat(&request);
        self.request = request;
        let head = head?;
        let body = &self.answer[head.body];
        let body = if head.is_chunked { content(body)? } else { body.to_vec() };
        Ok(Response { status: head.status, body })
    }

    /// Sends a request that is written out already. For measurements.
    pub(crate) fn repeat(&mut self, request: &[u8]) -> io::Result<Head> {
        let mut stream = match self.connection.take() {
            Some(stream) => stream,
            None => open(self.port, self.trust.clone())?,
        };
        let head = exchange(stream.as_mut(), request, &mut self.answer)?;
        // A connection that broke, or that the server closes, is not used again.
        if !head.closes {
            self.connection = Some(stream);
        }
        Ok(head)
    }
}

/// Appends a whole request.
pub(crate) fn write_request(
    out: &mut Vec<u8>,
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\n");
    for (name, value) in headers {
        text.push_str(name);
        text.push_str(": ");
        text.push_str(value);
        text.push_str("\r\n");
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(body);
}

trait Stream: Read + Write + Send + Sync {}
impl<T: Read + Write + Send + Sync> Stream for T {}

fn open(port: u16, trust: Option<Trust>) -> io::Result<Box<dyn Stream>> {
    let socket = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    let Some(trust) = trust else { return Ok(Box::new(socket)) };
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let session = ClientConnection::new(trust, name).map_err(io::Error::other)?;
    Ok(Box::new(StreamOwned::new(session, socket)))
}

/// An answer's head, and the range of its body in the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    body: Range<usize>,
    closes: bool,
    /// The body comes in chunks.
    is_chunked: bool,
}

impl Head {
    /// Bytes of the body as they came.
    pub(crate) fn length(&self) -> usize {
        self.body.len()
    }
}

/// Sends a request and reads its answer into `buffer`, which holds nothing else afterwards.
fn exchange(stream: &mut dyn Stream, request: &[u8], buffer: &mut Vec<u8>) -> io::Result<Head> {
    stream.write_all(request)?;
    stream.flush()?;
    buffer.clear();
    loop {
        if let Some(mut head) = read_head(buffer)? {
            while head.is_chunked && head.body.is_empty() {
                match end_of_chunks(buffer, head.body.start)? {
                    Some(end) => head.body.end = end,
                    None => read_more(stream, buffer)?,
                }
            }
            while buffer.len() < head.body.end {
                read_more(stream, buffer)?;
            }
            return Ok(head);
        }
        if buffer.len() > LONGEST_HEAD {
            return Err(malformed("the answer's head has no end"));
        }
        read_more(stream, buffer)?;
    }
}

fn read_more(stream: &mut dyn Stream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut piece = [0; 16 * 1024];
    match stream.read(&mut piece)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            buffer.extend_from_slice(&piece[..count]);
            Ok(())
        }
    }
}

/// Where the next chunk's content is; none before its length is there.
fn next_chunk(bytes: &[u8], at: usize) -> io::Result<Option<Range<usize>>> {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
    let size = std::str::from_utf8(&rest[..line]).ok();
    let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
    let size = size.ok_or_else(|| malformed("a chunk does not say how long it is"))?;
    let start = at + line + 2;
    Ok(Some(start..start + size))
}

/// Where a body in chunks ends, once it is there as a whole.
fn end_of_chunks(bytes: &[u8], start: usize) -> io::Result<Option<usize>> {
    let mut at = start;
    while let Some(chunk) = next_chunk(bytes, at)? {
        at = chunk.end + 2;
        if chunk.is_empty() {
            return Ok((bytes.len() >= at).then_some(at));
        }
    }
    Ok(None)
}

/// What whole chunks hold.
fn content(chunks: &[u8]) -> io::Result<Vec<u8>> {
    let (mut content, mut at) = (Vec::with_capacity(chunks.len()), 0);
    while let Some(chunk) = next_chunk(chunks, at)? {
        at = chunk.end + 2;
        content.extend_from_slice(&chunks[chunk]);
    }
    Ok(content)
}

/// The head, once it is there as a whole. A body that is neither of known length nor in chunks is refused.
fn read_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| malformed("the answer's head is not text"))?;
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status: u16 = status.ok_or_else(|| malformed("the answer is not HTTP/1.1"))?;
    let (mut length, mut closes, mut is_chunked) = (None, false, false);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<usize>().ok();
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            is_chunked = value.trim().eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.trim().eq_ignore_ascii_case("close");
        }
    }
    let length = match length {
        Some(length) => length,
        None if is_chunked || matches!(status, 204 | 304) => 0,
        None => return Err(malformed("the answer does not say how long it is")),
    };
    let start = end + 4;
    Ok(Some(Head { status, body: start..start + length, closes, is_chunked }))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whole_in_whatever_pieces_it_comes() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Type: a\r\ncontent-length: 3\r\n\r\nabc";
        for cut in 0..whole.len() - 7 {
            assert_eq!(read_head(&whole[..cut]).unwrap(), None, "{cut}");
        }
        let head = read_head(whole).unwrap().unwrap();
        assert_eq!((head.status, &whole[head.body], head.closes), (200, &b"abc"[..], false));
    }

    #[test]
    fn a_body_in_chunks_ends_behind_the_empty_one() {
        let whole = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\na\r\n\r\n0\r\n\r\n";
        let head = read_head(whole).unwrap().unwrap();
        assert!(head.is_chunked);
        for end in head.body.start..whole.len() {
            assert_eq!(end_of_chunks(&whole[..end], head.body.start).unwrap(), None, "{end}");
        }
        assert_eq!(end_of_chunks(whole, head.body.start).unwrap(), Some(whole.len()));
        assert_eq!(content(&whole[head.body.start..]).unwrap(), b"a\r\n");
        assert_eq!(content(b"3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n").unwrap(), b"abc0123456789");
        assert!(end_of_chunks(b"z\r\n", 0).is_err());
    }

    #[test]
    fn an_answer_without_content_needs_no_length() {
        let head = read_head(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap().unwrap();
        assert_eq!((head.status, head.body.len(), head.closes), (204, 0, true));
        assert!(read_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(read_head(b"SSH-2.0\r\n\r\n").is_err());
    }
}
