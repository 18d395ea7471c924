//! Key pairs and their certificates, as Apple's portal and tokens need them.

use std::sync::LazyLock;

use adept_apple::certificate::Certificate;
use adept_apple::key_pair::{KeyPair, KeyPairError, PrivateKey, PrivateKeyError};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use jiff::{SignedDuration, Timestamp};

use super::support::der::{constructed, element, oid};
use super::support::encoding::Text;
use super::support::seal::{Shape, seal_to};
use super::support::{JSON, TestKey, open, pem, repository, token};

const NOW: &str = "2026-11-23T12:34:56.789Z";

static PAIR: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate("Adept, école Zürich", now()).unwrap());

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn contains(der: &[u8], part: &[u8]) -> bool {
    der.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_new_pair_opens_what_is_sealed_to_it() {
    let pem = PAIR.certificate.pem() + &pem("PRIVATE KEY", &PAIR.pkcs8);
    let key = TestKey::from_pem(&pem);
    let message = seal_to(&Text::APPLE.of(JSON), &Shape::APPLE, &key);
    let sealed = adept_apple::token::SealedToken::read(&message).unwrap();
    assert!(sealed.open(&PAIR.certificate.id(), &key.private).unwrap() == token());
    assert!(open(&message).is_err());
    assert_eq!(key.private.bits(), 2048);
}

#[test]
fn a_certificate_is_valid_from_yesterday_for_three_years() {
    let certificate = &PAIR.certificate;
    let day = SignedDuration::from_hours(24);
    assert_eq!(certificate.not_before(), "2026-11-22T12:34:56Z".parse().unwrap());
    assert_eq!(certificate.not_after(), certificate.not_before() + day * (3 * 365 + 1));
}

#[test]
fn a_certificate_has_what_apple_wants() {
    let id = PAIR.certificate.id();
    assert_eq!(id.serial.len(), 8);
    assert!(
        (0x40..0x80).contains(&id.serial[0]),
        "positive, under 2^63, in the shortest form: {:x?}",
        id.serial
    );
    assert_eq!(id.subject_key_id.as_ref().unwrap().len(), 20);
    assert!(id.to_string().starts_with(r"CN=Adept\, école Zürich, serial "), "{id}");

    let der = PAIR.certificate.der();
    assert_eq!(
        der.windows(id.issuer.len()).filter(|window| *window == id.issuer).count(),
        2,
        "issuer = subject"
    );
    let critical = element(0x01, &[0xff]);
    let key_encipherment = element(0x04, &element(0x03, &[5, 0x20]));
    assert!(contains(der, &[oid(&[2, 5, 29, 15]), critical.clone(), key_encipherment].concat()), "keyUsage");
    assert!(
        contains(der, &[oid(&[2, 5, 29, 19]), critical, element(0x04, &element(0x30, &[]))].concat()),
        "no CA"
    );
    let sha_256_with_rsa = constructed(0x30, &[&oid(&[1, 2, 840, 113549, 1, 1, 11]), &[5, 0]], false);
    assert!(contains(der, &sha_256_with_rsa), "signature algorithm");
}

#[test]
fn a_certificate_is_signed_by_its_own_key() {
    let der = PAIR.certificate.der();
    // SEQUENCE { tbs, algorithm, BIT STRING }, each with a length of two bytes or of one.
    let tbs_length = 4 + usize::from(u16::from_be_bytes([der[6], der[7]]));
    let tbs = &der[4..4 + tbs_length];
    let signature = &der[der.len() - 256..];
    let key = RsaKeyPair::from_pkcs8(&PAIR.pkcs8).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref())
        .verify(tbs, signature)
        .unwrap();
}

#[test]
fn pairs_differ_in_key_and_serial() {
    let other = KeyPair::generate("Adept, école Zürich", now()).unwrap();
    assert_eq!(other.certificate.id().issuer, PAIR.certificate.id().issuer);
    assert_ne!(other.certificate.id().serial, PAIR.certificate.id().serial);
    assert_ne!(other.certificate.sha256(), PAIR.certificate.sha256());
    assert_ne!(*other.pkcs8, *PAIR.pkcs8);
}

