//! The portal side, under `/_sim`: what people do on Apple's web site, and what tests do to Apple.
//! Every refusal is `{"error": "a plain sentence"}`. `README.md` describes each path.

mod accounts;
mod answers;
mod certificate;
mod clock;
mod devices;
mod faults;
mod life;
mod organizations;
mod profiles;
mod requests;
mod scenario;
mod servers;
mod sessions;
mod statuses;
mod token;

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::Shared;
use crate::connection::Peer;
use crate::upload::{self, Unread};
use crate::world::PortalRefused;

/// The largest body: about 100,000 devices described one by one.
const LARGEST: usize = 64 << 20;

/// Every path of the portal side.
pub(crate) fn router(shared: Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/organizations", post(organizations::create).get(organizations::list))
        .route("/organizations/{org_id}/terms", put(organizations::set_terms))
        .route("/organizations/{org_id}/beta", put(organizations::set_beta_access))
        .route("/accounts/revoke", post(accounts::revoke))
        .route("/accounts/restore", post(accounts::restore))
        .route("/servers", post(servers::create).get(servers::list))
        .route("/servers/{server_uuid}", get(servers::show))
        .route("/servers/{server_uuid}/certificate", put(certificate::upload))
        .route("/servers/{server_uuid}/token", post(token::issue))
        .route("/servers/{server_uuid}/revoke", post(token::revoke))
        .route("/servers/{server_uuid}/devices", post(devices::add).get(devices::list))
        .route("/servers/{server_uuid}/permissions", put(servers::set_permissions))
        .route("/servers/{server_uuid}/profiles", get(profiles::list))
        .route("/servers/{server_uuid}/activate", post(life::activate_all))
        .route(
            "/servers/{server_uuid}/devices/{serial}",
            get(devices::show).patch(devices::modify).delete(devices::remove),
        )
        .route("/servers/{server_uuid}/devices/{serial}/activate", post(life::activate))
        .route("/servers/{server_uuid}/devices/{serial}/move", post(life::r#move))
        .route("/servers/{server_uuid}/devices/{serial}/release", post(life::release))
        .route("/servers/{server_uuid}/devices/{serial}/replace", post(life::replace))
        .route("/servers/{server_uuid}/devices/{serial}/leave", post(life::leave))
        .route("/servers/{server_uuid}/devices/{serial}/lock", put(life::set_lock).get(life::lock))
        .route("/devices/{serial}/history", get(life::history))
        .route("/statuses", post(statuses::add).get(statuses::list).delete(statuses::clear))
        .route("/settle", post(statuses::settle))
        .route("/answers", post(answers::add).get(answers::list).delete(answers::clear))
        .route("/delay", put(answers::delay))
        .route("/faults", post(faults::add).get(faults::list).delete(faults::clear))
        .route("/faults/{id}", get(faults::show).delete(faults::remove))
        .route("/faults/{id}/release", post(faults::release))
        .route("/faults/{id}/wait", get(faults::wait))
        .route("/clock", get(clock::show).put(clock::set).delete(clock::follow))
        .route("/clock/advance", post(clock::advance))
        .route("/sessions/expire", post(sessions::expire))
        .route("/restart", post(sessions::restart))
        .route("/options", put(servers::set_options).get(servers::options))
        .route("/requests", get(requests::list).delete(requests::clear))
        .route("/counts", get(requests::counts))
        .route("/scenario", post(scenario::load))
        .route("/reset", post(scenario::reset))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(whole_body))
        .layer(middleware::from_fn_with_state(shared, near_only))
}

/// A refusal of the portal side.
struct Refused {
    status: StatusCode,
    error: String,
}

impl Refused {
    fn invalid(error: impl Into<String>) -> Refused {
        Refused { status: StatusCode::BAD_REQUEST, error: error.into() }
    }
}

impl From<PortalRefused> for Refused {
    fn from(refused: PortalRefused) -> Refused {
        let status = match &refused {
            PortalRefused::Missing(_) => StatusCode::NOT_FOUND,
            PortalRefused::Conflict(_) => StatusCode::CONFLICT,
            PortalRefused::Invalid(_) => StatusCode::BAD_REQUEST,
        };
        Refused { status, error: refused.to_string() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error }))).into_response()
    }
}

/// The body as JSON, regardless of its content type; an empty one counts as `{}`.
fn body<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refused> {
    let text: &[u8] = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(text)
        .map_err(|error| Refused::invalid(format!("The body is not understood: {error}.")))
}

async fn nothing() -> Refused {
    Refused { status: StatusCode::NOT_FOUND, error: "The portal side has no such path.".to_owned() }
}

async fn wrong_method(method: Method) -> Refused {
    let error = format!("The portal side does not take {method} on this path.");
    Refused { status: StatusCode::METHOD_NOT_ALLOWED, error }
}

/// Reads the body before anything else, so that one that is too large is refused with a sentence.
async fn whole_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let refused = match upload::read(body, LARGEST).await {
        Ok(bytes) => return next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(Unread::TooLarge) => {
            let error = format!("The body has over {LARGEST} bytes. Nothing was changed; send it in parts.");
            Refused { status: StatusCode::PAYLOAD_TOO_LARGE, error }
        }
        Err(Unread::Broken) => Refused::invalid("The body broke off. Nothing was changed."),
    };
    refused.into_response()
}

/// Lets only this machine in, unless configured otherwise.
async fn near_only(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if shared.remote_portal || is_near(peer.address.ip()) {
        shared.settle(shared.clock.now());
        return next.run(request).await;
    }
    let error = "The portal side answers only calls from its own machine.".to_owned();
    Refused { status: StatusCode::FORBIDDEN, error }.into_response()
}

/// Whether a peer is on this machine. On a listener for both families IPv4 peers come in IPv6 clothes.
fn is_near(peer: IpAddr) -> bool {
    peer.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use axum::extract::connect_info::MockConnectInfo;

    use super::*;
    use crate::Shared;

    /// What a caller at this address hears on two paths.
    async fn heard(peer: &str, remote_portal: bool) -> [(u16, String); 2] {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let shared = Arc::new(Shared { remote_portal, ..Shared::of_a_test() });
        let peer = Peer::at(format!("{peer}:50000").parse().unwrap());
        let router = crate::router(shared).layer(MockConnectInfo(peer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = async |path: &str| {
            let answer = http.get(format!("{url}{path}")).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        [ask("/_sim/servers").await, ask("/account").await]
    }

    #[tokio::test]
    async fn other_machines_reach_apples_paths_and_the_portal_only_when_told_so() {
        let judged = (401, "UNAUTHORIZED".to_owned());
        let listed = (200, r#"{"servers":[]}"#.to_owned());
        let error = r#"{"error":"The portal side answers only calls from its own machine."}"#;
        assert_eq!(heard("192.0.2.9", false).await, [(403, error.to_owned()), judged.clone()]);
        assert_eq!(heard("192.0.2.9", true).await, [listed.clone(), judged.clone()]);
        assert_eq!(heard("127.0.0.1", false).await, [listed, judged]);
    }

    #[test]
    fn only_loopback_peers_are_near() {
        let near = |peer: &str| is_near(peer.parse().unwrap());
        assert!(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"].into_iter().all(near));
        assert!(
            !["192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0"].into_iter().any(near)
        );
    }
}
