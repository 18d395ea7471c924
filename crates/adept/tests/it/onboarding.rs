//! What an upload does when Apple, the token or the moment is not as it should be: every refusal changes nothing,
//! every answered upload holds. The rules are in `domain::accept`; here they are met over HTTP with a simulated Apple.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, ClientResponse},
    test_app::{S, TestApp},
};

mod apple_fails;
mod at_once;
mod corrupted;
mod open_budget;
mod refused;
mod renewal;
mod spliced;
mod terms;
mod two_tokens;

/// A setting and the server at Apple that trusts its key.
pub struct Pair {
    pub setting: String,
    pub server: String,
}

/// Makes a setting whose key a new server at Apple trusts; nothing is uploaded yet.
pub async fn pair(test: &TestApp, client: &Client) -> Pair {
    let setting = client.create_setting().await;
    let server = test.portal.server().await;
    trust(test, client, &setting, &server).await;
    Pair { setting, server }
}

/// Lets `server` seal its tokens for `setting`.
pub async fn trust(test: &TestApp, client: &Client, setting: &str, server: &str) {
    let key = client.get_json(&format!("/beta/{S}/{setting}/getEncryptionPublicKey")).await;
    test.portal.trust(server, key["value"].as_str().unwrap()).await;
}

/// Uploads `token`.
pub async fn upload(client: &Client, setting: &str, token: &str) -> ClientResponse {
    let body = json!({ "appleId": "admin@example.com", "depToken": token });
    client.post(&format!("/beta/{S}/{setting}/uploadDepToken"), &body).await
}

/// Everything that a caller can see of a setting.
pub async fn shown(client: &Client, setting: &str) -> Value {
    client.get_json(&format!("/beta/{S}/{setting}")).await
}

/// Lets Apple answer the next call of `path` as given.
pub async fn script(test: &TestApp, answer: Value) {
    test.portal.call(Method::POST, "/answers", answer.to_string()).await;
}

/// How often Apple was asked for `call`, such as `GET /session`.
pub async fn asked(test: &TestApp, call: &str) -> u64 {
    let counts = test.portal.call(Method::GET, "/counts", String::new()).await;
    let counts: Value = serde_json::from_str(&counts).unwrap();
    counts[call].as_u64().unwrap_or(0)
}

/// Whether Apple accepts the stored token: a sync that is asked for succeeds.
pub async fn syncs(test: &TestApp, client: &Client, setting: &str) -> bool {
    test.clock.advance(jiff::SignedDuration::from_secs(2));
    let before = shown(client, setting).await["lastSuccessfulSyncDateTime"].clone();
    let answer = client.act(&format!("/beta/{S}/{setting}/syncWithAppleDeviceEnrollmentProgram")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    test.app.scheduler.sync_what_is_due().await.unwrap();
    shown(client, setting).await["lastSuccessfulSyncDateTime"] != before
}
