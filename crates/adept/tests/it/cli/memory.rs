//! What requests cost a process of its own in memory at most, as the system counts it.

use std::{
    fs,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use reqwest::{
    Client, Response,
    header::{ACCEPT_ENCODING, CONTENT_TYPE},
};
use serde_json::{Value, json};

use super::{Going, adept, command};
use crate::{
    serve::started::{FORM, encoded},
    support::{database::tempfolder::Folder, test_app::S},
};

/// A service with settings of a thousand devices, each about a kilobyte long.
struct Service {
    going: Going,
    url: String,
    token: String,
    settings: Vec<String>,
    folder: Folder,
}

fn application(data: &str, more: &[&str]) -> Value {
    let permission = "--permission=DeviceManagementServiceConfig.ReadWrite.All";
    adept(&[&["client", "add", "a", permission, "--json", data], more].concat()).json()
}

async fn sign_in(url: &str, application: &Value) -> String {
    let text = |key: &str| application[key].as_str().unwrap();
    let form = encoded(&[
        ("grant_type", "client_credentials"),
        ("client_id", text("clientId")),
        ("client_secret", text("clientSecret")),
        ("scope", "https://localhost/.default"),
    ]);
    let asked = Client::new().post(format!("{url}/{}/oauth2/v2.0/token", text("tenantId"))).body(form);
    let answer = asked.header(CONTENT_TYPE, FORM).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned()
}

impl Service {
    async fn start(settings: usize) -> Self {
        ::adept::cli::install_crypto_providers();
        let folder = Folder::new();
        let data = format!("--data-dir={}", folder.path().display());
        let added = application(&data, &["--new-database"]);
        let flags = ["serve", &data, "--listen=127.0.0.1:0", "--metrics-listen=off", "--plain-http"];
        let mut going = Going::start(command(&[&flags[..], &["--apple-url=http://127.0.0.1:1"]].concat()));
        let url = going.until("Adept answers at ").split_whitespace().last().unwrap().to_owned();
        let token = sign_in(&url, &added).await;
        let mut service = Self { going, url, token, settings: Vec::new(), folder };
        let http = Client::new();
        for _ in 0..settings {
            service.fill(&http).await;
        }
        service
    }

    /// A bearer token of another tenant.
    async fn other(&self) -> String {
        let data = format!("--data-dir={}", self.folder.path().display());
        sign_in(&self.url, &application(&data, &["--tenant=new"])).await
    }

    async fn fill(&mut self, http: &Client) {
        let made = self
            .post(http, &format!("/beta/{S}"), &json!({ "tokenName": "a" }))
            .await
            .json::<Value>()
            .await
            .unwrap();
        let setting = made["id"].as_str().unwrap().to_owned();
        let import =
            format!("/beta/{S}/{setting}/importedAppleDeviceIdentities/importAppleDeviceIdentityList");
        for half in 0..2 {
            let device = |number: usize| json!({ "serialNumber": format!("D{half}{number:04}"), "description": "x".repeat(1000) });
            let devices: Vec<_> = (0..500).map(device).collect();
            let body = json!({ "importedAppleDeviceIdentities": devices, "overwriteImportedDeviceIdentities": false });
            assert_eq!(self.post(http, &import, &body).await.status(), 200);
        }
        self.settings.push(setting);
    }

    async fn post(&self, http: &Client, path: &str, body: &Value) -> Response {
        let asked = http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body);
        asked.header(ACCEPT_ENCODING, "gzip").send().await.unwrap()
    }

    /// The most memory that the process had at any time, in MiB.
    fn peak(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.going.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
    }

    /// A request of 4 kB that asks for as much as it can.
    fn greedy(&self) -> Value {
        let devices = |id: usize| {
            format!("/{S}/{}/importedAppleDeviceIdentities", self.settings[id % self.settings.len()])
                .replace("/beta", "")
        };
        let request = |id: usize| json!({ "id": id.to_string(), "method": "GET", "url": devices(id) });
        json!({ "requests": (0..20).map(request).collect::<Vec<_>>() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_four_kilobytes_costs_a_few_answers_at_most() {
    let service = Service::start(10).await;
    let before = service.peak();
    let http = Client::new();
    let expanded = "$expand=importedAppleDeviceIdentities($top=1000;$skip=0)";
    let of_expanded =
        |id: usize| json!({ "id": id.to_string(), "method": "GET", "url": format!("/{S}?{expanded}") });
    let expanded = format!("{}/beta/{S}?{expanded}", service.url);
    for packed in ["gzip", "identity"] {
        let answer =
            http.get(&expanded).bearer_auth(&service.token).header(ACCEPT_ENCODING, packed).send().await;
        assert!(answer.unwrap().bytes().await.unwrap().len() > 200_000);
        for requests in
            [service.greedy(), json!({ "requests": (0..20).map(of_expanded).collect::<Vec<_>>() })]
        {
            assert!(requests.to_string().len() < 4096);
            let answer = service.post(&http, "/beta/$batch", &requests).await;
            assert!(answer.bytes().await.unwrap().len() > 200_000);
        }
    }
    let cost = service.peak() - before;
    assert!(cost < 96, "{cost} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_unread_answers_of_one_tenant_hold_little_and_leave_another_its_own() {
    const PLACES: usize = 15;
    let service = Service::start(1).await;
    let before = service.peak();
    let unreading =
        || Client::builder().http2_prior_knowledge().http2_initial_stream_window_size(1).build().unwrap();
    let (http, requests) = (unreading(), service.greedy());
    let mut asked: FuturesUnordered<_> =
        (0..100).map(|_| service.post(&http, "/beta/$batch", &requests)).collect();
    // As many as one tenant may hold have begun, and nobody reads them.
    let mut unread = Vec::new();
    while unread.len() < PLACES {
        unread.push(asked.next().await.unwrap());
    }
    let (other, reading) = (service.other().await, Client::new());
    let begun = Instant::now();
    let expanded = format!("{}/beta/{S}?$expand=importedAppleDeviceIdentities", service.url);
    for _ in 0..5 {
        let answer = reading.get(&expanded).bearer_auth(&other).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    // Half the time after which an answer that nobody reads is given up.
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let cost = service.peak() - before;
    assert!(cost < 256, "{cost} MiB");
}
