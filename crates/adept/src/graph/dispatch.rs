//! What happens to every request around its handler, in the order in which refusals are decided: bearer, path, method,
//! permission, format. Body, existence and rules follow in the handler.

use std::time::Instant;

use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, Response, header, request::Parts},
};
use tracing::Instrument;

use super::{
    Edge,
    answer::{Answer, RequestIds},
    body::drain,
    call::{Call, Metadata, Version, accepted},
    error::Error,
    router::Route,
    tree::{Found, Lost},
};
use crate::domain::Caller;

/// The operation of a request that leads nowhere, in logs and metrics.
const NOWHERE: &str = "none";

/// Where a request leads.
struct Place {
    version: Version,
    route: &'static Route,
    keys: Vec<String>,
    arguments: Vec<String>,
}

impl Edge {
    /// Answers a request, whatever it is, and says so in the log and to whoever counts.
    pub(super) async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let started = Instant::now();
        let ids = RequestIds::of(request.headers(), self.graph.app.ids().uuid(self.graph.app.clock()));
        let reads = request.method() == Method::GET;
        let span = tracing::info_span!(
            "request",
            request_id = %ids.request,
            client_request_id = %ids.client,
            operation = tracing::field::Empty
        );
        async {
            let (operation, answer) = self.answer(request, &ids).await;
            let (status, took) = (answer.status.as_u16(), started.elapsed());
            (self.graph.on_request)(operation, status, took);
            // Reads that succeed would drown the rest.
            if reads && answer.status.is_success() {
                tracing::debug!(status, ?took, "answered");
            } else {
                tracing::info!(status, ?took, "answered");
            }
            self.response(answer, &ids)
        }
        .instrument(span)
        .await
    }

    async fn answer(&self, request: Request<Body>, ids: &RequestIds) -> (&'static str, Answer) {
        let (parts, body) = request.into_parts();
        if is_preflight(&parts) {
            return (NOWHERE, Self::preflight());
        }
        let place = self.place(&parts.method, parts.uri.path());
        let operation = place.as_ref().map_or(NOWHERE, |place| place.route.operation);
        tracing::Span::current().record("operation", operation);
        let (outcome, headers, unread) = match self.admit(&parts.headers, place).await {
            Ok((caller, place, metadata)) => {
                let mut call = call(parts, body, ids, caller, place, metadata);
                ((call.route.handler)(&self.graph, &mut call).await, call.headers, call.body)
            }
            Err(error) => (Err(error), parts.headers, body),
        };
        drain(unread, &headers).await;
        (operation, outcome.unwrap_or_else(|error| self.refuse(error, ids)))
    }

    /// Where method and path lead.
    fn place(&self, method: &Method, path: &str) -> Result<Place, Error> {
        let path = path.trim_start_matches('/');
        let (segment, rest) = path.split_once('/').unwrap_or((path, ""));
        let version = Version::of(segment).ok_or_else(|| Error::UnknownVersion(segment.to_owned()))?;
        let Found { routes, keys, arguments } = self.tree(version).find(rest).map_err(|lost| match lost {
            Lost::Segment(empty) if empty.is_empty() => Error::UnknownSegment(version.as_str().to_owned()),
            Lost::Segment(segment) => Error::UnknownSegment(segment),
            Lost::Encoding => Error::BadPath,
        })?;
        let Some(route) = routes.iter().copied().find(|route| route.verb.method == *method) else {
            let offered = routes.iter().map(|route| route.verb.method.clone()).collect();
            return Err(Error::MethodNotAllowed { offered });
        };
        Ok(Place { version, route, keys, arguments })
    }

    /// Lets a request in: a good bearer token first, then a place, then its permission, then a format.
    async fn admit(
        &self,
        headers: &HeaderMap,
        place: Result<Place, Error>,
    ) -> Result<(Caller, Place, Metadata), Error> {
        // What is no text cannot be a token; it is refused as malformed.
        let bearer = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or("?"));
        let caller =
            self.graph.auth.caller(bearer, self.graph.app.clock().now()).await.map_err(Error::Denied)?;
        let place = place?;
        let needed = place.route.permissions;
        if !caller.permissions.any_of(needed) {
            return Err(Error::Forbidden { needed });
        }
        let metadata = accepted(headers)?;
        Ok((caller, place, metadata))
    }

    fn refuse(&self, error: Error, ids: &RequestIds) -> Answer {
        let row = error.row();
        if let Some(cause) = &row.cause {
            tracing::error!(cause, status = row.status.as_u16(), "the request failed");
        }
        self.refusal(&row, ids)
    }
}

fn call(
    parts: Parts,
    body: Body,
    ids: &RequestIds,
    caller: Caller,
    place: Place,
    metadata: Metadata,
) -> Call {
    Call {
        caller,
        request: ids.request,
        version: place.version,
        route: place.route,
        keys: place.keys,
        arguments: place.arguments,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        metadata,
        body,
    }
}

/// A browser asks before it sends the bearer token of a page of another origin.
fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}
