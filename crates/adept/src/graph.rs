//! Microsoft Graph's HTTP edge: paths, permissions, Graph's shapes and errors. What the service does is `app`'s.
//!
//! `graph/router.rs` is the whole API on one page; `graph/dispatch.rs` says in which order a request is refused.

mod audit_events;
mod batch;
mod body;
mod default_profiles;
mod device_management;
mod dispatch;
mod enrollment_profiles;
mod entity;
mod error;
mod expand;
mod imported_apple_device_identities;
mod input_value;
mod listing;
mod metadata;
mod onboarding_settings;
mod path;
#[doc(hidden)]
pub mod probes;
mod request_context;
mod response;
mod router;
mod service_document;
mod throttle;
mod tree;
mod types;
mod value;

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request, routing::any};
use bytes::Bytes;

use crate::{app::App, auth::Auth};
use request_context::Version;
use throttle::Throttled;

pub use throttle::Throttle;
use tree::Tree;

/// What counts requests: operation, status and how long it took. The operation is a fixed word, never a client's text.
pub type Observed = Arc<dyn Fn(&'static str, u16, Duration) + Send + Sync>;

/// What Graph is made of, and all that its operations see of the world.
pub struct Graph {
    /// What the service does.
    pub app: Arc<App>,
    /// Who may ask for it.
    pub auth: Arc<Auth>,
    /// The origin that every URL in an answer has, without a slash at its end.
    pub public_url: String,
    /// Whether and how callers are throttled.
    pub throttle: Throttle,
    /// Called once for every answer.
    pub on_request: Observed,
}

/// Where the URLs of a version begin.
struct Root {
    url: String,
    version: Version,
}

impl Graph {
    fn root(&self, version: Version) -> Root {
        Root { url: format!("{}/{}", self.public_url, version.as_str()), version }
    }

    /// The context URL of what `fragment` describes.
    fn context(&self, version: Version, fragment: &str) -> String {
        format!("{}/{}/$metadata#{fragment}", self.public_url, version.as_str())
    }
}

/// Graph, ready to answer.
struct Edge {
    graph: Graph,
    /// The value of `WWW-Authenticate`.
    challenge: String,
    /// Whether clients are told to come by TLS only from now on.
    strict_transport: bool,
    throttled: Throttled,
    /// `$metadata`, by version.
    described: [Bytes; 2],
    beta: Tree,
    v1: Tree,
}

/// Microsoft Graph's own application id, which clients expect in the challenge.
const GRAPH_CLIENT: &str = "00000003-0000-0000-c000-000000000000";

impl Edge {
    fn new(graph: Graph) -> Self {
        let url = graph.auth.public_url();
        Self {
            challenge: format!(
                "Bearer realm=\"\", authorization_uri=\"{url}/common/oauth2/v2.0/authorize\", client_id=\"{GRAPH_CLIENT}\""
            ),
            strict_transport: url.scheme() == "https" && url.host() != "localhost" && url.ip().is_none(),
            throttled: Throttled::default(),
            described: [Version::Beta, Version::V1].map(|version| metadata::document(version).into()),
            beta: router::tree(Version::Beta),
            v1: router::tree(Version::V1),
            graph,
        }
    }

    fn tree(&self, version: Version) -> &Tree {
        match version {
            Version::Beta => &self.beta,
            Version::V1 => &self.v1,
        }
    }
}

/// Everything below `/beta` and `/v1.0`, which clients also write with capitals. Routes of its own would not do: Graph's
/// keys in parentheses and names in any case are no business of a router of fixed paths.
pub fn router(graph: Graph) -> Router {
    let edge = Arc::new(Edge::new(graph));
    let serve = any(move |request: Request<Body>| {
        let edge = Arc::clone(&edge);
        async move { edge.serve(request).await }
    });
    ["/beta", "/Beta", "/BETA", "/v1.0", "/V1.0"].into_iter().fold(Router::new(), |router, version| {
        router
            .route(version, serve.clone())
            .route(&format!("{version}/"), serve.clone())
            .route(&format!("{version}/{{*rest}}"), serve.clone())
    })
}
