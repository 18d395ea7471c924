//! One request as a handler sees it: caller, keys, preferences. Reading the body is `body`'s work, reading the query
//! `listing`'s.

use std::sync::Mutex;

use axum::{
    body::Body,
    http::{HeaderMap, request::Parts},
};
use uuid::Uuid;

use super::{
    dispatch::{Edge, Endpoint},
    error::Error,
    protocol::Metadata,
    service::Graph,
};
use crate::{
    app::{self, App},
    domain::{Caller, DeviceId, Origin, SettingId},
};

/// Marks a request that came inside a `$batch`.
#[derive(Clone)]
pub(super) struct InBatch {
    /// The id of the request in its batch.
    pub(super) item: String,
}

/// A request that is authenticated and routed, by a caller who holds the route's permission.
pub(super) struct RequestContext<'e> {
    pub(super) edge: &'e Edge,
    pub(super) caller: Caller,
    /// The request's own id.
    pub(super) request_id: Uuid,
    pub(super) endpoint: Endpoint,
    /// Method, URL and headers as the client wrote them.
    pub(super) parts: Parts,
    pub(super) metadata: Metadata,
    /// What is unread of the body, which alone could not be shared between threads.
    pub(super) body: Mutex<Body>,
}

impl RequestContext<'_> {
    /// What the service does.
    pub(super) fn app(&self) -> &App {
        &self.graph().app
    }

    /// What handlers see of the service.
    pub(super) fn graph(&self) -> &Graph {
        self.edge.graph()
    }

    /// Where the URLs of the request's version begin.
    pub(super) fn root(&self) -> String {
        format!("{}/{}", self.graph().public_url, self.endpoint.version.as_str())
    }

    /// The request's headers.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The path as the client wrote it.
    pub(super) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The query as the client wrote it, without its question mark.
    pub(super) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The function's first argument, in the order of the route's template; empty when there is none.
    pub(super) fn argument(&self) -> &str {
        self.endpoint.arguments.first().map_or("", String::as_str)
    }

    /// The first key of the path. Only this service's own spelling of a GUID is a key: no other spelling names a setting.
    pub(super) fn setting_id(&self) -> Result<SettingId, Error> {
        self.key(0).map(SettingId).ok_or(Error::App(app::Error::NO_SETTING))
    }

    /// The second key of the path.
    pub(super) fn device_id(&self) -> Result<DeviceId, Error> {
        self.key(1).map(DeviceId).ok_or(Error::App(app::Error::NO_DEVICE))
    }

    /// The only key of the path.
    pub(super) fn audit_event_id(&self) -> Result<Uuid, Error> {
        self.key(0).ok_or(Error::App(app::Error::NotFound { what: "The audit event" }))
    }

    fn key(&self, index: usize) -> Option<Uuid> {
        const HYPHENATED: usize = 36;
        let text = self.endpoint.keys.get(index).filter(|text| text.len() == HYPHENATED)?;
        Uuid::try_parse(text).ok()
    }

    /// On whose behalf something is changed.
    pub(super) fn origin(&self) -> Origin {
        Origin { caller: self.caller.clone(), request: self.request_id }
    }

    /// Whether a write shall answer without the entity (`return=minimal`) or with it; none without a preference.
    pub(super) fn prefers_minimal(&self) -> Option<bool> {
        self.preferences().filter(|(name, _)| name.eq_ignore_ascii_case("return")).find_map(|(_, value)| {
            let words = [("minimal", true), ("representation", false)];
            words.into_iter().find(|(word, _)| value.eq_ignore_ascii_case(word)).map(|(_, minimal)| minimal)
        })
    }

    /// Rows per page that the client prefers, at least 1.
    pub(super) fn preferred_page_size(&self) -> Option<u32> {
        self.preferences().find_map(|(name, value)| {
            let known =
                ["odata.maxpagesize", "maxpagesize"].iter().any(|known| name.eq_ignore_ascii_case(known));
            value.parse().ok().filter(|size| known && *size > 0)
        })
    }

    fn preferences(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers().get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
        headers.flat_map(|text| text.split([',', ';'])).filter_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            Some((name.trim(), value.trim().trim_matches('"')))
        })
    }
}
