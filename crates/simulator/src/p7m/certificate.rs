//! The certificate that a server's owner uploads: read, judged, and reduced to what sealing needs.
//!
//! Apple's portal takes one X.509 certificate with an RSA key, PEM or DER; a request or a bare key will not do.
//! Signatures are not verified: made-up issuers are common and accepted.

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::ber::{CONTEXT_0, INTEGER, OBJECT_IDENTIFIER, SEQUENCE};
use super::der::{Reader, Value};

/// 1.2.840.113549.1.1.1, the content of the OBJECT IDENTIFIER.
pub(super) const RSA_ENCRYPTION: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
/// How far ahead a certificate may begin: it may have been made after the simulator's clock was stopped.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Why an upload is not a certificate that tokens can be sealed to. The text is the portal's answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum CertificateRefused {
    #[error("The body is empty. Upload one X.509 certificate, PEM or DER.")]
    Empty,
    #[error(
        "This is a certificate signing request. Upload the certificate itself; a self-signed one will do."
    )]
    Request,
    #[error("This is a private key. Keep it to yourself and upload the certificate.")]
    PrivateKey,
    #[error("This is a bare public key. Upload an X.509 certificate that contains it.")]
    PublicKey,
    #[error("The file holds {0} certificates. Upload exactly one.")]
    Several(usize),
    #[error("This is not an X.509 certificate, PEM or DER.")]
    Garbage,
    #[error(
        "The certificate's key is not RSA. Tokens are sealed by RSA key transport, so an RSA key is needed."
    )]
    NotRsa,
    #[error("The certificate's RSA key cannot be used. It must have 2048 to 8192 bits.")]
    BadKey,
    #[error("The certificate expired at {0}.")]
    Expired(Timestamp),
    #[error("The certificate is not valid before {0}.")]
    NotYetValid(Timestamp),
}

/// A certificate that tokens can be sealed to.
pub(crate) struct Certificate {
    /// The issuer's name, encoded, exactly as it stood in the certificate.
    pub(super) issuer: Box<[u8]>,
    /// The serial number, encoded, exactly as it stood in the certificate. It may be negative.
    pub(super) serial: Box<[u8]>,
    pub(super) key: Pkcs1PublicEncryptingKey,
    pub(crate) not_after: Timestamp,
}

impl Certificate {
    /// Reads an upload and judges it at the time `now`.
    pub(crate) fn read(upload: &[u8], now: Timestamp) -> Result<Certificate, CertificateRefused> {
        let upload = upload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(upload);
        if upload.trim_ascii().is_empty() {
            return Err(CertificateRefused::Empty);
        }
        match std::str::from_utf8(upload) {
            Ok(text) if text.contains("-----BEGIN ") => Self::from_der(&pem(text)?, now),
            _ => Self::from_der(upload, now),
        }
    }

    /// The serial number's content octets in upper-case hex, as tools print them.
    pub(crate) fn serial_hex(&self) -> String {
        let content = Reader::new(&self.serial).next().map_or(&[][..], |value| value.content);
        content.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    fn from_der(input: &[u8], now: Timestamp) -> Result<Certificate, CertificateRefused> {
        let parts = Parts::read(input).ok_or_else(|| other_kind(input))?;
        if parts.not_before.duration_since(now) > AHEAD {
            return Err(CertificateRefused::NotYetValid(parts.not_before));
        }
        if now > parts.not_after {
            return Err(CertificateRefused::Expired(parts.not_after));
        }
        if parts.algorithm != RSA_ENCRYPTION {
            return Err(CertificateRefused::NotRsa);
        }
        let key = PublicEncryptingKey::from_der(parts.key.raw).map_err(|_| CertificateRefused::BadKey)?;
        let key = Pkcs1PublicEncryptingKey::new(key).map_err(|_| CertificateRefused::BadKey)?;
        Ok(Certificate {
            issuer: parts.issuer.raw.into(),
            serial: parts.serial.raw.into(),
            key,
            not_after: parts.not_after,
        })
    }
}

/// The parts of a certificate (RFC 5280 §4.1) that are looked at.
struct Parts<'a> {
    serial: Value<'a>,
    issuer: Value<'a>,
    not_before: Timestamp,
    not_after: Timestamp,
    algorithm: &'a [u8],
    key: Value<'a>,
}

