//! A whole Adept for a test: a fresh database, the service, the issuer and Graph on a loopback port, and a simulated
//! Apple. Nothing runs in the background: a test says when the next sync is.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, Once},
};

use adept::{
    app::{App, AppOptions, AppleOptions, Clock},
    auth::{Auth, PublicUrl},
    domain::TenantId,
    graph::{self, Graph},
    serve::{client_address, for_clients, forwarded::TrustedProxies},
    storage::{Storage, StorageOptions},
};
use adept_simulator::Simulator;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    client::Client,
    database::{Kind, TestDatabase},
    portal::Portal,
    tokens::Signer,
};

pub const READ: &str = "DeviceManagementServiceConfig.Read.All";
pub const WRITE: &str = "DeviceManagementServiceConfig.ReadWrite.All";

/// A simulated Apple that several processes share.
#[derive(Clone)]
struct Apple {
    url: String,
    running: Arc<Mutex<Option<Simulator>>>,
}

/// A running Adept. Dropping it stops it and removes its database.
pub struct TestApp {
    pub app: Arc<App>,
    pub storage: Storage,
    pub clock: Clock,
    pub address: SocketAddr,
    /// `http://127.0.0.1:PORT`, which is the public URL too.
    pub url: String,
    pub portal: Portal,
    pub signer: Signer,
    /// What Graph reported of each request: operation and status.
    pub seen: Arc<Mutex<Vec<(&'static str, u16)>>>,
    server: JoinHandle<()>,
    apple: Apple,
    pub database: Arc<TestDatabase>,
}

impl TestApp {
    /// An Adept with nothing in it, on the system's clock.
    pub async fn start() -> Self {
        Self::start_under(None).await
    }

    /// The same under another public URL than the one it listens on.
    pub async fn start_under(public_url: Option<&str>) -> Self {
        Self::start_on(TestDatabase::new(Kind::Sqlite).await, Clock::system(), public_url).await
    }

    /// The same, throttled by Graph's figures.
    pub async fn start_throttled() -> Self {
        let other = Self::start().await;
        let (database, apple) = (Arc::clone(&other.database), other.apple.clone());
        let (storage, clock) = (other.storage.clone(), other.clock.clone());
        Self::around(database, storage, apple, clock, None, true).await
    }

    /// The same, behaving as `options` say.
    pub async fn start_as(options: AppOptions) -> Self {
        let other = Self::start().await;
        let (database, apple) = (Arc::clone(&other.database), other.apple.clone());
        let (storage, clock) = (other.storage.clone(), other.clock.clone());
        Self::behaving(database, storage, apple, clock, None, false, options).await
    }

    /// The same on a database of that kind.
    pub async fn start_on_kind(kind: Kind) -> Self {
        Self::start_on(TestDatabase::new(kind).await, Clock::system(), None).await
    }

    /// The same while time stands still until the test moves it.
    pub async fn start_in_still_time(kind: Kind) -> Self {
        let clock = Clock::fixed(Clock::system().now());
        Self::start_on(TestDatabase::new(kind).await, clock, None).await
    }

    /// When the next sync of any setting is due.
    pub async fn next_sync_due(&self) -> jiff::Timestamp {
        let due = "SELECT MIN(sync_due_at) FROM setting_states WHERE deleted_at IS NULL";
        jiff::Timestamp::from_microsecond(self.database.number(due).await).unwrap()
    }

    async fn start_on(database: TestDatabase, clock: Clock, public_url: Option<&str>) -> Self {
        install_cryptography();
        let storage = database.open().await;
        let simulator = Simulator::start("127.0.0.1:0".parse().unwrap(), Default::default()).await.unwrap();
        let apple = Apple { url: simulator.url(), running: Arc::new(Mutex::new(Some(simulator))) };
        Self::around(Arc::new(database), storage, apple, clock, public_url, false).await
    }

    /// Another process on the same database and the same Apple, opened as `options` say.
    pub async fn another(&self, options: &StorageOptions) -> Self {
        let storage = Storage::open(options, self.clock.now(), self.storage.default_tenant()).await.unwrap();
        let (database, apple) = (Arc::clone(&self.database), self.apple.clone());
        Self::around(database, storage, apple, self.clock.clone(), Some(&self.url), false).await
    }

    /// Another process on the same database and the same Apple, on a machine with a clock of its own.
    pub async fn another_by_a_clock_of_its_own(&self) -> Self {
        let options = self.database.options();
        let clock = Clock::system();
        let storage = Storage::open(&options, clock.now(), self.storage.default_tenant()).await.unwrap();
        let (database, apple) = (Arc::clone(&self.database), self.apple.clone());
        Self::around(database, storage, apple, clock, Some(&self.url), false).await
    }

