//! Microsoft Graph's HTTP edge: paths, permissions, Graph's shapes and errors. The work itself is in `app`.
//!
//! `graph/router.rs` is the whole API on one page; `graph/dispatch.rs` fixes the order in which requests are refused.

mod audit_events;
mod batch;
mod body;
mod bound_profiles;
mod configuration_policies;
mod default_profiles;
mod denied;
mod device_management;
mod digest;
mod dispatch;
mod enrollment_profiles;
mod entity;
mod error;
mod expand;
mod imported_apple_device_identities;
mod input;
mod json;
mod listing;
mod long_answers;
mod metadata;
mod onboarding_settings;
mod page;
mod path;
#[doc(hidden)]
pub mod probes;
mod protocol;
mod request_context;
mod request_limits;
mod response;
mod route;
mod router;
mod service;
mod service_document;
mod skiptoken;
mod throttle;
mod tree;
mod types;
mod value;

use std::sync::Arc;

use axum::{Router, extract::Request, http::HeaderMap, response::Response, routing::any};
use futures_util::future::BoxFuture;

pub use request_limits::RequestLimits;
pub use service::{Graph, RequestObserver};

/// Everything below `/beta` and `/v1.0`, which clients also write with capitals. Routes of its own would not do: Graph's
/// keys in parentheses and names in any case are beyond a router of fixed paths.
///
/// What is nowhere else is refused here too, in Graph's words: with `outside` what is somewhere, but not by this method.
pub fn router(graph: Graph, outside: Router) -> Router {
    let edge = Arc::new(dispatch::Edge::new(graph));
    let refusing = Arc::clone(&edge);
    let not_allowed = move |headers: HeaderMap| {
        let error = error::Error::MethodNotAllowed { offered: Vec::new() };
        std::future::ready(refusing.refuse_early(&headers, error))
    };
    let serve = move |request: Request| -> BoxFuture<'static, Response> {
        let edge = Arc::clone(&edge);
        Box::pin(async move { edge.serve(request).await })
    };
    let outside = outside.method_not_allowed_fallback(not_allowed).fallback(serve.clone());
    let serve = any(serve);
    ["/beta", "/Beta", "/BETA", "/v1.0", "/V1.0"].into_iter().fold(outside, |router, version| {
        router
            .route(version, serve.clone())
            .route(&format!("{version}/"), serve.clone())
            .route(&format!("{version}/{{*rest}}"), serve.clone())
    })
}
