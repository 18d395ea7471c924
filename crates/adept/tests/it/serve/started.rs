//! A service as `adept serve` starts it, in this process, on free ports and in a folder of its own.

use adept::{
    app::Clock,
    auth::{ClientSecret, SecretKey},
    config,
    domain::{ClientId, Permission, TenantId},
    serve::Running,
    storage::{ClientRow, Storage},
};
use clap::Parser;
use reqwest::{Certificate, Client, ClientBuilder, header::CONTENT_TYPE};
use serde_json::Value;

use crate::support::{client::ClientResponse, database::tempfolder::Folder};

/// A command line that holds nothing but the flags of `adept serve`.
#[derive(Parser)]
#[command(args_override_self = true)]
struct CommandLine {
    #[command(flatten)]
    serve: config::Serve,
}

/// Flags for a service in `folder`, on free ports; a later flag wins over an earlier one.
pub fn flags(folder: &std::path::Path, more: &[&str]) -> config::Serve {
    let data = folder.display().to_string();
    let base =
        ["adept", "--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--apple-url=http://127.0.0.1:1"];
    let command_line = base.into_iter().map(str::to_owned).chain([format!("--data-dir={data}")]);
    CommandLine::parse_from(command_line.chain(more.iter().map(|flag| (*flag).to_owned()))).serve
}

/// A running service and its folder.
pub struct Started {
    pub running: Running,
    pub clock: Clock,
    pub folder: Folder,
    pub http: Client,
}

/// An application that may sign in.
pub struct Application {
    pub tenant: TenantId,
    pub client: ClientId,
    pub secret: ClientSecret,
}

impl Started {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(more: &[&str]) -> Self {
        Self::inside(Folder::new(), more).await
    }

    pub async fn inside(folder: Folder, more: &[&str]) -> Self {
        let clock = Clock::system();
        let flags = flags(folder.path(), more);
        let running = adept::cli::serve::start(&flags, clock.clone()).await.unwrap();
        let http = client(&running).build().unwrap();
        Self { running, clock, folder, http }
    }

    pub fn storage(&self) -> &Storage {
        self.running.app().storage()
    }

    /// A URL of this service.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url())
    }

    pub async fn get(&self, path: &str) -> ClientResponse {
        crate::support::client::send(self.http.get(self.url(path))).await
    }

    /// What the operator's listener says.
    pub async fn operator(&self, path: &str) -> ClientResponse {
        let url = format!("{}{path}", self.running.metrics_url().unwrap());
        crate::support::client::send(self.http.get(url)).await
    }

    /// A new application of the default tenant.
    pub async fn application(&self, permissions: &[Permission]) -> Application {
        self.application_of(self.storage().default_tenant(), permissions).await
    }

    /// A new application of that tenant.
    pub async fn application_of(&self, tenant: TenantId, permissions: &[Permission]) -> Application {
        let secret = ClientSecret::generate().unwrap();
        let key = SecretKey::of(&self.storage().deployment).await.unwrap();
        let client = ClientId(self.clock.new_id());
        let row = ClientRow {
            tenant,
            id: client,
            name: "Test".to_owned(),
            secret: key.hash(tenant, client, &secret),
            permissions: permissions.iter().copied().collect(),
            disabled: false,
            created_at: self.clock.now(),
        };
        self.storage().clients.add(&row, None).await.unwrap();
        Application { tenant, client, secret }
    }

    /// Asks the token endpoint.
    pub async fn token(&self, tenant: TenantId, form: &[(&str, &str)]) -> ClientResponse {
        let url = self.url(&format!("/{tenant}/oauth2/v2.0/token"));
        crate::support::client::send(self.http.post(url).header(CONTENT_TYPE, FORM).body(encoded(form))).await
    }

    /// A bearer token of that application.
    pub async fn sign_in(&self, application: &Application) -> String {
        let client = application.client.to_string();
        let answer = self
            .token(
                application.tenant,
                &[
                    ("grant_type", "client_credentials"),
                    ("client_id", &client),
                    ("client_secret", application.secret.reveal()),
                    ("scope", "https://localhost/.default"),
                ],
            )
            .await;
        let json: Value = answer.json();
        json["access_token"].as_str().unwrap_or_else(|| panic!("{json}")).to_owned()
    }
}

/// The content type of forms.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A form as clients write it.
pub fn encoded(form: &[(&str, &str)]) -> String {
    let url = reqwest::Url::parse_with_params("form:/", form).unwrap();
    url.query().unwrap_or_default().to_owned()
}

/// A client that trusts the service's authority and nothing else.
pub fn client(running: &Running) -> ClientBuilder {
    let builder = Client::builder();
    match running.trust() {
        Some(trust) => builder.tls_certs_only([Certificate::from_pem(trust.ca_pem.as_bytes()).unwrap()]),
        None => builder,
    }
}