    /// This one, started again as `behavior` says.
    pub async fn started_as(&self, behavior: AppOptions) -> Self {
        let (database, storage) = (Arc::clone(&self.database), self.storage.clone());
        let (apple, clock, url) = (self.apple.clone(), self.clock.clone(), Some(self.url.as_str()));
        Self::behaving(database, storage, apple, clock, url, false, behavior).await
    }

    /// This one, started where no connection to Apple is made.
    pub async fn cut_off(&self) -> Self {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let apple = Apple { url: format!("http://{closed}"), running: Arc::clone(&self.apple.running) };
        let (database, storage) = (Arc::clone(&self.database), self.storage.clone());
        let (clock, url) = (self.clock.clone(), Some(self.url.as_str()));
        Self::around(database, storage, apple, clock, url, false).await
    }

    /// Apple is gone.
    pub async fn stop_apple(&self) {
        let running = self.apple.running.lock().unwrap().take();
        running.unwrap().stop().await;
    }

    async fn around(
        database: Arc<TestDatabase>,
        storage: Storage,
        apple: Apple,
        clock: Clock,
        public_url: Option<&str>,
        throttled: bool,
    ) -> Self {
        Self::behaving(database, storage, apple, clock, public_url, throttled, app_options()).await
    }

    async fn behaving(
        database: Arc<TestDatabase>,
        storage: Storage,
        apple: Apple,
        clock: Clock,
        public_url: Option<&str>,
        throttled: bool,
        behavior: AppOptions,
    ) -> Self {
        let options = AppleOptions { url: apple.url.clone(), ..AppleOptions::default() };
        let app = App::new(storage.clone(), &options, clock.clone(), behavior).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let public_url = PublicUrl::parse(public_url.unwrap_or(&url)).unwrap();
        let auth = Arc::new(Auth::new(storage.clone(), public_url));
        auth.prepare().await.unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let watched = Arc::clone(&seen);
        let on_request =
            Arc::new(move |operation, status, _took| watched.lock().unwrap().push((operation, status)));
        let graph = Graph {
            app: Arc::clone(&app),
            auth: Arc::clone(&auth),
            public_url: auth.public_url().as_str().to_owned(),
            throttled,
            limits: graph::RequestLimits::default(),
            on_request,
            on_caller: Arc::new(|_| ()),
        };
        let router = client_address::noted(
            for_clients(graph::router(graph, axum::Router::new())),
            TrustedProxies::default(),
        );
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        let signer = Signer::of(&storage, auth.public_url().clone(), clock.clone()).await;
        let portal = Portal::at(apple.url.clone());
        Self { app, storage, clock, address, url, portal, signer, seen, server, apple, database }
    }

    /// An application of the default tenant that may do everything.
    pub async fn admin(&self) -> Client {
        self.client(self.storage.default_tenant(), &[WRITE]).await
    }

    /// An application with these permissions.
    pub async fn client(&self, tenant: TenantId, permissions: &[&str]) -> Client {
        let token = self.signer.application(&self.storage, tenant, permissions).await;
        self.with(&token)
    }

    /// Anyone who holds this bearer token.
    pub fn with(&self, token: &str) -> Client {
        Client::new(&self.url, Some(token))
    }

    /// Someone without a bearer token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.url, None)
    }

    /// A second tenant.
    pub async fn other_tenant(&self) -> TenantId {
        let tenant = TenantId(self.clock.new_id());
        self.storage.tenants.create(tenant, "Other", self.clock.now(), None).await.unwrap();
        tenant
    }

    /// A setting whose token Apple accepts and whose `devices` were synchronized.
    pub async fn onboarded(&self, client: &Client, devices: u32) -> String {
        let setting = client.create_setting().await;
        let server = self.portal.server().await;
        self.portal.give_devices(&server, devices).await;
        let key = client.get_json(&format!("/beta/{S}/{setting}/getEncryptionPublicKey")).await;
        self.portal.trust(&server, key["value"].as_str().unwrap()).await;
        let token = self.portal.token(&server).await;
        let upload = serde_json::json!({ "depToken": token });
        let answer = client.post(&format!("/beta/{S}/{setting}/uploadDepToken"), &upload).await;
        assert_eq!(answer.status, 204);
        assert_eq!(self.app.scheduler.sync_what_is_due().await.unwrap(), 1);
        setting
    }
}

/// Where devices enroll.
pub const MDM_URL: &str = "https://mdm.example.org/enroll/{settingId}?tenant={tenantId}&v=1";

/// How the service behaves in most tests.
pub fn app_options() -> AppOptions {
    AppOptions { mdm_url: Some(MDM_URL.to_owned()), ..AppOptions::default() }
}

/// The path of the settings below the version.
pub const S: &str = "deviceManagement/depOnboardingSettings";

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn install_cryptography() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that somebody else did it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}
