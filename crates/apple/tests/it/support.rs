//! What the tests share: a key, a token, and a sealer that can write what no portal writes. The sealer is written from
//! RFC 5652 and takes nothing from the reader it tests.

use std::path::PathBuf;
use std::sync::LazyLock;

use adept_apple::certificate::Certificate;
use adept_apple::certificate::CertificateId;
use adept_apple::key_pair::PrivateKey;
use adept_apple::secret::Secret;
use adept_apple::token::{SealedToken, ServerToken, TokenError};
use aws_lc_rs::rsa::{PrivateDecryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) mod der;
pub(crate) mod encoding;
pub(crate) mod seal;
pub(crate) mod splice;

/// A certificate, its private key for opening and its public key for sealing.
pub(crate) struct TestKey {
    pub(crate) pem: String,
    pub(crate) certificate: Certificate,
    pub(crate) private: PrivateKey,
    pub(crate) public: PublicEncryptingKey,
}

impl TestKey {
    pub(crate) fn from_pem(pem: &str) -> Self {
        let pkcs8 = STANDARD.decode(pem_body(pem, "PRIVATE KEY")).unwrap();
        Self {
            pem: pem.to_owned(),
            certificate: Certificate::from_pem(pem).unwrap(),
            private: PrivateKey::from_pem(pem).unwrap(),
            public: PrivateDecryptingKey::from_pkcs8(&pkcs8).unwrap().public_key(),
        }
    }

    pub(crate) fn id(&self) -> CertificateId {
        self.certificate.id()
    }
}

/// The pair in `fixtures/tokens/test-key.pem`.
pub(crate) static KEY: LazyLock<TestKey> = LazyLock::new(|| {
    TestKey::from_pem(&std::fs::read_to_string(repository("fixtures/tokens/test-key.pem")).unwrap())
});

/// A file or folder of this repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The base64 of a PEM block, without its line ends.
pub(crate) fn pem_body(pem: &str, label: &str) -> String {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let body = pem.split_once(&begin).unwrap().1.split_once(&end).unwrap().0;
    body.split_whitespace().collect()
}

/// `der` as a PEM block.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        encoding::wrap(&STANDARD.encode(der), 64, "\n")
    )
}

/// The token in Apple's own form, as its page shows it.
pub(crate) const JSON: &str = r#"{"consumer_key":"CK_48dd68d198350f51258e885ce9a5c37ab7f98543c4a697323d75682a6c10a32501cb247e3db08105db868f73f2c972bd","consumer_secret":"CS_53e02e5f6d1a1b5e0f1f7a4e6f3a2f8e9d0c1b2a","access_token":"AT_O9872392894O1b0e0d6c4c9a8b7f6e5d4c3b2a190807O1407532800000","access_secret":"AS_6e0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3","access_token_expiry":"2027-08-12T21:18:32Z"}"#;

/// The token in [`JSON`].
pub(crate) fn token() -> ServerToken {
    let member = |name: &str| {
        serde_json::from_str::<serde_json::Value>(JSON).unwrap()[name].as_str().unwrap().to_owned()
    };
    ServerToken {
        consumer_key: Secret::new(member("consumer_key")),
        consumer_secret: Secret::new(member("consumer_secret")),
        access_token: Secret::new(member("access_token")),
        access_secret: Secret::new(member("access_secret")),
        access_token_expiry: member("access_token_expiry").parse().unwrap(),
    }
}

pub(crate) use seal::seal;

/// Reads and opens with [`KEY`].
pub(crate) fn open(input: &[u8]) -> Result<ServerToken, TokenError> {
    SealedToken::read(input)?.open(&KEY.id(), &KEY.private)
}
