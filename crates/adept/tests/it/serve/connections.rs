//! Many silent connections from one address leave the service to the others.

use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use adept::domain::Permission;
use reqwest::Client;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use super::started::{self, Started};

const ATTACKER: &str = "127.0.0.1";
const OTHER: &str = "127.0.0.2";
const PROXY: &str = "127.0.0.3";

/// "At once", on a machine that does other things as well.
const AT_ONCE: Duration = Duration::from_secs(2);

const SETTINGS: &str = "/beta/deviceManagement/depOnboardingSettings";

/// A silent connection from an address.
async fn silent(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from.parse::<IpAddr>().unwrap(), 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

type Secured = StreamOwned<ClientConnection, std::net::TcpStream>;

/// The same, after the handshake of TLS.
async fn secured(config: &Arc<ClientConfig>, to: SocketAddr) -> Secured {
    let stream = silent(ATTACKER, to).await.into_std().unwrap();
    let config = Arc::clone(config);
    let handshake = move || {
        stream.set_nonblocking(false).unwrap();
        let mut stream =
            StreamOwned::new(ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap(), stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream
    };
    tokio::task::spawn_blocking(handshake).await.unwrap()
}

/// The same, over HTTP/2 and with one request that was answered.
async fn asked(config: &Arc<ClientConfig>, to: SocketAddr) -> Secured {
    let mut stream = secured(config, to).await;
    let fields = [b"\x82\x87\x04\x06/livez\x01\x09localhost".as_slice()].concat();
    let head = [0, 0, u8::try_from(fields.len()).unwrap(), 1, 5, 0, 0, 0, 1];
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let all = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &settings, &head, &fields].concat();
    let ask = move || {
        stream.write_all(&all).unwrap();
        // Frames up to the one that ends the stream.
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).unwrap();
            let mut body = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            stream.read_exact(&mut body).unwrap();
            if head[3] <= 1 && head[4] & 1 == 1 {
                return stream;
            }
        }
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

fn tls(service: &Started, protocol: &[u8]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let pem = &service.running.trust().unwrap().ca_pem;
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

/// A client of that address, which opens a connection for each request.
fn client(service: &Started, from: &str) -> Client {
    let builder = started::client(&service.running).local_address(from.parse::<IpAddr>().unwrap());
    builder.pool_max_idle_per_host(0).build().unwrap()
}

async fn connections(service: &Started) -> usize {
    let metrics = service.operator("/metrics").await.text;
    let line = metrics.lines().find_map(|line| line.strip_prefix("adept_connections ")).unwrap();
    line.trim().parse().unwrap()
}

/// Signs in and reads from an address, each by a new connection, and fails when one takes long.
async fn is_served(service: &mut Started, from: &str) {
    service.http = client(service, from);
    let application = service.application(&[Permission::ServiceConfigRead]).await;
    let begun = Instant::now();
    let token = service.sign_in(&application).await;
    for _ in 0..20 {
        let answer = service.http.get(service.url(SETTINGS)).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_of_one_address_leave_another_served_at_once() {
    const ROOM: usize = 900;
    let mut service = Started::with(&[&format!("--max-connections={ROOM}")]).await;
    let address = service.running.address();
    let (http1, http2) = (tls(&service, b"http/1.1"), tls(&service, b"h2"));

    let mut before_tls = Vec::new();
    for _ in 0..1200 {
        before_tls.push(silent(ATTACKER, address).await);
    }
    is_served(&mut service, OTHER).await;
    assert!(connections(&service).await <= ROOM);

    let mut after_tls = Vec::new();
    for _ in 0..ROOM {
        after_tls.push(secured(&http1, address).await);
    }
    is_served(&mut service, OTHER).await;

    let mut idle_http2 = Vec::new();
    for _ in 0..ROOM {
        idle_http2.push(asked(&http2, address).await);
    }
    assert!(connections(&service).await >= ROOM - 1);
    is_served(&mut service, OTHER).await;
    is_served(&mut service, ATTACKER).await;
    assert!(connections(&service).await <= ROOM);
}

/// A connection of a plain listener, and what is asked and answered on it.
struct Kept(TcpStream);

impl Kept {
    async fn open(from: &str, service: &Started) -> Self {
        Self(silent(from, service.running.address()).await)
    }

    /// The status; none when the connection was closed.
    async fn ask(&mut self, path: &str, token: &str) -> Option<String> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.ok()?;
        let mut answer = vec![0; 4096];
        let length = self.0.read(&mut answer).await.ok().filter(|length| *length > 0)?;
        Some(String::from_utf8_lossy(&answer[9..length.min(12)]).into_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_serves_a_caller_or_a_proxy_outlives_the_idle_and_the_unknown() {
    let proxies = ["--trusted-proxy=127.0.0.3", "--proxy-header=forwarded"];
    let service = Started::with(&[&["--plain-http", "--max-connections=20"], &proxies[..]].concat()).await;
    let application = service.application(&[Permission::ServiceConfigRead]).await;
    let token = service.sign_in(&application).await;
    let mut proxy = Kept::open(PROXY, &service).await;
    let mut unknown = Kept::open(ATTACKER, &service).await;
    let mut good = Kept::open(ATTACKER, &service).await;
    let ok = Some("200".to_owned());
    assert_eq!(proxy.ask("/livez", "none").await, ok);
    assert_eq!(unknown.ask("/livez", "none").await, ok);
    assert_eq!(good.ask(SETTINGS, &token).await, ok);

    let mut others = Vec::new();
    for _ in 0..60 {
        // One after the other: each has its place before the next one comes.
        let mut other = Kept::open(ATTACKER, &service).await;
        assert_eq!(other.ask("/livez", "none").await, ok);
        others.push(other);
    }
    assert_eq!(unknown.ask("/livez", "none").await, None);
    assert_eq!(others[0].ask("/livez", "none").await, None);
    assert_eq!(good.ask(SETTINGS, &token).await, ok);
    assert_eq!(proxy.ask("/livez", "none").await, ok);
    assert_eq!(others[59].ask("/livez", "none").await, ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_are_answered_on_the_operators_listener_whatever_clients_do_to_either() {
    let service = Started::with(&["--plain-http", "--max-connections=10"]).await;
    let operators = service.running.metrics_url().unwrap().trim_start_matches("http://").parse().unwrap();
    let mut held = Vec::new();
    for _ in 0..150 {
        held.push((silent(OTHER, service.running.address()).await, silent(OTHER, operators).await));
    }
    for path in ["/livez", "/readyz", "/metrics"] {
        let begun = Instant::now();
        assert_eq!(service.operator(path).await.status, 200, "{path}");
        assert!(begun.elapsed() < AT_ONCE, "{path}: {:?}", begun.elapsed());
    }
}
