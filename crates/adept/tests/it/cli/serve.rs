//! `adept serve` as a process of its own: signals, log, certificates on disk.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use adept::{
    app::Clock,
    domain::TenantId,
    serve::tls::{Source, Tls, not_after},
};
use jiff::SignedDuration;
use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client, header::CONTENT_TYPE};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::{Going, adept, command};
use crate::{
    serve::started::{FORM, encoded},
    support::database::tempfolder::Folder,
};

/// Starts a service in `folder`; the program, and where it answers.
fn start(folder: &Folder, more: &[&str]) -> (Going, String) {
    let data = format!("--data-dir={}", folder.path().display());
    let flags =
        ["serve", &data, "--listen=127.0.0.1:0", "--metrics-listen=off", "--apple-url=http://127.0.0.1:1"];
    let mut service = Going::start(command(&[&flags, more].concat()));
    let line = service.until("Adept answers at ");
    let url = line.split_whitespace().last().unwrap().to_owned();
    (service, url)
}

fn trusting(pem: &[u8]) -> Client {
    adept::cli::install_crypto_providers();
    let certificate = Certificate::from_pem(pem).unwrap();
    // Every question comes by a new connection, so that a new certificate is seen.
    Client::builder().tls_certs_only([certificate]).pool_max_idle_per_host(0).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_whom_to_trust_and_ends_cleanly_when_asked() {
    let folder = Folder::new();
    let (mut service, url) = start(&folder, &[]);
    let line = service.until("Clients must trust ");
    let ca = folder.path().join("tls/ca.pem");
    assert!(line.contains(ca.to_str().unwrap()) && line.contains("made just now"), "{line}");
    let http = trusting(&fs::read(&ca).unwrap());
    assert_eq!(http.get(format!("{url}/readyz")).send().await.unwrap().status(), 200);
    let (code, said) = service.terminate();
    assert_eq!(code, 0, "{said}");
    assert!(!folder.path().join("adept.db-wal").exists(), "the database was closed");

    let (mut service, _) = start(&folder, &[]);
    assert!(!service.until("Clients must trust ").contains("made just now"));
    assert_eq!(service.terminate().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_the_log_at_any_level() {
    let folder = Folder::new();
    let data = format!("--data-dir={}", folder.path().display());
    let permission = "--permission=DeviceManagementServiceConfig.ReadWrite.All";
    let added = adept(&["client", "add", "a", permission, "--json", "--new-database", &data]).json();
    let text = |key: &str| added[key].as_str().unwrap().to_owned();
    let (tenant, id, secret) =
        (text("tenantId").parse::<TenantId>().unwrap(), text("clientId"), text("clientSecret"));
    let (service, url) = start(&folder, &["--log=trace", "--log-format=json"]);
    let http = trusting(&fs::read(folder.path().join("tls/ca.pem")).unwrap());
    let body = |secret: &str| {
        encoded(&[
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", secret),
            ("scope", "https://localhost/.default"),
        ])
    };
    let ask = |body: String| {
        http.post(format!("{url}/{tenant}/oauth2/v2.0/token")).header(CONTENT_TYPE, FORM).body(body)
    };
    let granted: serde_json::Value = ask(body(&secret)).send().await.unwrap().json().await.unwrap();
    let token = granted["access_token"].as_str().unwrap();
    let wrong = format!("{secret}-wrong");
    assert_eq!(ask(body(&wrong)).send().await.unwrap().status(), 401);
    let settings = format!("{url}/beta/deviceManagement/depOnboardingSettings");
    assert_eq!(http.get(&settings).bearer_auth(token).send().await.unwrap().status(), 200);
    assert_eq!(
        http.get(&settings).bearer_auth(&token[..token.len() - 9]).send().await.unwrap().status(),
        401
    );
    let (_, said) = service.terminate();

    for (what, secret) in
        [("secret", secret.as_str()), ("token", &token[..60]), ("signature", &token[token.len() - 60..])]
    {
        assert!(!said.contains(secret), "the {what} is in the log");
    }
    let lines: Vec<serde_json::Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let answered = lines.iter().filter(|line| line["message"] == "answered");
    let ids: Vec<_> = answered.map(|line| line["span"]["request_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 4, "{said}");
    assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).is_ok()));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_requests_name_where_they_came_from() {
    let folder = Folder::new();
    let flags = ["--plain-http", "--log=debug", "--log-format=json"];
    let proxy = ["--trusted-proxy=127.0.0.0/8", "--proxy-header=forwarded"];
    let (service, url) = start(&folder, &[flags.as_slice(), &proxy].concat());
    adept::cli::install_crypto_providers();
    for path in ["/livez", "/beta/$metadata"] {
        let asked = Client::new().get(format!("{url}{path}")).header("Forwarded", "for=203.0.113.5");
        assert_eq!(asked.send().await.unwrap().status(), 200);
    }
    let (_, said) = service.terminate();
    let lines = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let answered: Vec<_> = lines.filter(|line| line["message"] == "answered").collect();
    assert_eq!(answered.len(), 2, "{said}");
    assert!(answered.iter().all(|line| line["span"]["address"] == "203.0.113.5"), "{said}");
}

#[test]
fn proxies_are_believed_in_exactly_one_header() {
    for flags in [
        &["--trusted-proxy=10.0.0.0/8"][..],
        &["--proxy-header=forwarded"],
        &["--trusted-proxy=10.0.0.0/8", "--proxy-header=x-real-ip"],
        &["--trusted-proxy=10.0.0.0/33", "--proxy-header=forwarded"],
        &["--trusted-proxy=10.0.0.0/8", "--proxy-header=forwarded", "--proxy-header=x-forwarded-for"],
    ] {
        assert_eq!(adept(&[&["serve"], flags].concat()).code, 2, "{flags:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_brings_a_new_certificate_into_use() {
    let folder = Folder::new();
    let give = || {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let private = folder.path().join("key.pem");
        fs::write(&private, key.serialize_pem()).unwrap();
        fs::set_permissions(private, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(folder.path().join("cert.pem"), &pem).unwrap();
        pem
    };
    let old = trusting(give().as_bytes());
    let flag = |name: &str, file: &str| format!("--{name}={}", folder.path().join(file).display());
    let (mut service, url) = start(&folder, &[&flag("tls-cert", "cert.pem"), &flag("tls-key", "key.pem")]);
    let url = format!("{url}/livez");
    assert!(old.get(&url).send().await.is_ok());
    let new = trusting(give().as_bytes());
    service.signal("HUP");
    service.until("the TLS certificate changed");
    assert!(old.get(&url).send().await.is_err());
    assert!(new.get(&url).send().await.is_ok());
    assert_eq!(service.terminate().0, 0);
}

/// `curl` knows the authority and nothing else, as people's scripts do.
#[tokio::test(flavor = "multi_thread")]
async fn a_local_certificate_that_ends_soon_is_made_again_while_it_runs() {
    let folder = Folder::new();
    let source = || Source::LocalCa { folder: folder.path().join("tls"), host: "localhost".to_owned() };
    let leaf = folder.path().join("tls/server.pem");
    let end = || not_after(&CertificateDer::from_pem_slice(&fs::read(&leaf).unwrap()).unwrap()).unwrap();
    let now = Clock::system().now();
    Tls::open(source(), now - SignedDuration::from_hours(24 * 370)).unwrap();
    let ends_soon = fs::read(&leaf).unwrap();
    assert!(end() < now + SignedDuration::from_hours(24 * 30));
    let (mut service, url) = start(&folder, &[]);
    assert!(!service.until("Clients must trust ").contains("made just now"));
    assert!(end() > now + SignedDuration::from_hours(24 * 390), "made again at the start");

    fs::write(&leaf, &ends_soon).unwrap();
    service.signal("HUP");
    service.until("the TLS certificate changed");
    assert!(end() > now + SignedDuration::from_hours(24 * 390), "made again while it runs");
    let ca = folder.path().join("tls/ca.pem").display().to_string();
    let address = url.replace("localhost", "127.0.0.1");
    for url in [format!("{url}/livez"), format!("{address}/livez")] {
        let mut curl = Command::new("curl");
        let curl = curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert", &ca, &url]);
        let said = curl.output().expect("curl is installed");
        assert_eq!(String::from_utf8_lossy(&said.stdout), "ok\n", "{said:?}");
    }
    assert_eq!(service.terminate().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_gets_a_new_authority_whose_path_is_told() {
    let folder = Folder::new();
    let ca = folder.path().join("tls/ca.pem");
    for (host, is_new) in [("a", true), ("a", false), ("b", true), ("localhost", true)] {
        let url = format!("--public-url=https://{host}");
        let (mut service, _) = start(&folder, &[&url]);
        let line = service.until("Clients must trust ");
        assert_eq!(
            (line.contains("made just now"), line.contains(ca.to_str().unwrap())),
            (is_new, true),
            "{line}"
        );
        assert_eq!(service.terminate().0, 0);
    }
}

#[test]
fn a_lease_in_which_apple_cannot_answer_is_refused() {
    let folder = Folder::new();
    let data = format!("--data-dir={}", folder.path().display());
    let refused = adept(&["serve", &data, "--listen=127.0.0.1:0", "--metrics-listen=off", "--lease=9s"]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(refused.err.contains("--lease is under 10s"), "{}", refused.err);
}
