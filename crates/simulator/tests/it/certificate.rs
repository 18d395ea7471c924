//! Which uploads the portal takes as a certificate, and what it says to the others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::ber::{container, der};
use crate::support::{Recipe, Server, Sim, certificate, name};

fn pem(label: &str, bytes: &[u8]) -> Vec<u8> {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(bytes)).into_bytes()
}

async fn upload(sim: &Sim, server: &Server, body: Vec<u8>) -> (u16, String) {
    let path = format!("/_sim/servers/{}/certificate", server.uuid);
    let answer = sim.send(sim.request("PUT", &path).body(body)).await;
    let error = serde_json::from_str::<Value>(&answer.text).unwrap_or_default();
    (answer.status, error["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn der_and_pem_are_taken() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let good = certificate(&Recipe::default());
    let mut with_bom = b"\xEF\xBB\xBFsubject=test\r\n".to_vec();
    with_bom.extend(pem("CERTIFICATE", &good));
    for body in [good.clone(), pem("CERTIFICATE", &good), with_bom] {
        assert_eq!(upload(&sim, &server, body).await, (204, String::new()));
    }
}

#[tokio::test]
async fn everything_else_is_refused_with_a_sentence() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let good = certificate(&Recipe::default());
    let rsa = Recipe::default().key;
    let curve = container(
        0x30,
        &[&[6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1], &[6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]],
    );
    let ec = container(0x30, &[&curve, &der(3, &[0; 66])]);
    let weak = {
        let algorithm = container(0x30, &[&[6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1], &[5, 0]]);
        let key = container(0x30, &[&der(2, &[0x7F; 128]), &[2, 3, 1, 0, 1]]);
        container(0x30, &[&algorithm, &container(3, &[&[0], &key])])
    };
    let request = {
        let body = container(0x30, &[&[2, 1, 0], &name(), &rsa, &[0xA0, 0]]);
        container(0x30, &[&body, &[0x30, 0], &der(3, &[0; 257])])
    };
    let with = |key: &[u8]| certificate(&Recipe { key: key.to_vec(), ..Recipe::default() });
    let dated = |not_before: &str, not_after: &str| {
        let (not_before, not_after) = (not_before.to_owned(), not_after.to_owned());
        certificate(&Recipe { not_before, not_after, ..Recipe::default() })
    };
    let twice = [pem("CERTIFICATE", &good), pem("CERTIFICATE", &good)].concat();
    let trailing = [good.clone(), vec![0]].concat();
    for (body, part) in [
        (Vec::new(), "empty"),
        (b"hello".to_vec(), "not an X.509 certificate"),
        (good[..good.len() - 1].to_vec(), "not an X.509 certificate"),
        (trailing, "not an X.509 certificate"),
        (pem("CERTIFICATE", b"hello"), "not an X.509 certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA".to_vec(), "not an X.509 certificate"),
        (twice, "2 certificates"),
        (request.clone(), "signing request"),
        (pem("CERTIFICATE REQUEST", &request), "signing request"),
        (rsa.clone(), "bare public key"),
        (pem("PUBLIC KEY", &rsa), "bare public key"),
        (pem("PRIVATE KEY", &rsa), "private key"),
        (with(&ec), "not RSA"),
        (with(&weak), "2048"),
        (dated("20200101000000Z", "20210101000000Z"), "expired at 2021-01-01T00:00:00Z"),
        (dated("20980101000000Z", "20990101000000Z"), "not valid before 2098-01-01T00:00:00Z"),
    ] {
        let (status, error) = upload(&sim, &server, body).await;
        assert_eq!(status, 400, "{part}: {error}");
        assert!(error.contains(part) && error.ends_with("The server keeps what it had."), "{part}: {error}");
    }
    sim.session(&sim.issue(&server.uuid, "").await).await;
}

#[tokio::test]
async fn a_server_without_a_certificate_gets_no_token() {
    let sim = Sim::start().await;
    let made = sim.portal(201, "POST", "/servers", serde_json::json!({})).await;
    let path = format!("/servers/{}/token", made["server_uuid"].as_str().unwrap());
    let refusal = sim.portal(409, "POST", &path, Value::Null).await;
    assert!(refusal["error"].as_str().unwrap().contains("certificate"));
}
