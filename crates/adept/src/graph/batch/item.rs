//! One request of a batch: how it becomes a request like any other, and how its response becomes a part of the answer.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value as Json;

use crate::{
    domain::ClientAddress,
    graph::{
        body::is_json,
        error::Error,
        protocol::Version,
        request_context::{InBatch, RequestContext},
        response::client_request_id,
        value::{Object, Value, write_object},
    },
};

/// A request of a batch.
pub(super) struct Item {
    /// As the client wrote it; numbers as text.
    pub(super) id: String,
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Json>,
    /// The indexes of the requests that must succeed first.
    pub(super) depends_on: Vec<usize>,
}

/// The answer to a request of a batch.
pub(super) struct ItemResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// The headers that belong to the answer and not to the connection that carries it.
const COPIED_HEADERS: [&str; 11] = [
    "Content-Type",
    "OData-Version",
    "OData-EntityId",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Allow",
    "request-id",
];

/// The bytes that stand for themselves in a URL; clients write those of a batch as people do.
const UNREADABLE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

impl Item {
    /// Whether it changes nothing.
    pub(super) fn reads(&self) -> bool {
        [Method::GET, Method::HEAD].contains(&self.method)
    }

    /// The request as if it had come alone, by the caller of the batch.
    pub(super) fn request(&self, batch: &RequestContext<'_>) -> Result<Request<Body>, Error> {
        if self.headers.contains_key(header::AUTHORIZATION) {
            return Err(Error::BadItem(
                "A request inside a batch is made by the batch's own caller and cannot carry an Authorization \
                 header. Nothing was changed by it.",
            ));
        }
        let uri = uri(&self.url, &batch.graph().public_url, batch.endpoint.version)?;
        let mut headers = self.headers.clone();
        let bearer = batch.headers().get(header::AUTHORIZATION);
        headers.extend(bearer.map(|bearer| (header::AUTHORIZATION, bearer.clone())));
        if client_request_id(&headers).is_none()
            && let Some((name, id)) = client_request_id(batch.headers())
        {
            headers.insert(HeaderName::from_static(name), id.clone());
        }
        let body = body(self.body.as_ref(), headers.get(header::CONTENT_TYPE))?;
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request.extensions_mut().insert(InBatch { item: self.id.clone() });
        if let Some(client) = batch.parts.extensions.get::<ClientAddress>() {
            request.extensions_mut().insert(*client);
        }
        Ok(request)
    }
}

/// JSON as it stands; of any other type, what its base64 holds. Microsoft's TypeScript SDK sends the bytes of JSON as base64 too,
/// and no headers.
fn body(body: Option<&Json>, content_type: Option<&HeaderValue>) -> Result<Body, Error> {
    let Some(body) = body else { return Ok(Body::empty()) };
    let decoded = body.as_str().and_then(|text| {
        let text: String = text.split_ascii_whitespace().collect();
        STANDARD.decode(&text).or_else(|_| URL_SAFE.decode(&text)).ok()
    });
    let is_object = |bytes: &Vec<u8>| bytes.trim_ascii_start().starts_with(b"{");
    if content_type.is_none_or(is_json) {
        return Ok(decoded.filter(is_object).map_or_else(|| Body::from(body.to_string()), Body::from));
    }
    decoded.map(Body::from).ok_or(Error::BadItem(
        "A body that is not JSON must be the base64 text of its bytes. Nothing was changed by this request.",
    ))
}

