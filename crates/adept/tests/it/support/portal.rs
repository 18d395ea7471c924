//! The portal side of the simulated Apple in a test: the simulator's own handle, where a refusal ends the test.

use std::ops::Deref;

use adept_simulator::NewServer;
use reqwest::Method;

/// Apple's portal.
pub struct Portal(adept_simulator::Portal);

/// Every typed call of the handle; its errors are the caller's.
impl Deref for Portal {
    type Target = adept_simulator::Portal;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Portal {
    pub fn at(apple: String) -> Self {
        Self(adept_simulator::Portal::at(&apple).unwrap())
    }

    /// Any call of the portal; what it answers is text.
    pub async fn call(&self, method: Method, path: &str, body: String) -> String {
        String::from_utf8(self.0.call(method.as_str(), path, body).await.unwrap()).unwrap()
    }

    /// A new organization with one server; answers the server's uuid.
    pub async fn server(&self) -> String {
        self.0.create_server(&NewServer::default()).await.unwrap().server_uuid
    }

    /// Uploads the certificate that the server's tokens are sealed to.
    pub async fn trust(&self, server: &str, pem: &str) {
        self.0.upload_certificate(server, pem.as_bytes()).await.unwrap();
    }

    /// Downloads a token.
    pub async fn token(&self, server: &str) -> String {
        self.0.issue_token(server).await.unwrap().text()
    }

    /// Assigns that many devices to the server.
    pub async fn give_devices(&self, server: &str, count: u32) {
        if count > 0 {
            self.0.seed_devices(server, count.into()).await.unwrap();
        }
    }
}
