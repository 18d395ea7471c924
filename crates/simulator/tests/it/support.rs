//! A running simulator with a client of its portal and of Apple's paths, and a key pair to open tokens with.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use adept_simulator::{Options, Simulator};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::ber::{container, der};
use crate::signer::{self, Keys};
use crate::token;

/// The only spelling that `/session` takes.
pub(crate) const JSON: &str = "application/json;charset=UTF8";

/// The private key that the tests' certificates belong to.
pub(crate) static KEY: LazyLock<PrivateDecryptingKey> =
    LazyLock::new(|| PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap());

/// What to put into a certificate.
pub(crate) struct Recipe {
    pub(crate) serial: Vec<u8>,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    pub(crate) key: Vec<u8>,
}

impl Default for Recipe {
    fn default() -> Recipe {
        Recipe {
            serial: vec![1],
            not_before: "20200101000000Z".to_owned(),
            not_after: "20990101000000Z".to_owned(),
            key: KEY.public_key().as_der().unwrap().as_ref().to_vec(),
        }
    }
}

impl Recipe {
    /// A certificate of today, good for 30 days, as `openssl req -x509 -days 30` makes it.
    pub(crate) fn of_a_month() -> Recipe {
        let at = |seconds: i64| {
            let time = jiff::Timestamp::from_second(now() + seconds).unwrap();
            time.strftime("%Y%m%d%H%M%SZ").to_string()
        };
        Recipe { not_before: at(0), not_after: at(30 * 86_400), ..Recipe::default() }
    }
}

/// The issuer's name in every certificate of the tests.
pub(crate) fn name() -> Vec<u8> {
    let attribute = container(0x30, &[&[6, 3, 0x55, 4, 3], &der(0x0C, b"Simulator test")]);
    der(0x30, &der(0x31, &attribute))
}

/// A certificate in DER, with a signature that nobody looks at.
pub(crate) fn certificate(recipe: &Recipe) -> Vec<u8> {
    let sha256_with_rsa =
        container(0x30, &[&[6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 0x0B], &[5, 0]]);
    let time = |text: &str| der(0x18, text.as_bytes());
    let body = container(
        0x30,
        &[
            &[0xA0, 3, 2, 1, 2],
            &der(2, &recipe.serial),
            &sha256_with_rsa,
            &name(),
            &container(0x30, &[&time(&recipe.not_before), &time(&recipe.not_after)]),
            &name(),
            &recipe.key,
        ],
    );
    container(0x30, &[&body, &sha256_with_rsa, &der(3, &[0; 257])])
}

/// A simulator and a client without a user agent of its own.
pub(crate) struct Sim {
    pub(crate) simulator: Simulator,
    pub(crate) http: Client,
}

/// A server with a certificate, and its newest token.
pub(crate) struct Server {
    pub(crate) uuid: String,
    pub(crate) org_id: String,
    pub(crate) keys: Keys,
}

/// A status, the code in the body, and the whole body as JSON when it is some.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl TestResponse {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.text).unwrap()
    }

    /// Status and body, for comparing with what a refusal must be.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, &self.text)
    }
}

