//! What one client may hold up: connections, slow heads and slow bodies.

use std::{future::Ready, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use axum_server::{Server, accept::Accept};
use futures_util::StreamExt;
use tokio::{net::TcpStream, time::Instant};
use tower_http::add_extension::AddExtension;

use super::{connection::Connection, connections::Connections, timed_stream::TimedStream};

/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 100;

/// How long a client may take.
#[derive(Clone, Copy)]
pub(super) struct Timeouts {
    /// To stand the TLS.
    pub(super) handshake: Duration,
    /// From there to the end of the first request's head.
    pub(super) first_request: Duration,
    /// From an answer to the end of the next head. Longer than clients keep idle connections, so that they are the
    /// ones to close.
    pub(super) next_request: Duration,
    /// From one piece of a body to the next.
    pub(super) body_piece: Duration,
    /// To the end of a body.
    pub(super) body: Duration,
    /// To read a piece of an answer.
    pub(super) reading: Duration,
    /// To read an answer: as long, and a second for so many bytes.
    pub(super) reading_rate: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            first_request: Duration::from_secs(30),
            next_request: Duration::from_secs(75),
            body_piece: Duration::from_secs(15),
            body: Duration::from_secs(90),
            reading: Duration::from_secs(30),
            reading_rate: 32 * 1024,
        }
    }
}

/// Sets the time limits of a server.
pub(super) fn limit<A>(server: Server<SocketAddr, A>, timeouts: Timeouts) -> Server<SocketAddr, A> {
    let mut server = server.first_request_timeout(timeouts.first_request);
    let builder = server.http_builder();
    builder.http1().header_read_timeout(timeouts.next_request);
    builder
        .http2()
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(Some(timeouts.next_request))
        .keep_alive_timeout(timeouts.first_request);
    server
}

/// Gives each connection its place; one for which there is none is closed at once.
#[derive(Clone)]
pub(super) struct ConnectionLimit {
    pub(super) connections: Arc<Connections>,
    pub(super) timeouts: Timeouts,
}

impl<S> Accept<TcpStream, S> for ConnectionLimit {
    type Stream = TimedStream;
    type Service = AddExtension<S, Arc<Connection>>;
    type Future = Ready<io::Result<(TimedStream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        std::future::ready(self.admit(stream).map(|stream| {
            let service = AddExtension::new(service, stream.connection());
            (stream, service)
        }))
    }
}

impl ConnectionLimit {
    fn admit(&self, stream: TcpStream) -> io::Result<TimedStream> {
        let place = self.connections.place(stream.peer_addr()?.ip(), self.timeouts);
        let place = place.ok_or_else(|| io::Error::other("too many connections"))?;
        stream.set_nodelay(true)?;
        Ok(TimedStream::new(stream, self.timeouts.reading, place))
    }
}

