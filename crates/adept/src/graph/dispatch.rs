//! What happens to every request around its handler, in the order in which refusals are decided: bearer, path, method,
//! permission, format. Body, existence and rules follow in the handler.

use std::{sync::Mutex, time::Instant};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, Response, header, request::Parts},
};
use tracing::{Instrument, field::display};

use super::{
    denied::{DeniedRequest, record_caller},
    error::Error,
    long_answers::LongAnswers,
    protocol::{Metadata, Version, asked_for},
    request_context::RequestContext,
    request_limits::{LimitCounters, Reached},
    response::{GraphResponse, RequestIds, Responder},
    route::{HandlerResult, Route, RouteAction},
    router,
    service::Graph,
    throttle::ThrottleCounters,
    tree::{PathError, PathMatch, Tree},
};
use crate::{
    app::{Counted, in_share_of},
    domain::{Caller, ClientAddress},
};

/// The operation of a request that matches no route, in logs and metrics.
const NO_OPERATION: &str = "none";

/// Graph, ready to answer.
pub(super) struct Edge {
    graph: Graph,
    responder: Responder,
    counters: ThrottleCounters,
    long_answers: LongAnswers,
    limits: LimitCounters,
    beta: Tree,
    v1: Tree,
}

/// Where a request leads.
pub(super) struct Endpoint {
    pub(super) version: Version,
    pub(super) route: &'static Route,
    /// The keys in the path, first to last, decoded.
    pub(super) keys: Vec<String>,
    /// What follows the path of one entity: a property, then its members, `$value` or `$count`, as written.
    pub(super) property: Vec<String>,
    /// The type that the path narrows a collection or an entity to, without its namespace.
    pub(super) cast: Option<&'static str>,
    /// The function's arguments, in the order of the route's template.
    pub(super) arguments: Vec<String>,
}

impl Edge {
    pub(super) fn new(graph: Graph) -> Self {
        Self {
            responder: Responder::new(graph.auth.public_url()),
            counters: ThrottleCounters::default(),
            long_answers: LongAnswers::default(),
            limits: LimitCounters::new(graph.limits),
            beta: router::tree(Version::Beta),
            v1: router::tree(Version::V1),
            graph,
        }
    }