impl<'a> Parts<'a> {
    fn read(input: &'a [u8]) -> Option<Parts<'a>> {
        let mut file = Reader::new(input);
        let mut certificate = Reader::new(file.expect(SEQUENCE)?.content);
        if !file.is_empty() {
            return None;
        }
        let mut body = Reader::new(certificate.expect(SEQUENCE)?.content);
        certificate.expect(SEQUENCE)?;
        certificate.next()?;
        body.expect(CONTEXT_0);
        let serial = body.expect(INTEGER).filter(|serial| !serial.content.is_empty())?;
        body.expect(SEQUENCE)?;
        let issuer = body.expect(SEQUENCE)?;
        let mut validity = Reader::new(body.expect(SEQUENCE)?.content);
        let not_before = time(validity.next()?)?;
        let not_after = time(validity.next()?)?;
        body.expect(SEQUENCE)?;
        let key = body.expect(SEQUENCE)?;
        let mut algorithm = Reader::new(Reader::new(key.content).expect(SEQUENCE)?.content);
        let algorithm = algorithm.expect(OBJECT_IDENTIFIER)?.content;
        Some(Parts { serial, issuer, not_before, not_after, algorithm, key })
    }
}

/// What a DER file is that is not a certificate: a request begins with its version and has attributes at the end.
fn other_kind(input: &[u8]) -> CertificateRefused {
    let outer = Reader::new(input).expect(SEQUENCE).map(|outer| Reader::new(outer.content));
    let Some(mut outer) = outer else { return CertificateRefused::Garbage };
    let Some(first) = outer.next() else { return CertificateRefused::Garbage };
    let mut inner = Reader::new(first.content);
    match (first.tag, outer.peek()) {
        (INTEGER, _) => CertificateRefused::PrivateKey,
        (SEQUENCE, Some(0x03)) => CertificateRefused::PublicKey,
        (SEQUENCE, Some(SEQUENCE)) => {
            let tags = [INTEGER, SEQUENCE, SEQUENCE];
            let request = tags.into_iter().all(|tag| inner.expect(tag).is_some());
            match request && matches!(inner.peek(), None | Some(CONTEXT_0)) {
                true => CertificateRefused::Request,
                false => CertificateRefused::Garbage,
            }
        }
        _ => CertificateRefused::Garbage,
    }
}

/// UTCTime or GeneralizedTime in the forms of RFC 5280 §4.1.2.5.
fn time(value: Value<'_>) -> Option<Timestamp> {
    let text = std::str::from_utf8(value.content).ok().filter(|text| text.is_ascii())?;
    let (year, rest) = match (value.tag, text.len()) {
        (UTC_TIME, 13) => {
            let century = if text.get(..2)? < "50" { "20" } else { "19" };
            (format!("{century}{}", &text[..2]), &text[2..])
        }
        (GENERALIZED_TIME, 15) => (text[..4].to_owned(), &text[4..]),
        _ => return None,
    };
    let digits = rest.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|at| &digits[at..at + 2]);
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
}

/// The one certificate of a PEM file. Text around the block is allowed, other blocks are not.
fn pem(text: &str) -> Result<Vec<u8>, CertificateRefused> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let (label, after) = after.split_once("-----").ok_or(CertificateRefused::Garbage)?;
        let (body, after) =
            after.split_once(&format!("-----END {label}-----")).ok_or(CertificateRefused::Garbage)?;
        blocks.push((label, body));
        rest = after;
    }
    for (label, _) in &blocks {
        match *label {
            "CERTIFICATE" => {}
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => return Err(CertificateRefused::Request),
            label if label.ends_with("PRIVATE KEY") => return Err(CertificateRefused::PrivateKey),
            label if label.ends_with("PUBLIC KEY") => return Err(CertificateRefused::PublicKey),
            _ => return Err(CertificateRefused::Garbage),
        }
    }
    let [(_, body)] = blocks[..] else { return Err(CertificateRefused::Several(blocks.len())) };
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).map_err(|_| CertificateRefused::Garbage)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The frame of a certificate, so that random changes reach the inner parts.
    fn frame() -> Vec<u8> {
        let time = b"\x17\x0D200101000000Z";
        let key = [&[0x30, 0x12, 0x30, 0x0D, 6, 9][..], RSA_ENCRYPTION, &[5, 0, 3, 1, 0]].concat();
        let body = [&[2, 1, 1, 0x30, 0, 0x30, 0, 0x30, 30][..], time, time, &[0x30, 0], &key].concat();
        let body = [&[0x30, body.len() as u8][..], &body, &[0x30, 0, 3, 1, 0]].concat();
        [&[0x30, body.len() as u8][..], &body].concat()
    }

    #[test]
    fn the_frame_is_read_as_far_as_its_empty_key() {
        let now = Timestamp::from_second(1_577_836_800).unwrap();
        assert_eq!(Certificate::read(&frame(), now).err(), Some(CertificateRefused::BadKey));
        let later = Timestamp::from_second(1_577_836_801).unwrap();
        assert!(matches!(Certificate::read(&frame(), later), Err(CertificateRefused::Expired(_))));
    }

    proptest! {
        #[test]
        fn no_upload_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Certificate::read(&bytes, Timestamp::UNIX_EPOCH);
        }

        #[test]
        fn no_changed_certificate_is_too_strange(changes in prop::collection::vec((0_usize..88, any::<u8>()), 1..4)) {
            let mut bytes = frame();
            for (position, value) in changes {
                let length = bytes.len();
                bytes[position % length] = value;
            }
            let _ = Certificate::read(&bytes, Timestamp::UNIX_EPOCH);
        }

        #[test]
        fn no_text_is_too_strange(text in "(.{0,9}-----BEGIN [A-Z ]{0,12}-----[A-Za-z0-9+/=\n]{0,40}(-----END [A-Z ]{0,12}-----)?){0,3}") {
            let _ = Certificate::read(text.as_bytes(), Timestamp::UNIX_EPOCH);
        }
    }
}
