//! Reads what a request was answered without: a client that writes a long body and is answered early would otherwise see a
//! broken connection in place of the answer.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use futures_util::{Stream, StreamExt};

/// How much is read in vain, in bytes, and for how long.
const DRAINED: usize = 32 * 1024 * 1024;
const DRAINING: Duration = Duration::from_secs(10);

type Returned = Arc<Mutex<Option<BodyDataStream>>>;

/// The pieces of a body, which come back when the handler has done with them.
struct LentPieces {
    pieces: Option<BodyDataStream>,
    returned: Returned,
}

impl Stream for LentPieces {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
        let next = pieces.poll_next_unpin(context);
        // What has ended is not read again.
        if let Poll::Ready(None | Some(Err(_))) = next {
            self.pieces = None;
        }
        next
    }
}

impl Drop for LentPieces {
    fn drop(&mut self) {
        *self.returned.lock().unwrap_or_else(PoisonError::into_inner) = self.pieces.take();
    }
}

/// Drains, within bounds, what an answered request left of its body.
pub(super) async fn drain_unread(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() || !is_drained(request.headers()) {
        return next.run(request).await;
    }
    let returned = Returned::default();
    let lent = Arc::clone(&returned);
    let lend =
        |body: Body| Body::from_stream(LentPieces { pieces: Some(body.into_data_stream()), returned: lent });
    let response = next.run(request.map(lend)).await;
    let unread = returned.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(pieces) = unread {
        // The answer does not wait longer.
        let _ = tokio::time::timeout(DRAINING, drain(pieces)).await;
    }
    response
}

/// A client that waits for `100 Continue` has sent none of its body, and too much of one is not read.
fn is_drained(headers: &HeaderMap) -> bool {
    let expect = headers.get(header::EXPECT);
    let waits = expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    !waits && announced.is_none_or(|length: usize| length <= DRAINED)
}

async fn drain(mut pieces: BodyDataStream) {
    let mut rest = DRAINED;
    while let Some(Ok(piece)) = pieces.next().await {
        rest = rest.saturating_sub(piece.len());
        if rest == 0 {
            return;
        }
    }
}
