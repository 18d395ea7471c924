//! An address that is taken, and the server that answers there.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use axum::{Router, middleware};
use axum_server::{
    Handle,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};

use super::{
    StartError,
    connections::Connections,
    limits::{self, ConnectionLimit, Timeouts},
    slow_readers,
};

/// A bound socket. Clients that connect wait until it is served.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Takes an address; port 0 takes any free one.
    pub fn bind(address: SocketAddr) -> Result<Self, StartError> {
        let failed = |error| StartError::Listen(address, error);
        let socket = TcpListener::bind(address).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address })
    }

    /// The address that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the handle says stop. An accept that fails never ends it.
    pub(super) async fn serve(
        self,
        router: Router,
        tls: Option<RustlsConfig>,
        handle: Handle<SocketAddr>,
        connections: Arc<Connections>,
        timeouts: Timeouts,
    ) {
        let address = self.address;
        let router = router.layer(middleware::from_fn(slow_readers::hand_over));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = match axum_server::from_tcp(self.socket) {
            Ok(server) => server,
            Err(error) => return tracing::error!(%address, %error, "the listener cannot be served"),
        };
        let limit = ConnectionLimit { connections, timeouts };
        let server = limits::limit(server.handle(handle).acceptor(limit), timeouts);
        let served = match tls {
            None => server.serve(service).await,
            Some(tls) => {
                let secured =
                    |limit| RustlsAcceptor::new(tls).handshake_timeout(timeouts.handshake).acceptor(limit);
                server.map(secured).serve(service).await
            }
        };
        if let Err(error) = served {
            tracing::error!(%address, %error, "the listener failed");
        }
    }
}
