//! Answers that a client asks for and does not read. Over HTTP/2 such a client closes the window of a stream and goes on
//! answering pings: nothing stands still on the connection itself. So an answer is handed over in pieces, and a connection
//! ends on which one of them was not taken for too long.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Extension, Request},
    middleware::Next,
    response::Response,
};
use futures_util::task::AtomicWaker;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep};

/// Bytes that are handed over at once.
const PIECE: usize = 16 * 1024;

/// A connection and the answers on it that wait for its client.
#[derive(Default)]
pub(super) struct Connection {
    ended: AtomicBool,
    reader: AtomicWaker,
    /// Since when each waits.
    waiting: Mutex<HashMap<u64, Instant>>,
    answers: AtomicU64,
}

impl Connection {
    /// A connection that ends when an answer waits for its client longer than `limit`.
    pub(super) fn watched(limit: Duration) -> Arc<Self> {
        let connection = Arc::new(Self::default());
        tokio::spawn(watch(Arc::downgrade(&connection), limit));
        connection
    }

    /// Whether it is to end; else the task is woken once it is.
    pub(super) fn has_ended(&self, context: &Context<'_>) -> bool {
        self.reader.register(context.waker());
        self.ended.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.reader.wake();
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a connection on which an answer waits too long.
async fn watch(connection: Weak<Connection>, limit: Duration) {
    loop {
        sleep(limit / 4).await;
        let Some(connection) = connection.upgrade() else { return };
        if connection.waiting().values().any(|since| since.elapsed() > limit) {
            return connection.end();
        }
    }
}

/// Hands an answer over in pieces, and notes how long each waits.
pub(super) async fn hand_over(
    connection: Option<Extension<Arc<Connection>>>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let Some(Extension(connection)) = connection else { return response };
    let number = connection.answers.fetch_add(1, Ordering::Relaxed);
    response.map(|body| Body::new(Pieces { body, piece: Bytes::new(), is_over: false, connection, number }))
}

/// A body in pieces.
struct Pieces {
    body: Body,
    /// What is not handed over yet.
    piece: Bytes,
    is_over: bool,
    connection: Arc<Connection>,
    number: u64,
}

impl Pieces {
    fn cut(&mut self) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let piece = self.piece.split_to(self.piece.len().min(PIECE));
        // Asked for the next one, the client has taken it.
        self.connection.waiting().insert(self.number, Instant::now());
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
        self.connection.waiting().remove(&self.number);
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

impl Drop for Pieces {
    fn drop(&mut self) {
        self.connection.waiting().remove(&self.number);
    }
}
