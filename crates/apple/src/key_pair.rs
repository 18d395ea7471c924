//! The RSA key pairs that server tokens are sealed to: making one with its self-signed certificate, and the private key
//! at work. It keeps nothing: the caller stores a pair sealed.

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::{
    self, KeySize, OaepAlgorithm, OaepPrivateDecryptingKey, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, IsCa, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData,
    SerialNumber, SignatureAlgorithm, SigningKey,
};
use zeroize::Zeroizing;

use crate::certificate::{Certificate, subject_public_key};
use crate::pem;

const MIN_BITS: usize = 2048;
const MAX_BITS: usize = 4096;

/// X.520's upper bound for a common name, in characters.
const MAX_COMMON_NAME: usize = 64;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Three years, a leap day included.
const VALIDITY_DAYS: i32 = 3 * 365 + 1;

/// A parsed RSA private key of 2,048 to 4,096 bits, without `Debug` and without a way to its bytes. Parsing costs half
/// as much as opening a token, so keep it, shared by `Arc`.
pub struct PrivateKey {
    pkcs1: Pkcs1PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
    bits: usize,
    /// `subjectPublicKey` of its public half.
    public_key: Vec<u8>,
}

/// Why bytes are no usable private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// Not an unencrypted RSA private key in PKCS #8 or PKCS #1, or one that is too short or whose numbers do not fit.
    #[error("this is not an unencrypted RSA private key of 2048 bits or more (PKCS #8 or PKCS #1)")]
    NotAKey,
    /// Too long to be quick.
    #[error("the RSA key has {bits} bits; 2048 to 4096 are possible")]
    Size {
        /// The length of its modulus.
        bits: usize,
    },
}

impl PrivateKey {
    /// Reads an unencrypted PKCS #8 document.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| PrivateKeyError::NotAKey)?;
        let bits = key.key_size_bits();
        if !(MIN_BITS..=MAX_BITS).contains(&bits) {
            return Err(PrivateKeyError::Size { bits });
        }
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| PrivateKeyError::NotAKey)?;
        let public_key = subject_public_key(public.as_ref()).map_err(|_| PrivateKeyError::NotAKey)?.to_vec();
        let pkcs1 = Pkcs1PrivateDecryptingKey::new(key.clone()).map_err(|_| PrivateKeyError::NotAKey)?;
        let oaep = OaepPrivateDecryptingKey::new(key).map_err(|_| PrivateKeyError::NotAKey)?;
        Ok(Self { pkcs1, oaep, bits, public_key })
    }

    /// Reads the first PEM block labelled `PRIVATE KEY` (PKCS #8) or `RSA PRIVATE KEY` (PKCS #1). Other blocks, such as
    /// the certificate, may stand in the same text.
    pub fn from_pem(pem: &str) -> Result<Self, PrivateKeyError> {
        if let Some(pkcs8) = pem::decode(pem, "PRIVATE KEY") {
            return Self::from_pkcs8_der(&pkcs8);
        }
        let pkcs1 = pem::decode(pem, "RSA PRIVATE KEY").ok_or(PrivateKeyError::NotAKey)?;
        let key = rsa::KeyPair::from_der(&pkcs1).map_err(|_| PrivateKeyError::NotAKey)?;
        Self::from_pkcs8_der(key.as_der().map_err(|_| PrivateKeyError::NotAKey)?.as_ref())
    }

    /// The length of the modulus: 2,048 to 4,096.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// `subjectPublicKey` of its public half.
    pub(crate) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Overwrites `content_key` with the key sealed in `encrypted`. When it does not open, or has another length, the
    /// random key that the caller put there stays, and no error is reported.
    pub(crate) fn recover(&self, transport: KeyTransport, encrypted: &[u8], content_key: &mut [u8]) {
        let mut plain = Zeroizing::new([0; MAX_BITS / 8]);
        let recovered = match transport {
            KeyTransport::Pkcs1 => self.pkcs1.decrypt(encrypted, &mut plain[..]),
            KeyTransport::Oaep(algorithm) => self.oaep.decrypt(algorithm, encrypted, &mut plain[..], None),
        };
        if let Ok(recovered) = recovered
            && recovered.len() == content_key.len()
        {
            content_key.copy_from_slice(recovered);
        }
    }
}

/// How a message's content key is sealed to an RSA key.
#[derive(Clone, Copy)]
pub(crate) enum KeyTransport {
    /// RSAES-PKCS1-v1_5, which Apple's portal uses.
    Pkcs1,
    Oaep(&'static OaepAlgorithm),
}

/// A new private key and the certificate that Apple's portal wants.
pub struct KeyPair {
    /// The private key, unencrypted.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// Its self-signed certificate.
    pub certificate: Certificate,
}

/// Why no key pair was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyPairError {
    /// The common name is empty, longer than 64 characters, or holds control characters.
    #[error("a certificate's common name has 1 to 64 characters, none of them a control character")]
    CommonName,
    /// The time is before 1970 or after 9999.
    #[error("a certificate cannot be valid from that time on")]
    Time,
    /// The system gave no randomness, or the crypto library refused.
    #[error("the crypto library could not make a key pair")]
    Crypto,
}

impl KeyPair {
    /// Makes an RSA-2048 key and a self-signed certificate for it, valid from one day before `now` for three years.
    /// Takes about 70 ms of CPU: call it on a thread that may block.
    pub fn generate(common_name: &str, now: Timestamp) -> Result<Self, KeyPairError> {
        let parameters = parameters(common_name, now)?;
        let key = rsa::KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyPairError::Crypto)?;
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyPairError::Crypto)?;
        let signed = parameters.self_signed(&Signer(&key)).map_err(|_| KeyPairError::Crypto)?;
        let certificate = Certificate::from_der(signed.der()).map_err(|_| KeyPairError::Crypto)?;
        Ok(Self { pkcs8: Zeroizing::new(pkcs8.as_ref().to_vec()), certificate })
    }
}

fn parameters(common_name: &str, now: Timestamp) -> Result<CertificateParams, KeyPairError> {
    let length = common_name.chars().count();
    if !(1..=MAX_COMMON_NAME).contains(&length) || common_name.chars().any(char::is_control) {
        return Err(KeyPairError::CommonName);
    }
    let not_before = now.checked_sub(DAY).map_err(|_| KeyPairError::Time)?;
    let not_after = not_before.checked_add(DAY * VALIDITY_DAYS).map_err(|_| KeyPairError::Time)?;
    let seconds = |time: Timestamp| u64::try_from(time.as_second()).map_err(|_| KeyPairError::Time);

    // Eight bytes whose first bit is clear and whose second is set: positive, under 2^63, and never shorter.
    let mut serial = [0; 8];
    rand::fill(&mut serial).map_err(|_| KeyPairError::Crypto)?;
    serial[0] = serial[0] & 0x7f | 0x40;

    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.not_before = epoch + Duration::from_secs(seconds(not_before)?);
    parameters.not_after = epoch + Duration::from_secs(seconds(not_after)?);
    parameters.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    // Written out, which also brings a subject key identifier into the certificate.
    parameters.is_ca = IsCa::ExplicitNoCa;
    Ok(parameters)
}

/// Signs the certificate without handing a copy of the private key to rcgen, which would not erase it.
struct Signer<'a>(&'a rsa::KeyPair);

impl PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature)
    }
}