#[test]
fn impossible_desired_profiles_are_refused() {
    let generate = |name: &str, now: &str| KeyPair::generate(name, now.parse().unwrap()).err();
    assert_eq!(generate("", NOW), Some(KeyPairError::CommonName));
    assert_eq!(generate("line\nbreak", NOW), Some(KeyPairError::CommonName));
    assert_eq!(generate(&"ä".repeat(65), NOW), Some(KeyPairError::CommonName));
    assert_eq!(generate("early", "1960-01-01T00:00:00Z"), Some(KeyPairError::Time));
    assert_eq!(generate("late", "9999-01-01T00:00:00Z"), Some(KeyPairError::Time));
    assert_eq!(generate(&"ä".repeat(64), "2049-06-01T00:00:00Z"), None);
}

#[test]
fn a_certificate_survives_its_encodings() {
    let certificate = &PAIR.certificate;
    assert_eq!(&Certificate::from_der(certificate.der()).unwrap(), certificate);
    assert_eq!(&Certificate::from_pem(&certificate.pem()).unwrap(), certificate);
    assert_eq!(
        &Certificate::from_pem(&format!("\u{feff}subject: x\r\n{}", certificate.pem().replace('\n', "\r\n")))
            .unwrap(),
        certificate
    );
    let der = certificate.der();
    for length in 0..der.len() {
        assert!(Certificate::from_der(&der[..length]).is_err());
    }
    assert!(Certificate::from_der(&[der, b"\0"].concat()).is_err());
}

#[test]
fn validity_beyond_2049_is_read() {
    let pair = KeyPair::generate("late", "2048-06-01T00:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(pair.certificate.not_before(), "2048-05-31T00:00:00Z".parse().unwrap());
    assert_eq!(pair.certificate.not_after(), "2051-06-01T00:00:00Z".parse().unwrap());
}

#[test]
fn a_private_key_is_read_as_pkcs_8_and_pkcs_1() {
    // PKCS #8 ends with an octet string that is PKCS #1: version, algorithm (15 bytes), tag and length before it.
    let pkcs1 = &PAIR.pkcs8[26..];
    assert_eq!(PrivateKey::from_pkcs8_der(&PAIR.pkcs8).unwrap().bits(), 2048);
    assert_eq!(PrivateKey::from_pem(&pem("PRIVATE KEY", &PAIR.pkcs8)).unwrap().bits(), 2048);
    assert_eq!(PrivateKey::from_pem(&pem("RSA PRIVATE KEY", pkcs1)).unwrap().bits(), 2048);
    for text in [
        "",
        "nonsense",
        &PAIR.certificate.pem(),
        &pem("PRIVATE KEY", pkcs1),
        &pem("ENCRYPTED PRIVATE KEY", &PAIR.pkcs8),
    ] {
        assert_eq!(PrivateKey::from_pem(text).err(), Some(PrivateKeyError::NotAKey));
    }
    assert_eq!(PrivateKey::from_pkcs8_der(&PAIR.pkcs8[..500]).err(), Some(PrivateKeyError::NotAKey));
}

#[test]
fn a_private_key_has_2048_to_4096_bits() {
    let read = |name: &str| {
        let pem = std::fs::read_to_string(repository(&format!("fixtures/tokens/{name}"))).unwrap();
        PrivateKey::from_pem(&pem).map(|key| key.bits())
    };
    assert_eq!(read("test-key.pem"), Ok(2048));
    assert_eq!(read("key-of-1024-bits.pem"), Err(PrivateKeyError::NotAKey));
    assert_eq!(read("key-of-4104-bits.pem"), Err(PrivateKeyError::Size { bits: 4104 }));
}

#[test]
fn keys_are_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<PrivateKey>();
    is_shared::<KeyPair>();
}

#[test]
fn a_certificate_is_of_its_own_private_key_and_of_no_other() {
    let other = KeyPair::generate("Adept, école Zürich", now()).unwrap();
    let [own_key, other_key] =
        [&PAIR.pkcs8, &other.pkcs8].map(|pkcs8| PrivateKey::from_pkcs8_der(pkcs8).unwrap());
    assert!(PAIR.certificate.is_of(&own_key) && other.certificate.is_of(&other_key));
    assert!(!PAIR.certificate.is_of(&other_key) && !other.certificate.is_of(&own_key));
}
