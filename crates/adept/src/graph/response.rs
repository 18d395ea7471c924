//! The answer of a handler, and how it becomes an HTTP response with the headers that every answer carries.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
        header::{self, IntoHeaderName},
    },
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{error::Row, protocol::Metadata, request_limits::nearer, value::Value};
use crate::{auth::PublicUrl, domain::Quota};

/// An answer without the headers that every answer carries.
pub(super) struct GraphResponse(Response<Body>);

impl GraphResponse {
    /// 204.
    pub(super) fn no_content() -> Self {
        Self(Response::default()).with_status(StatusCode::NO_CONTENT)
    }

    /// 200 with a document of this media type.
    pub(super) fn document(media_type: &str, document: impl Into<Body>) -> Self {
        Self(Response::new(document.into()))
            .header(header::CONTENT_TYPE, media_type)
            .header("odata-version", "4.0")
    }

    /// 200 with an OData document.
    pub(super) fn json(document: impl Into<Body>, metadata: Metadata) -> Self {
        let level = metadata.as_str();
        let parameters = "odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
        Self::document(&format!("application/json;odata.metadata={level};{parameters}"), document)
    }

    /// 200 with a number as plain text.
    pub(super) fn count(count: impl ToString) -> Self {
        Self::document("text/plain", count.to_string())
    }

    /// With the headers alone; the length stays that of the body.
    pub(super) fn without_body(mut self) -> Self {
        let length = self.0.body().size_hint().exact();
        *self.0.body_mut() = Body::empty();
        match length {
            Some(length) if self.0.status() != StatusCode::NO_CONTENT => {
                self.header(header::CONTENT_LENGTH, length.to_string())
            }
            _ => self,
        }
    }

    /// With its body made into another.
    pub(super) fn map(self, make: impl FnOnce(Body) -> Body) -> Self {
        Self(self.0.map(make))
    }

    /// The status.
    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// With another status.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        *self.0.status_mut() = status;
        self
    }

    /// With a header. A value that no header can hold is left out.
    pub(super) fn header(mut self, name: impl IntoHeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.0.headers_mut().insert(name, value);
        }
        self
    }
}

/// What a batch, or an entity with all that is expanded in it, may be long, in bytes. What is over it is left out, and said so.
pub(super) const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// The two ids of a request: ours, and the client's own if it sent one.
pub(super) struct RequestIds {
    pub(super) request: Uuid,
    pub(super) client: String,
    /// What the operator's limits leave to the caller.
    quota: Mutex<Option<Quota>>,
}

impl RequestIds {
    /// The client's id if it sent one that can be used; else it is ours.
    pub(super) fn of(headers: &HeaderMap, request: Uuid) -> Self {
        let sent = client_request_id(headers).and_then(|(_, id)| usable_id(id));
        let client = sent.map_or_else(|| request.to_string(), str::to_owned);
        Self { request, client, quota: Mutex::default() }
    }

    /// Notes what a limit leaves, to be answered.
    pub(super) fn leave(&self, quota: Option<Quota>) {
        let mut noted = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = nearer(*noted, quota);
    }
}

/// A client's id of a request is no longer, in bytes.
pub(super) const LONGEST_ID: usize = 256;

/// What a client sent as its id of the request, with the header's name: the first of `client-request-id` and
/// `x-ms-client-request-id` that can be used, else the first that is not empty.
pub(super) fn client_request_id(headers: &HeaderMap) -> Option<(&'static str, &HeaderValue)> {
    let names = ["client-request-id", "x-ms-client-request-id"].into_iter();
    let sent = names.filter_map(|name| Some((name, headers.get(name).filter(|id| !id.is_empty())?)));
    sent.clone().find(|(_, id)| usable_id(id).is_some()).or_else(|| sent.clone().next())
}

/// The id as text: printable ASCII, blanks among it; none when it is anything else or too long.
pub(super) fn usable_id(id: &HeaderValue) -> Option<&str> {
    let printable = |text: &&str| text.len() <= LONGEST_ID && !text.contains('\t');
    id.to_str().ok().filter(printable)
}

/// What every answer of this service has in common.
pub(super) struct Responder {
    /// The value of `WWW-Authenticate`.
    challenge: String,
    /// Whether clients are asked to use TLS only from now on.
    strict_transport: bool,
}

