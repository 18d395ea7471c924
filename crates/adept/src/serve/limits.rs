//! What one client may hold up: connections, slow heads and slow bodies.

use std::{future::Ready, io, net::SocketAddr, time::Duration};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use axum_server::{Handle, Server, accept::Accept};
use futures_util::StreamExt;
use tokio::net::TcpStream;

/// A connection says its first request within this time, and each further head, counted from the last answer. Longer
/// than clients keep idle connections, so that they are the ones to close.
const HEAD: Duration = Duration::from_secs(75);
/// TLS has to stand within this time.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);
/// The next piece of a body arrives within this time.
const BODY_PIECE: Duration = Duration::from_secs(15);
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 100;

/// Sets the time limits of a server.
pub(super) fn limit<A>(server: &mut Server<SocketAddr, A>) {
    let builder = server.http_builder();
    builder.http1().header_read_timeout(HEAD);
    builder
        .http2()
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(Some(HEAD))
        .keep_alive_timeout(Duration::from_secs(20));
}

/// How long a connection may take to its first request.
pub(super) const FIRST_REQUEST: Duration = Duration::from_secs(30);

/// Lets in as many connections as there is room for; the next one is closed at once.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) handle: Handle<SocketAddr>,
    pub(super) room: usize,
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = TcpStream;
    type Service = S;
    type Future = Ready<io::Result<(TcpStream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        std::future::ready(if self.handle.connection_count() > self.room {
            tracing::warn!(room = self.room, "a connection was closed at once: there are too many");
            Err(io::Error::other("too many connections"))
        } else {
            stream.set_nodelay(true).map(|()| (stream, service))
        })
    }
}

/// Ends a request whose body stops coming.
pub(super) async fn no_slow_bodies(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let request = request.map(|body| {
        let pieces = futures_util::stream::unfold(Some(body.into_data_stream()), |pieces| async {
            let mut pieces = pieces?;
            match tokio::time::timeout(BODY_PIECE, pieces.next()).await {
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