/// Where an item's URL leads: absolute at our own origin, or relative with or without slash and version.
pub(super) fn uri(url: &str, origin: &str, version: Version) -> Result<Uri, Error> {
    let bad = || Error::BadItem("The URL of this request cannot be read. Nothing was changed by it.");
    let path = match url.split_at_checked(origin.len()) {
        Some((start, rest))
            if start.eq_ignore_ascii_case(origin) && (rest.is_empty() || rest.starts_with(['/', '?'])) =>
        {
            rest
        }
        // A query may hold anything.
        _ if url.split('?').next().is_some_and(|start| start.contains("://")) || url.starts_with("//") => {
            return Err(Error::BadItem(
                "The URL of this request leads to another service; only this one's URLs and relative ones can be in a \
                 batch. Nothing was changed by it.",
            ));
        }
        _ => url,
    };
    let path = path.trim_start_matches('/');
    let first = path.split(['/', '?']).next().unwrap_or_default();
    let mut whole = String::with_capacity(path.len() + 8);
    if Version::of(first).is_none() {
        whole.push('/');
        whole.push_str(version.as_str());
    }
    whole.push('/');
    whole.extend(utf8_percent_encode(path, UNREADABLE));
    whole.parse().map_err(|_| bad())
}

impl ItemResponse {
    /// The whole response.
    pub(super) async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        // Our own answers are in memory already: reading one cannot fail.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec();
        Self { status: parts.status, headers: parts.headers, body }
    }

    /// Whether those that depend on it must not be run.
    pub(super) fn failed(&self) -> bool {
        !self.status.is_success()
    }

    /// How long its body is, in bytes.
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    /// Appends status, headers and body.
    pub(super) fn write(&self, response: &mut Object<'_>) {
        Value::Int(i64::from(self.status.as_u16())).write(response.member("status"));
        write_object(response.member("headers"), |headers| {
            for name in COPIED_HEADERS {
                if let Some(value) = self.headers.get(name).and_then(|value| value.to_str().ok()) {
                    Value::text(value).write(headers.member(name));
                }
            }
        });
        if self.body.is_empty() {
            return;
        }
        let body = response.member("body");
        match self.headers.get(header::CONTENT_TYPE) {
            Some(content_type) if is_json(content_type) => body.extend_from_slice(&self.body),
            Some(content_type) if content_type.as_bytes().starts_with(b"text/") => {
                Value::Text(String::from_utf8_lossy(&self.body)).write(body);
            }
            _ => Value::Text(STANDARD.encode(&self.body).into()).write(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: &str = "https://localhost:8443";

    #[test]
    fn urls_lead_inside_in_every_spelling() {
        for (url, expected) in [
            ("/deviceManagement", "/beta/deviceManagement"),
            ("deviceManagement?$select=id", "/beta/deviceManagement?$select=id"),
            ("/beta/deviceManagement", "/beta/deviceManagement"),
            ("v1.0/deviceManagement/auditEvents", "/v1.0/deviceManagement/auditEvents"),
            ("https://localhost:8443/beta/deviceManagement", "/beta/deviceManagement"),
            ("HTTPS://LocalHost:8443/deviceManagement", "/beta/deviceManagement"),
            ("https://localhost:8443", "/beta/"),
            ("/x?$filter=a eq 'ö#\"'", "/beta/x?$filter=a%20eq%20'%C3%B6%23%22'"),
            ("/x?$filter=a%20eq%20'b'&u=http://y", "/beta/x?$filter=a%20eq%20'b'&u=http://y"),
        ] {
            let found = uri(url, ORIGIN, Version::Beta).unwrap();
            assert_eq!(found.to_string(), expected, "{url}");
        }
        for url in [
            "https://localhost:84430/beta/deviceManagement",
            "https://localhost:8443@elsewhere/beta",
            "http://localhost:8443/beta/x",
            "https://graph.microsoft.com/beta/x",
            "//elsewhere/beta/x",
        ] {
            assert!(uri(url, ORIGIN, Version::Beta).is_err(), "{url}");
        }
    }

    proptest! {
        #[test]
        fn any_url_is_read_or_refused(url in "(https://localhost:8443|/|beta|[ -~]|\\PC){0,20}") {
            if let Ok(uri) = uri(&url, ORIGIN, Version::V1) {
                prop_assert!(uri.authority().is_none());
            }
        }
    }
}