/// Ends a request whose body stops coming.
pub(super) async fn no_slow_bodies(
    State(timeouts): State<Timeouts>,
    request: Request,
    next: Next,
) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let end = Instant::now() + timeouts.body;
    let request = request.map(|body| {
        let pieces = futures_util::stream::unfold(Some(body.into_data_stream()), move |pieces| async move {
            let mut pieces = pieces?;
            match tokio::time::timeout_at(end.min(Instant::now() + timeouts.body_piece), pieces.next()).await
            {
                Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
                Ok(Some(Err(error))) => Some((Err(error), None)),
                Ok(None) => None,
                Err(_) => Some((Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut))), None)),
            }
        });
        Body::from_stream(pieces)
    });
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::{
        Router, middleware,
        routing::{get, post},
    };
    use axum_server::Handle;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::serve::{Listener, forwarded::TrustedProxies};

    /// More than the kernel keeps for a client that does not read, in bytes.
    const LONG: usize = 64 << 20;

    /// An echo that waits no longer than 50 ms for anything, and the way to it.
    fn start(room: usize) -> (SocketAddr, Handle<SocketAddr>) {
        let soon = Duration::from_millis(50);
        let timeouts = Timeouts {
            handshake: soon,
            first_request: soon,
            next_request: soon,
            body_piece: soon,
            body: 3 * soon,
            reading: soon,
            reading_rate: 128 << 20,
        };
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (address, handle) = (listener.address(), Handle::new());
        let router = Router::new()
            .route("/", post(|body: String| async { body }))
            .route("/long", get(|| async { vec![b'a'; LONG] }))
            .layer(middleware::from_fn_with_state(timeouts, no_slow_bodies));
        let connections = Connections::new(room, TrustedProxies::default());
        tokio::spawn(listener.serve(router, None, handle.clone(), connections, timeouts));
        (address, handle)
    }

    async fn connect(address: SocketAddr) -> TcpStream {
        TcpStream::connect(address).await.unwrap()
    }

    /// What the server says until it closes.
    async fn rest(mut client: TcpStream) -> String {
        let mut said = Vec::new();
        // A reset is a way to close, too.
        let _ = client.read_to_end(&mut said).await;
        String::from_utf8(said).unwrap()
    }

    #[tokio::test]
    async fn a_client_that_sends_no_head_is_closed() {
        let (address, handle) = start(10);
        let mut client = connect(address).await;
        client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\n").await.unwrap();
        assert_eq!(rest(client).await, "");
        handle.shutdown();
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_ends_the_request() {
        let (address, handle) = start(10);
        let mut client = connect(address).await;
        client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab").await.unwrap();
        let said = rest(client).await;
        assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
        handle.shutdown();
    }

    #[tokio::test]
    async fn a_body_that_drips_for_too_long_ends_the_request() {
        let (address, handle) = start(10);
        let (mut hear, mut say) = connect(address).await.into_split();
        say.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
        let drip = tokio::spawn(async move {
            let mut every = tokio::time::interval(Duration::from_millis(10));
            while say.write_all(b"a").await.is_ok() {
                every.tick().await;
            }
        });
        let mut said = [0; 13];
        hear.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"HTTP/1.1 400 ");
        drip.abort();
        handle.shutdown();
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_its_answer_is_closed() {
        let (address, handle) = start(10);
        let mut client = connect(address).await;
        client.write_all(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut status = [0; 13];
        client.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200 ");
        while handle.connection_count() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(rest(client).await.len() < LONG);
        handle.shutdown();
    }

    /// What it does not read is held for it.
    #[tokio::test]
    async fn a_client_that_drips_its_answer_is_closed() {
        let (address, handle) = start(10);
        let mut client = connect(address).await;
        client.write_all(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let (mut piece, mut read) = (vec![0; 256 * 1024], 0);
        let mut every = tokio::time::interval(Duration::from_millis(10));
        while let Ok(length @ 1..) = client.read(&mut piece).await {
            read += length;
            every.tick().await;
        }
        assert!(read < LONG, "{read}");
        handle.shutdown();
    }

    /// Such a client answers pings, and nothing stands still on its connection.
    #[tokio::test]
    async fn a_client_that_closes_the_window_of_an_answer_is_closed() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (address, handle) = start(10);
        let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
        let answer = client.get(format!("http://{address}/long")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        while handle.connection_count() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(answer.bytes().await.is_err());
        handle.shutdown();
    }

    #[tokio::test]
    async fn a_body_in_pieces_arrives_whole() {
        let (address, handle) = start(10);
        let mut client = connect(address).await;
        client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab").await.unwrap();
        client.flush().await.unwrap();
        client.write_all(b"cd").await.unwrap();
        assert!(rest(client).await.ends_with("\r\n\r\nabcd"));
        handle.shutdown();
    }

    #[tokio::test]
    async fn a_connection_too_many_takes_the_place_of_the_idlest() {
        let (address, handle) = start(1);
        let first = connect(address).await;
        while handle.connection_count() < 1 {
            tokio::task::yield_now().await;
        }
        let mut second = connect(address).await;
        assert_eq!(rest(first).await, "");
        second.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd").await.unwrap();
        assert!(rest(second).await.ends_with("abcd"));
        handle.shutdown();
    }

    /// Such a client answers pings for ever.
    #[tokio::test]
    async fn an_http2_connection_without_streams_is_closed() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (address, handle) = start(10);
        let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
        let answer = client.post(format!("http://{address}/")).body("abcd").send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "abcd");
        while handle.connection_count() > 0 {
            tokio::task::yield_now().await;
        }
        handle.shutdown();
    }
}