/// Microsoft Graph's own application id, which clients expect in the challenge.
const GRAPH_CLIENT: &str = "00000003-0000-0000-c000-000000000000";

impl Responder {
    /// For a service whose URLs begin with `url`.
    pub(super) fn new(url: &PublicUrl) -> Self {
        Self {
            challenge: format!(
                "Bearer realm=\"\", authorization_uri=\"{url}/common/oauth2/v2.0/authorize\", client_id=\"{GRAPH_CLIENT}\""
            ),
            strict_transport: url.scheme() == "https" && url.host() != "localhost" && url.ip().is_none(),
        }
    }

    /// The answer that reports an error.
    pub(super) fn refusal(&self, row: &Row, ids: &RequestIds, now: Timestamp) -> GraphResponse {
        let date = format!("{:.0}", Timestamp::from_second(now.as_second()).unwrap_or(now));
        let inner = Value::Object(vec![
            // Graph writes this date without its zone.
            ("date", Value::text(date.trim_end_matches('Z'))),
            ("request-id", Value::Guid(ids.request)),
            ("client-request-id", Value::text(&ids.client)),
        ]);
        let error = Value::Object(vec![
            ("code", Value::text(row.code)),
            ("message", Value::text(&row.message)),
            ("innerError", inner),
        ]);
        let mut body = Vec::with_capacity(512);
        Value::Object(vec![("error", error)]).write(&mut body);
        let mut answer = GraphResponse::document("application/json", body).with_status(row.status);
        if let Some(wait) = row.retry_after {
            answer = answer.header(header::RETRY_AFTER, whole_seconds(wait));
        }
        if let (Some(limit), Some(wait)) = (row.rate_limit, row.retry_after) {
            answer = answer
                .header("ratelimit-limit", limit)
                .header("ratelimit-remaining", 0)
                .header("ratelimit-reset", whole_seconds(wait));
        }
        if !row.offered.is_empty() {
            let methods: Vec<_> = row.offered.iter().map(Method::as_str).collect();
            answer = answer.header(header::ALLOW, methods.join(", "));
        }
        if row.status == StatusCode::UNAUTHORIZED {
            answer = answer.header(header::WWW_AUTHENTICATE, &*self.challenge);
        }
        answer
    }

    /// The response: the answer with the headers that every answer carries.
    pub(super) fn response(&self, answer: GraphResponse, ids: &RequestIds) -> Response<Body> {
        let GraphResponse(mut response) = answer;
        let headers = response.headers_mut();
        for (name, id) in [("request-id", &ids.request.to_string()), ("client-request-id", &ids.client)] {
            headers.extend(HeaderValue::from_str(id).map(|id| (HeaderName::from_static(name), id)));
        }
        let quota = *ids.quota.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Quota { limit, remaining, reset }) = quota
            && !headers.contains_key("ratelimit-limit")
        {
            headers.insert("ratelimit-limit", limit.into());
            headers.insert("ratelimit-remaining", remaining.into());
            headers.insert("ratelimit-reset", whole_seconds(reset).into());
        }
        headers.insert("x-ms-ags-diagnostic", HeaderValue::from_static(SERVER_INFO));
        if self.strict_transport {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        // What is shown depends on the caller too, so nobody may keep it.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept, Prefer, Accept-Encoding"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        response
    }

    /// Whether and how a browser's page of another origin may call.
    pub(super) fn preflight() -> GraphResponse {
        GraphResponse::no_content()
            .header(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PATCH, PUT, DELETE")
            .header(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED)
            .header(header::ACCESS_CONTROL_MAX_AGE, "7200")
    }
}

/// `Retry-After` knows whole seconds, and clients that count them need at least one.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Graph names its data centre here; a self-hosted service has none.
const SERVER_INFO: &str = r#"{"ServerInfo":{"DataCenter":"self-hosted","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"adept"}}"#;
const EXPOSED: &str = "ETag, Location, Preference-Applied, Content-Range, request-id, client-request-id, \
     ReadWriteConsistencyToken, Retry-After, SdkVersion, WWW-Authenticate, x-ms-ags-diagnostic, \
     OData-EntityId, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset";
const ALLOWED: &str = "Authorization, Content-Type, Accept, Prefer, ConsistencyLevel, client-request-id, \
     x-ms-client-request-id, If-Match, SdkVersion";
