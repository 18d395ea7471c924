//! The portal side of the simulated Apple, as an administrator uses it.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Apple's portal.
pub struct Portal {
    base: String,
    http: reqwest::Client,
}

impl Portal {
    pub fn at(apple: String) -> Self {
        Self { base: format!("{apple}/_sim"), http: reqwest::Client::new() }
    }

    /// Any call of the portal; what it answers is text.
    pub async fn call(&self, method: Method, path: &str, body: String) -> String {
        sent(self.http.request(method, format!("{}{path}", self.base)).body(body)).await
    }

    /// A new organization with one server; answers the server's uuid.
    pub async fn server(&self) -> String {
        let organization = self.call(Method::POST, "/organizations", "{}".to_owned()).await;
        let organization: Value = serde_json::from_str(&organization).unwrap();
        let body = json!({ "org_id": organization["org_id"] }).to_string();
        let server = self.call(Method::POST, "/servers", body).await;
        let server: Value = serde_json::from_str(&server).unwrap();
        server["server_uuid"].as_str().unwrap().to_owned()
    }

    /// Uploads the certificate that the server's tokens are sealed to.
    pub async fn trust(&self, server: &str, pem: &str) {
        self.call(Method::PUT, &format!("/servers/{server}/certificate"), pem.to_owned()).await;
    }

    /// Downloads a token.
    pub async fn token(&self, server: &str) -> String {
        self.call(Method::POST, &format!("/servers/{server}/token"), String::new()).await
    }

    /// Assigns that many devices to the server.
    pub async fn give_devices(&self, server: &str, count: u32) {
        if count > 0 {
            let body = json!({ "count": count }).to_string();
            self.call(Method::POST, &format!("/servers/{server}/devices"), body).await;
        }
    }
}

async fn sent(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    text
}