impl Sim {
    pub(crate) async fn start() -> Sim {
        Sim::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Sim {
        Sim::on("127.0.0.1:0", options).await
    }

    pub(crate) async fn on(listen: &str, options: Options) -> Sim {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let simulator = Simulator::start(listen.parse().unwrap(), options).await.unwrap();
        Sim { simulator, http: Client::builder().no_proxy().build().unwrap() }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        self.http.request(method, self.simulator.url() + path)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> TestResponse {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        TestResponse { status, headers, text: response.text().await.unwrap() }
    }

    /// A call to the portal side that must be answered with this status.
    pub(crate) async fn portal(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.send(self.request(method, &format!("/_sim{path}")).body(body)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        serde_json::from_str(&answer.text).unwrap_or(Value::Null)
    }

    pub(crate) async fn option(&self, change: Value) {
        self.portal(200, "PUT", "/options", change).await;
    }

    /// A server of an organization of its own, ready to be talked to.
    pub(crate) async fn server(&self) -> Server {
        self.ready(self.portal(201, "POST", "/servers", json!({})).await).await
    }

    /// A server of an organization that exists, ready to be talked to.
    pub(crate) async fn server_of(&self, org_id: &str) -> Server {
        self.ready(self.portal(201, "POST", "/servers", json!({ "org_id": org_id })).await).await
    }

    async fn ready(&self, made: Value) -> Server {
        let uuid = made["server_uuid"].as_str().unwrap().to_owned();
        let certificate = certificate(&Recipe::default());
        let upload = self.request("PUT", &format!("/_sim/servers/{uuid}/certificate")).body(certificate);
        assert_eq!(self.send(upload).await.status, 204);
        let keys = self.issue(&uuid, "").await;
        Server { uuid, org_id: made["org_id"].as_str().unwrap().to_owned(), keys }
    }

    /// Issues a token and opens it.
    pub(crate) async fn issue(&self, uuid: &str, query: &str) -> Keys {
        token::keys(&token::open(&self.download(uuid, query).await))
    }

    pub(crate) async fn download(&self, uuid: &str, query: &str) -> Vec<u8> {
        let request = self.request("POST", &format!("/_sim/servers/{uuid}/token{query}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap().to_vec()
    }

    pub(crate) async fn devices(&self, server: &Server, count: u32) {
        let path = format!("/servers/{}/devices", server.uuid);
        assert_eq!(
            self.portal(200, "POST", &path, json!({ "count": count })).await,
            json!({ "added": count })
        );
    }

    /// Assigns devices with these serial numbers to a server.
    pub(crate) async fn give(&self, server: &Server, serials: &[&str]) {
        let devices: Vec<Value> = serials.iter().map(|serial| json!({ "serial_number": serial })).collect();
        let path = format!("/servers/{}/devices", server.uuid);
        self.portal(200, "POST", &path, json!({ "devices": devices })).await;
    }

    /// Defines a profile and returns its uuid.
    pub(crate) async fn profile(&self, session: &str) -> Value {
        let profile = json!({ "profile_name": "Staff", "url": "https://mdm.example.com/enroll" });
        self.ask(session, "POST", "/profile", profile).await.json()["profile_uuid"].clone()
    }

    /// A signed call for a session.
    pub(crate) fn session_request(&self, keys: &Keys) -> RequestBuilder {
        let url = format!("{}/session", self.simulator.url());
        let parameters = signer::signed(keys, "GET", &url, &now().to_string(), &nonce());
        self.request("GET", "/session")
            .header("content-type", JSON)
            .header("authorization", signer::header(&parameters, Some("ADM"), ", "))
    }

    pub(crate) async fn session(&self, keys: &Keys) -> String {
        let answer = self.send(self.session_request(keys)).await;
        answer.json()["auth_session_token"].as_str().unwrap().to_owned()
    }

    /// A call under a session, as a well-behaved client of protocol version 10.
    pub(crate) fn call(&self, session: &str, method: &str, path: &str, body: Value) -> RequestBuilder {
        let request = self
            .request(method, path)
            .header("content-type", JSON)
            .header("user-agent", "tests/1")
            .header("x-server-protocol-version", "10")
            .header("x-adm-auth-session", HeaderValue::from_str(session).unwrap());
        if body.is_null() { request } else { request.body(body.to_string()) }
    }

    pub(crate) async fn ask(&self, session: &str, method: &str, path: &str, body: Value) -> TestResponse {
        self.send(self.call(session, method, path, body)).await
    }
}

/// The seconds since 1970 by this machine's clock.
pub(crate) fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the simulator compares timestamps with the real clock")]
    jiff::Timestamp::now().as_second()
}

/// A nonce that no other call of this process has.
pub(crate) fn nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("nonce-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
