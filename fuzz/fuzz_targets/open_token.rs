//! Server tokens: no bytes break the reader, under any recipient, and what is opened is a whole token.
#![no_main]

use std::sync::LazyLock;

use adept_apple::certificate::{Certificate, CertificateId, RecipientId};
use adept_apple::key_pair::PrivateKey;
use adept_apple::token::{SealedToken, ServerToken};
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<(CertificateId, PrivateKey)> = LazyLock::new(|| {
    let pem = include_str!("../../fixtures/tokens/test-key.pem");
    (Certificate::from_pem(pem).unwrap().id(), PrivateKey::from_pem(pem).unwrap())
});

fuzz_target!(|input: &[u8]| {
    let (certificate, key) = &*KEY;
    let _ = ServerToken::from_json(input);
    let _ = Certificate::from_der(input).map(|certificate| certificate.id().to_string());
    let sealed = match SealedToken::read(input) {
        Ok(sealed) => sealed,
        Err(error) => return assert!(error.to_string().len() < 500),
    };
    // Answers to the certificate that the input names, so that the private key is at work on every readable message.
    let recipients = sealed.recipients();
    let named = match &recipients[0] {
        RecipientId::IssuerAndSerial { issuer, serial } => {
            let (issuer, serial) = (issuer.clone(), serial.clone());
            CertificateId { issuer, serial, subject_key_id: None, key_digests: Vec::new() }
        }
        RecipientId::SubjectKeyId(id) => {
            CertificateId { subject_key_id: Some(id.clone()), ..certificate.clone() }
        }
    };
    for certificate in [certificate, &named] {
        match sealed.open(certificate, key) {
            Ok(token) => assert!(ServerToken::from_json(&token.to_json()).is_ok_and(|again| again == token)),
            Err(error) => assert!(error.to_string().len() < 2_000),
        }
    }
});
