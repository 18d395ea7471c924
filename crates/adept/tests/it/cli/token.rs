//! `adept token open`: what is inside a server token, never a secret.

use std::fs;

use adept_apple::key_pair::KeyPair;
use adept_simulator::Simulator;

use super::adept;
use crate::support::{
    database::{noon, tempfolder::Folder},
    portal::Portal,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_opened_with_its_key_and_secrets_are_masked() {
    adept::cli::install_crypto_providers();
    let simulator = Simulator::start("127.0.0.1:0".parse().unwrap(), Default::default()).await.unwrap();
    let portal = Portal::at(simulator.url());
    let pair = KeyPair::generate("Adept", noon()).unwrap();
    let server = portal.server().await;
    portal.trust(&server, &pair.certificate.pem()).await;
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("token.p7m"), portal.token(&server).await).unwrap();
    fs::write(path("cert.pem"), pair.certificate.pem()).unwrap();
    fs::write(path("key.pem"), pem(&pair.pkcs8)).unwrap();

    let key = format!("--key={}", path("key.pem"));
    let opened = adept(&["token", "open", &path("token.p7m"), &key]);
    opened.is(0, "");
    for name in ["sealed to", "consumer_key", "consumer_secret", "access_token", "access_secret", "days left"]
    {
        assert!(opened.out.contains(name), "{name}: {}", opened.out);
    }
    for line in opened.out.lines().filter(|line| line.contains("characters)")) {
        let shown = line.split_whitespace().nth(1).unwrap().trim_end_matches('…');
        assert!(shown.len() <= 4, "{line}");
    }
    let cert = format!("--cert={}", path("cert.pem"));
    adept(&["token", "open", &path("token.p7m"), &key, &cert]).is(0, "");

    let stranger = KeyPair::generate("Adept", noon()).unwrap();
    fs::write(path("other.pem"), pem(&stranger.pkcs8)).unwrap();
    fs::write(path("other-cert.pem"), stranger.certificate.pem()).unwrap();
    let other = (format!("--key={}", path("other.pem")), format!("--cert={}", path("other-cert.pem")));
    adept(&["token", "open", &path("token.p7m"), &other.0]).is(1, "");
    adept(&["token", "open", &path("token.p7m"), &other.0, &other.1]).is(4, "another certificate");
    adept(&["token", "open", &path("none.p7m"), &key]).is(3, "none.p7m");
    adept(&["token", "open", &path("cert.pem"), &key]).is(1, "");
    adept(&["token", "open", &path("token.p7m"), &format!("--key={}", path("cert.pem"))]).is(1, "cert.pem");
    simulator.stop().await;
}

fn pem(pkcs8: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(pkcs8))
}
