//! From nothing to a token that Apple accepts: sign in, setting, public key, Apple's portal, upload.

use std::time::Duration;

use adept_simulator::{NewOrganization, NewServer};
use reqwest::Method;
use serde_json::json;

use super::{
    super::{
        client::{Body, Response},
        grouped,
        portal::refused,
    },
    DEVICES, SETTINGS, Script,
};
use crate::{cli::Failure, domain::Permission};

/// Devices per page while someone watches. Apple's own limit is 1,000.
const PAGE: u32 = 100;
/// How long Apple thinks about a page, in milliseconds.
const THINKING: u64 = 110;

impl Script<'_> {
    pub(super) async fn sign_in(&mut self) -> Result<(), Failure> {
        let about = "An application trades its secret for a bearer token, as it does with Microsoft Entra.";
        self.stage.step("Sign in", about).await;
        let application = self.application;
        let (tenant, client) = (application.row.tenant.to_string(), application.row.id);
        let path = format!("/{tenant}/oauth2/v2.0/token");
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={}&scope=https%3A%2F%2Flocalhost%2F.default",
            application.secret.reveal()
        );
        let body = Body::form(form).shown_as(
            "grant_type=client_credentials&client_id=…&client_secret=… &scope=https://localhost/.default",
        );
        self.stage.name(&tenant, "{tenant}");
        let answer = self.adept.call(self.stage, Method::POST, &path, Some(body), 200).await?.json();
        let token =
            answer["access_token"].as_str().ok_or_else(|| Failure::failed("there is no access_token"))?;
        self.adept.sign_with(token);
        self.stage.fact(&format!(
            "A token for {} s that allows {}.",
            answer["expires_in"],
            Permission::ServiceConfigReadWrite.as_str()
        ));
        Ok(())
    }

    pub(super) async fn create_setting(&mut self) -> Result<(), Failure> {
        let about = "It stands for one device management server in Apple's portal.";
        self.stage.step("Create an onboarding setting", about).await;
        let body = Some(Body::json(&json!({ "tokenName": "Headquarters" })));
        let setting = self.adept.call(self.stage, Method::POST, SETTINGS, body, 201).await?.json();
        let id = setting["id"].as_str().ok_or_else(|| Failure::failed("the new setting has no id"))?;
        self.setting = id.to_owned();
        self.stage.name(id, "{id}");
        self.stage.fact(&format!("{{id}} is {id}. A key pair was made with it; its private half is sealed."));
        Ok(())
    }

    pub(super) async fn fetch_public_key(&mut self) -> Result<(), Failure> {
        let about = "Apple will seal the server token for it, so that nobody else can read it.";
        self.stage.step("Fetch its public key", about).await;
        let path = self.path("/getEncryptionPublicKey()");
        let answer = self.get(&path).await?;
        let certificate =
            answer["value"].as_str().ok_or_else(|| Failure::failed("there is no public key"))?;
        let first = certificate.lines().next().unwrap_or_default();
        self.stage.fact(&format!("{first} … a certificate of {} bytes.", certificate.len()));
        certificate.clone_into(&mut self.certificate);
        Ok(())
    }

    pub(super) async fn visit_portal(&mut self) -> Result<String, Failure> {
        let about = "With the real Apple a person clicks this in Apple Business Manager; here the simulator's portal does it.";
        self.stage
            .step("At Apple: add a server, give it the key, assign devices, download its token", about)
            .await;
        self.set_pace().await?;
        self.organization = self.found_organization().await?;
        self.server = self.add_server("Headquarters", "{server}").await?;
        self.buy_devices(DEVICES).await?;
        let server = self.server.clone();
        self.download_token(&server).await
    }

    /// Small pages and an Apple that thinks, so that there is something to watch.
    async fn set_pace(&mut self) -> Result<(), Failure> {
        let limits = json!({ "limit_default": PAGE, "limit_maximum": PAGE });
        let milliseconds = if self.stage.is_watched() { THINKING } else { 0 };
        let delay = Duration::from_millis(milliseconds);
        self.portal.quiet.set_options(&limits).await.map_err(refused)?;
        self.portal.quiet.delay("/server/devices", delay).await.map_err(refused)
    }

    async fn found_organization(&mut self) -> Result<String, Failure> {
        let new = NewOrganization { name: Some("Example Organization"), ..NewOrganization::default() };
        let result = self.portal.quiet.create_organization(&new).await;
        let sent = json!({ "name": new.name }).to_string();
        Ok(self.portal.show(self.stage, result, Some(&sent))?.org_id)
    }

    /// The server gets `count` devices.
    pub(super) async fn buy_devices(&mut self, count: i64) -> Result<(), Failure> {
        let result = self.portal.quiet.seed_devices(&self.server, count.unsigned_abs()).await;
        self.portal.show(self.stage, result, Some(&json!({ "count": count }).to_string()))
    }

    /// Adds a server to the organization and gives it the setting's public key.
    pub(super) async fn add_server(&mut self, name: &str, shown: &'static str) -> Result<String, Failure> {
        let new = NewServer { name: Some(name), org_id: Some(&self.organization), ..NewServer::default() };
        let result = self.portal.quiet.create_server(&new).await;
        let sent = json!({ "name": name, "org_id": self.organization }).to_string();
        let uuid = self.portal.show(self.stage, result, Some(&sent))?.server_uuid;
        self.stage.name(&uuid, shown);
        let result = self.portal.quiet.upload_certificate(&uuid, self.certificate.as_bytes()).await;
        self.portal.show(self.stage, result, Some("-----BEGIN CERTIFICATE-----…"))?;
        Ok(uuid)
    }

    /// Downloads a server's token, which makes a new one each time.
    pub(super) async fn download_token(&mut self, server: &str) -> Result<String, Failure> {
        let result = self.portal.quiet.issue_token(server).await;
        let file = self.portal.show(self.stage, result, None)?;
        self.stage.fact(&format!("{}, {} bytes, sealed.", file.name, grouped(file.bytes.len() as i64)));
        Ok(file.text())
    }

    /// Uploads a token; `expected` is the status that it must be answered with.
    pub(super) async fn upload(&mut self, token: String, expected: u16) -> Result<Response, Failure> {
        let body = Body::json(&json!({ "appleId": null, "depToken": token }))
            .shown_as("{\"appleId\":null,\"depToken\":\"Content-Type: application/pkcs7-mime; …\"}");
        let path = self.path("/uploadDepToken");
        self.adept.call(self.stage, Method::POST, &path, Some(body), expected).await
    }

    pub(super) async fn upload_token(&mut self, token: String) -> Result<(), Failure> {
        let about = "Adept opens it with the setting's private key, shows it to Apple, and only then seals and stores it.";
        self.stage.step("Upload the token", about).await;
        let before = self.setting_now().await?;
        self.upload(token, 204).await?;
        let (session, account) =
            (self.asked_of_apple("GET /session").await?, self.asked_of_apple("GET /account").await?);
        self.stage
            .fact(&format!("Apple was asked first: GET /session × {session}, GET /account × {account}."));
        self.show_changes(&before).await?;
        Ok(())
    }
}
