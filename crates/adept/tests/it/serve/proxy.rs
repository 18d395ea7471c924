//! A way to PostgreSQL that can go silent, as after a power cut, or be gone.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// What becomes of what is sent through the proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It arrives.
    Open,
    /// It is neither delivered nor refused, and no connection is closed.
    Silent,
    /// New connections work; older ones stay silent forever.
    OpenForNew,
    /// Connections are closed at once.
    Cut,
}

/// A running proxy. Dropping it closes everything.
pub struct Proxy {
    pub url: String,
    line: Arc<watch::Sender<Line>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// A proxy to the server of a database URL.
    pub async fn to(url: &str) -> Self {
        let parsed = reqwest::Url::parse(url).unwrap();
        let server = format!("{}:{}", parsed.host_str().unwrap(), parsed.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let line = Arc::new(watch::Sender::new(Line::Open));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server.clone(), Arc::clone(&line)));
        Self { url: url.replace(&server, &address.to_string()), line, _tasks: tasks }
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn accept(listener: TcpListener, server: String, line: Arc<watch::Sender<Line>>) {
    let mut ways = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (server, line) = (server.clone(), line.subscribe());
        ways.spawn(async move {
            if *line.borrow() == Line::Cut {
                return;
            }
            let server = TcpStream::connect(server).await.unwrap();
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            let was_open_for_new = *line.borrow() == Line::OpenForNew;
            tokio::join!(
                forward(from_client, to_server, line.clone(), was_open_for_new),
                forward(from_server, to_client, line, was_open_for_new),
            );
        });
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    is_new: bool,
) {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut piece) => read.unwrap_or(0),
            cut = line.wait_for(|line| *line == Line::Cut) => { let _ = cut; return }
        };
        if read == 0 {
            return;
        }
        let delivers = |line: &Line| *line != Line::Silent && (is_new || *line != Line::OpenForNew);
        let Ok(now) = line.wait_for(delivers).await.map(|line| *line) else { return };
        if now == Line::Cut || to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}

/// Tries until it holds; the time limit ends a test that waits for what never comes.
pub async fn until(what: &str, limit: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let tried = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(limit, tried).await.is_ok(), "{what}: not within {limit:?}");
}