    /// What it answers with.
    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Answers any request, and reports it to the log and to the observer.
    pub(super) async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let started = Instant::now();
        let ids = self.request_ids(request.headers());
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        let address = request.extensions().get::<ClientAddress>().map(|client| display(client.0));
        let span = tracing::info_span!(
            "request",
            request_id = %ids.request,
            client_request_id = %ids.client,
            address,
            tenant = tracing::field::Empty,
            client = tracing::field::Empty,
            operation = tracing::field::Empty
        );
        async {
            let (operation, answer) = self.answer(request, &ids).await;
            let (status, took) = (answer.status().as_u16(), started.elapsed());
            (self.graph.on_request)(operation, status, took);
            // Reads that succeed would drown the rest.
            if reads && answer.status().is_success() {
                tracing::debug!(status, ?took, "answered");
            } else {
                tracing::info!(status, ?took, "answered");
            }
            self.responder.response(answer, &ids)
        }
        .instrument(span)
        .await
    }

    async fn answer(&self, request: Request<Body>, ids: &RequestIds) -> (&'static str, GraphResponse) {
        let (parts, body) = request.into_parts();
        if is_preflight(&parts) {
            return (NO_OPERATION, Responder::preflight());
        }
        // HEAD asks for the headers that GET would have.
        let is_head = parts.method == Method::HEAD;
        let method = if is_head { &Method::GET } else { &parts.method };
        let endpoint = self.resolve(method, parts.uri.path());
        let operation = endpoint.as_ref().map_or(NO_OPERATION, |endpoint| endpoint.route.operation);
        tracing::Span::current().record("operation", operation);
        let result = match endpoint {
            // Programs in between might have looked at another one than this service would.
            _ if parts.headers.get_all(header::AUTHORIZATION).iter().nth(1).is_some() => {
                Err(Error::RepeatedAuthorization)
            }
            Ok(Endpoint { version, route: Route { action: RouteAction::Public(handle), .. }, .. }) => {
                handle(&self.graph, version, &parts)
            }
            // Where nothing of Graph's is, a bearer token is not asked for.
            Err(error @ Error::UnknownVersion(_)) => Err(error),
            endpoint => self.serve_caller(parts, body, ids, endpoint).await,
        };
        let answer = result.unwrap_or_else(|error| self.refuse(error, ids));
        (operation, if is_head { answer.without_body() } else { answer })
    }

    /// The result for a caller.
    async fn serve_caller(
        &self,
        parts: Parts,
        body: Body,
        ids: &RequestIds,
        endpoint: Result<Endpoint, Error>,
    ) -> HandlerResult {
        let (caller, endpoint, metadata) = self.admit(&parts, ids, endpoint).await?;
        let body = Mutex::new(body);
        let request =
            RequestContext { edge: self, caller, request_id: ids.request, endpoint, parts, metadata, body };
        match request.endpoint.route.action {
            RouteAction::Serve(handle) => {
                let answered = self.long_answers.answer(&request, handle(&request));
                in_share_of(request.caller.tenant, answered).await
            }
            RouteAction::Public(handle) => handle(&self.graph, request.endpoint.version, &request.parts),
        }
    }

    /// The answer to a request that is refused before it is one. `headers` are its own, or the batch's.
    pub(super) fn refuse_early(&self, headers: &HeaderMap, error: Error) -> Response<Body> {
        let ids = self.request_ids(headers);
        self.responder.response(self.refuse(error, &ids), &ids)
    }

    /// The endpoint of method and path.
    fn resolve(&self, method: &Method, path: &str) -> Result<Endpoint, Error> {
        let path = path.trim_start_matches('/');
        let (segment, rest) = path.split_once('/').unwrap_or((path, ""));
        let version = Version::of(segment).ok_or_else(|| Error::UnknownVersion(segment.to_owned()))?;
        let tree = match version {
            Version::Beta => &self.beta,
            Version::V1 => &self.v1,
        };
        let PathMatch { routes, keys, property, cast, arguments } =
            tree.find(rest).map_err(|unmatched| match unmatched {
                PathError::Segment(empty) if empty.is_empty() => {
                    Error::UnknownSegment(version.as_str().to_owned())
                }
                PathError::Segment(segment) => Error::UnknownSegment(segment),
                PathError::Encoding => Error::BadPath,
                PathError::Alias(alias) => Error::UnsupportedAlias(alias),
            })?;
        // A property by itself can be read.
        let mut routes =
            routes.iter().copied().filter(|route| property.is_empty() || route.verb.method == Method::GET);
        match routes.clone().find(|route| route.verb.method == *method) {
            Some(route) => Ok(Endpoint { version, route, keys, property, cast, arguments }),
            None => {
                let offered = routes.by_ref().map(|route| route.verb.method.clone()).collect();
                Err(Error::MethodNotAllowed { offered })
            }
        }
    }

    /// Checks a request in order: a good bearer token first, then the endpoint, then its permission, then the format.
    async fn admit(
        &self,
        parts: &Parts,
        ids: &RequestIds,
        endpoint: Result<Endpoint, Error>,
    ) -> Result<(Caller, Endpoint, Metadata), Error> {
        // What is no text cannot be a token; it is refused as malformed.
        let bearer = parts.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or("?"));
        let now = self.graph.app.clock().now();
        let address = parts.extensions.get::<ClientAddress>().copied();
        let operation = endpoint.as_ref().map_or(NO_OPERATION, |endpoint| endpoint.route.operation);
        let denied = DeniedRequest { edge: self, id: ids.request, address, operation };
        // The requests inside a batch count, the batch itself does not.
        let is_batch = endpoint.as_ref().is_ok_and(|endpoint| endpoint.route.operation == router::BATCH);
        let elapsed = self.graph.app.clock().elapsed();
        if !is_batch {
            ids.leave(self.limits.admit_address(address, elapsed).map_err(|reached| self.limited(reached))?);
        }
        let mut caller = match self.graph.auth.caller(bearer, now).await {
            Ok(caller) => caller,
            Err(why) => return Err(denied.by_bearer(bearer, why).await),
        };
        (self.graph.on_caller)(&parts.extensions);
        caller.address = address.map(|client| client.0);
        record_caller(caller.tenant, caller.client);
        let endpoint = endpoint?;
        if !is_batch {
            ids.leave(self.limits.admit_caller(&caller, elapsed).map_err(|reached| self.limited(reached))?);
        }
        if self.graph.throttled && !is_batch {
            let writes = ![Method::GET, Method::HEAD].contains(&parts.method);
            self.counters.admit(&caller, writes, now).map_err(Error::Throttled)?;
        }
        let needed = endpoint.route.permissions;
        if !needed.is_empty() && !caller.permissions.any_of(needed) {
            return Err(denied.by_permission(caller, needed));
        }
        let metadata = asked_for(parts).ok_or(Error::NotAcceptable)?;
        check_if_match(parts)?;
        Ok((caller, endpoint, metadata))
    }

    /// The error of a limit that was reached, which is counted.
    fn limited(&self, (by, exceeded): Reached) -> Error {
        self.graph.app.counters.add(Counted::LimitedRequest(by), 1);
        Error::Throttled(exceeded)
    }

    fn request_ids(&self, headers: &HeaderMap) -> RequestIds {
        RequestIds::of(headers, self.graph.app.clock().new_id())
    }

    fn refuse(&self, error: Error, ids: &RequestIds) -> GraphResponse {
        let row = error.row();
        if let Some(cause) = &row.cause {
            tracing::error!(cause, status = row.status.as_u16(), "the request failed");
        }
        self.responder.refusal(&row, ids, self.graph.app.clock().now())
    }
}

/// No entity carries a tag, so a tag that a client insists on comes from elsewhere; `*` is any.
fn check_if_match(parts: &Parts) -> Result<(), Error> {
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
