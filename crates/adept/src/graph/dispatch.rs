//! What happens to every request around its handler, in the order in which refusals are decided: bearer, path, method,
//! permission, format. Body, existence and rules follow in the handler.

use std::time::Instant;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, Response, header, request::Parts},
};
use tracing::Instrument;

use super::{
    Edge, Throttle,
    batch::{self, InBatch},
    body::drain,
    error::Error,
    request_context::{Metadata, RequestContext, Version, accepted},
    response::{GraphResponse, RequestIds},
    router::{Does, Handler, Outcome, Route, Tell},
    tree::{Found, Lost},
};
use crate::domain::Caller;

/// The operation of a request that leads nowhere, in logs and metrics.
const NOWHERE: &str = "none";

/// Where a request leads.
enum ResolvedRoute {
    /// To what everyone is told.
    Tell(&'static Route, Version, Tell),
    /// To what a caller may be served.
    Serve(Endpoint),
}

/// Where a caller is served.
struct Endpoint {
    version: Version,
    route: &'static Route,
    serve: Handler,
    keys: Vec<String>,
    cast: Option<&'static str>,
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

    async fn answer(&self, request: Request<Body>, ids: &RequestIds) -> (&'static str, GraphResponse) {
        let (parts, body) = request.into_parts();
        if is_preflight(&parts) {
            return (NOWHERE, Self::preflight());
        }
        let way = self.way(&parts.method, parts.uri.path());
        let operation = match &way {
            Ok(ResolvedRoute::Tell(route, ..) | ResolvedRoute::Serve(Endpoint { route, .. })) => {
                route.operation
            }
            Err(_) => NOWHERE,
        };
        tracing::Span::current().record("operation", operation);
        let (outcome, headers, unread) = match way {
            Ok(ResolvedRoute::Tell(_, version, tell)) => {
                (tell(self, version, &parts.headers), parts.headers, body)
            }
            Ok(ResolvedRoute::Serve(place)) => self.serve_caller(parts, body, ids, Ok(place)).await,
            Err(lost) => self.serve_caller(parts, body, ids, Err(lost)).await,
        };
        drain(unread, &headers).await;
        (operation, outcome.unwrap_or_else(|error| self.refuse(error, ids)))
    }

    /// The outcome of what a caller asks for, and what is left of the request.
    async fn serve_caller(
        &self,
        parts: Parts,
        body: Body,
        ids: &RequestIds,
        place: Result<Endpoint, Error>,
    ) -> (Outcome, HeaderMap, Body) {
        match self.admit(&parts, place).await {
            Ok((caller, place, metadata)) => {
                let serve = place.serve;
                let mut call = call(parts, body, ids, caller, place, metadata);
                (serve(self, &mut call).await, call.headers, call.body)
            }
            Err(error) => (Err(error), parts.headers, body),
        }
    }

    /// Where method and path lead.
    fn way(&self, method: &Method, path: &str) -> Result<ResolvedRoute, Error> {
        let path = path.trim_start_matches('/');
        let (segment, rest) = path.split_once('/').unwrap_or((path, ""));
        let version = Version::of(segment).ok_or_else(|| Error::UnknownVersion(segment.to_owned()))?;
        let Found { routes, keys, cast, arguments } =
            self.tree(version).find(rest).map_err(|lost| match lost {
                Lost::Segment(empty) if empty.is_empty() => {
                    Error::UnknownSegment(version.as_str().to_owned())
                }
                Lost::Segment(segment) => Error::UnknownSegment(segment),
                Lost::Encoding => Error::BadPath,
            })?;
        let Some(route) = routes.iter().copied().find(|route| route.verb.method == *method) else {
            let offered = routes.iter().map(|route| route.verb.method.clone()).collect();
            return Err(Error::MethodNotAllowed { offered });
        };
        Ok(match route.does {
            Does::Tell(tell) => ResolvedRoute::Tell(route, version, tell),
            Does::Serve(serve) => {
                ResolvedRoute::Serve(Endpoint { version, route, serve, keys, cast, arguments })
            }
        })
    }

    /// Lets a request in: a good bearer token first, then a place, then its permission, then a format.
    async fn admit(
        &self,
        parts: &Parts,
        place: Result<Endpoint, Error>,
    ) -> Result<(Caller, Endpoint, Metadata), Error> {
        let headers = &parts.headers;
        // What is no text cannot be a token; it is refused as malformed.
        let bearer = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or("?"));
        let caller =
            self.graph.auth.caller(bearer, self.graph.app.clock().now()).await.map_err(Error::Denied)?;
        let place = place?;
        // What is inside a batch counts, the batch itself does not.
        if self.graph.throttle == Throttle::Graph && place.route.operation != batch::OPERATION {
            let (writes, now) = (parts.method != Method::GET, self.graph.app.clock().now());
            self.throttled.admit(&caller, writes, now).map_err(Error::Throttled)?;
        }
        let needed = place.route.permissions;
        if !needed.is_empty() && !caller.permissions.any_of(needed) {
            return Err(Error::Forbidden { needed });
        }
        let metadata = accepted(headers)?;
        expected(parts)?;
        Ok((caller, place, metadata))
    }

    pub(super) fn refuse(&self, error: Error, ids: &RequestIds) -> GraphResponse {
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
    place: Endpoint,
    metadata: Metadata,
) -> RequestContext {
    RequestContext {
        caller,
        request: ids.request,
        version: place.version,
        route: place.route,
        keys: place.keys,
        cast: place.cast,
        arguments: place.arguments,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        metadata,
        in_batch: parts.extensions.get::<InBatch>().is_some(),
        body,
    }
}

/// Nothing that is served carries a tag, so a client that insists on one has it from elsewhere; `*` is any.
fn expected(parts: &Parts) -> Result<(), Error> {
    let writes = [Method::PATCH, Method::PUT, Method::DELETE].contains(&parts.method);
    let known = |value: &HeaderValue| value.as_bytes().trim_ascii() == b"*";
    if writes && !parts.headers.get_all(header::IF_MATCH).into_iter().all(known) {
        return Err(Error::PreconditionFailed);
    }
    Ok(())
}

/// A browser asks before it sends the bearer token of a page of another origin.
fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}
