//! Answers that a client asks for and does not read. Over HTTP/2 such a client closes the window of a stream and goes on
//! answering pings: nothing stands still on the connection itself. So an answer is handed over in pieces, and a connection
//! ends on which one of them was not taken for too long.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Extension, Request},
    middleware::Next,
    response::Response,
};
use http_body::{Frame, SizeHint};

use super::connection::{Connection, OpenRequest};

/// Bytes that are handed over at once.
const PIECE: usize = 16 * 1024;

/// Hands an answer over in pieces, and notes how long each waits.
pub(super) async fn hand_over(
    connection: Option<Extension<Arc<Connection>>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(Extension(connection)) = connection else { return next.run(request).await };
    let open = connection.begin();
    let response = next.run(request).await;
    response.map(|body| Body::new(Pieces { body, piece: Bytes::new(), is_over: false, open }))
}

/// A body in pieces.
struct Pieces {
    body: Body,
    /// What is not handed over yet.
    piece: Bytes,
    is_over: bool,
    open: OpenRequest,
}

impl Pieces {
    fn cut(&mut self) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let piece = self.piece.split_to(self.piece.len().min(PIECE));
        // Asked for the next one, the client has taken it.
        self.open.waits(piece.len());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if !self.piece.is_empty() {
            return self.cut();
        }
        self.open.was_read();
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => {
                self.piece = data;
                self.cut()
            }
            Some(Ok(Err(other))) => Poll::Ready(Some(Ok(other))),
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => {
                self.is_over = true;
                Poll::Ready(None)
            }
        }
    }

    /// Only once its end was asked for, so that the last piece is waited for too; one without pieces ends at once.
    fn is_end_stream(&self) -> bool {
        self.is_over
            || (self.piece.is_empty()
                && self.body.size_hint().exact() == Some(0)
                && self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, mut hint) = (self.piece.len() as u64, self.body.size_hint());
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}
