//! What unread answers may hold: reads and batches are made, and kept while their client reads them, a few at a time. Tenants
//! share the places as they share the database, so a tenant that asks for much and reads nothing waits for itself.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::Method,
};
use http_body::{Frame, SizeHint};
use tokio::time::timeout;

use super::{
    error::Error,
    request_context::{InBatch, RequestContext},
    response::GraphResponse,
    router,
};
use crate::app::{self, FairSemaphore, Permit};

/// Answers under way at once. Each is 8 MiB long at most, and about twice that while it is made.
const AT_ONCE: usize = 16;

/// A shorter answer is of no weight, in bytes: its place is free once it is made.
const SHORT: u64 = 64 * 1024;

/// How long a request waits for a place of its tenant.
const WAIT: Duration = Duration::from_secs(10);

/// The places of answers that may be long.
pub(super) struct LongAnswers(Arc<FairSemaphore>);

impl Default for LongAnswers {
    fn default() -> Self {
        Self(Arc::new(FairSemaphore::new(AT_ONCE)))
    }
}

impl LongAnswers {
    /// Answers a request in a place, if its answer may be long. Requests in a batch are in the batch's.
    pub(super) async fn answer<F>(&self, request: &RequestContext<'_>, work: F) -> F::Output
    where
        F: Future<Output = Result<GraphResponse, Error>>,
    {
        let reads = [Method::GET, Method::HEAD].contains(&request.parts.method);
        let may_be_long = reads || request.endpoint.route.operation == router::BATCH;
        if !may_be_long || request.parts.extensions.get::<InBatch>().is_some() {
            return work.await;
        }
        let taken = timeout(WAIT, self.0.take()).await;
        let place = taken.ok().flatten().ok_or(Error::App(app::Error::ShareTaken))?;
        work.await.map(|answer| answer.map(|body| kept(body, place)))
    }
}

/// The body, which gives its place back when it was read or dropped.
fn kept(body: Body, place: Permit) -> Body {
    if body.size_hint().exact().is_some_and(|length| length <= SHORT) {
        return body;
    }
    Body::new(Kept { body, _place: place })
}

struct Kept {
    body: Body,
    _place: Permit,
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
