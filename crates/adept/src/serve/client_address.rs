//! Notes for every request where it came from; log, audit and limits read it there.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::HeaderValue,
    middleware::{self, Next},
    response::Response,
};

use super::forwarded::TrustedProxies;
use crate::domain::ClientAddress;

/// Hands each request to `router` with its [`ClientAddress`].
pub fn noted(router: Router, proxies: TrustedProxies) -> Router {
    router.layer(middleware::from_fn_with_state(proxies, note))
}

async fn note(State(proxies): State<TrustedProxies>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        let lines = request.headers().get_all(proxies.header().name());
        let client = proxies.client(peer.ip(), lines.iter().map(HeaderValue::as_bytes));
        request.extensions_mut().insert(ClientAddress(client));
    }
    next.run(request).await
}
