//! X.509 certificates, as far as server tokens need them: who is it, and how long is it valid? No signature and no
//! chain is checked, because nobody but Apple's portal has to trust these certificates.

mod id;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

pub use self::id::{CertificateId, RecipientId};
use crate::ber::{BIT_STRING, Fault, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, context};
use crate::key_pair::PrivateKey;
use crate::pem;

const LABEL: &str = "CERTIFICATE";
/// The largest certificate that is read, in bytes.
const MAX_DER: usize = 64 * 1024;

const SUBJECT_KEY_ID: &[u8] = b"\x55\x1d\x0e";
const BOOLEAN: u8 = 0x01;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// A certificate that was read; its bytes stay as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    id: CertificateId,
    not_before: Timestamp,
    not_after: Timestamp,
    /// `subjectPublicKey`.
    public_key: Vec<u8>,
}

/// The input is not one well-formed X.509 certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an X.509 certificate")]
pub struct CertificateError;

impl Certificate {
    /// Reads DER of at most 64 KiB.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_DER {
            return Err(CertificateError);
        }
        let mut reader = Reader::new(der);
        let (id, [not_before, not_after], public_key) = reader.within(SEQUENCE, |reader| {
            let fields = reader.within(SEQUENCE, to_be_signed)?;
            reader.skip_rest()?;
            Ok::<_, CertificateError>(fields)
        })?;
        if reader.rest().is_empty() {
            Ok(Self { der: der.to_vec(), id, not_before, not_after, public_key })
        } else {
            Err(CertificateError)
        }
    }

    /// Reads the first PEM block labelled `CERTIFICATE`.
    pub fn from_pem(pem: &str) -> Result<Self, CertificateError> {
        Self::from_der(&pem::decode(pem, LABEL).ok_or(CertificateError)?)
    }

    /// The whole certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as Apple's portal takes it: one block, a newline after the last line.
    #[must_use]
    pub fn pem(&self) -> String {
        pem::encode(LABEL, &self.der)
    }

    /// How a token would name this certificate.
    #[must_use]
    pub fn id(&self) -> CertificateId {
        self.id.clone()
    }

    /// The first second of its validity.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last second of its validity. Apple looks at it only when the certificate is uploaded there.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether it certifies the public half of this key.
    #[must_use]
    pub fn is_of(&self, key: &PrivateKey) -> bool {
        self.public_key == key.public_key()
    }

    /// SHA-256 of the DER: the fingerprint that other tools show.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, &self.der).as_ref());
        fingerprint
    }
}

impl From<Fault> for CertificateError {
    fn from(_: Fault) -> Self {
        Self
    }
}

/// TBSCertificate (RFC 5280 §4.1).
fn to_be_signed(
    reader: &mut Reader<'_>,
) -> Result<(CertificateId, [Timestamp; 2], Vec<u8>), CertificateError> {
    if reader.peek() == Some(context(0)) {
        // version
        reader.skip()?;
    }
    let serial = reader.primitive(INTEGER)?.to_vec();
    // signature
    reader.skip()?;
    let issuer = reader.raw()?.to_vec();
    let validity =
        reader.within(SEQUENCE, |reader| Ok::<_, CertificateError>([time(reader)?, time(reader)?]))?;
    // subject
    reader.skip()?;
    let key_info = reader.raw()?;
    let key = subject_public_key(key_info)?;
    let key_digests = id::key_digests(key_info, key);
    let mut subject_key_id = None;
    while let Some(tag) = reader.peek() {
        if tag == context(3) {
            subject_key_id = reader.within(tag, |reader| reader.within(SEQUENCE, extensions))?;
        } else {
            reader.skip()?;
        }
    }
    Ok((CertificateId { issuer, serial, subject_key_id, key_digests }, validity, key.to_vec()))
}

/// `subjectPublicKey` of a SubjectPublicKeyInfo, without the number of its unused bits.
pub(crate) fn subject_public_key(key_info: &[u8]) -> Result<&[u8], CertificateError> {
    let key = Reader::new(key_info).within(SEQUENCE, |reader| {
        reader.skip()?;
        reader.primitive(BIT_STRING)
    })?;
    let [_unused, key @ ..] = key else { return Err(CertificateError) };
    Ok(key)
}

/// The content of the subject key identifier.
fn extensions(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Fault> {
    let mut found = None;
    while reader.peek().is_some() {
        reader.within(SEQUENCE, |reader| {
            let name = reader.primitive(OBJECT_IDENTIFIER)?;
            if reader.peek() == Some(BOOLEAN) {
                reader.skip()?;
            }
            let value = reader.octets(OCTET_STRING)?;
            if name == SUBJECT_KEY_ID {
                found = Some(Reader::new(&value).octets(OCTET_STRING)?);
            }
            Ok::<_, Fault>(())
        })?;
    }
    Ok(found)
}

/// UTCTime or GeneralizedTime in the one form that RFC 5280 §4.1.2.5 allows: to the second, ending in `Z`.
fn time(reader: &mut Reader<'_>) -> Result<Timestamp, CertificateError> {
    let (text, year_digits) = match reader.peek() {
        Some(UTC_TIME) => (reader.primitive(UTC_TIME)?, 2),
        _ => (reader.primitive(GENERALIZED_TIME)?, 4),
    };
    let digits = text.strip_suffix(b"Z").ok_or(CertificateError)?;
    if digits.len() != year_digits + 10 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(CertificateError);
    }
    let number =
        |digits: &[u8]| digits.iter().fold(0, |number: i16, digit| number * 10 + i16::from(digit - b'0'));
    let (year, rest) = digits.split_at(year_digits);
    let year = match number(year) {
        // UTCTime has two digits for the years 1950 to 2049.
        year if year_digits == 2 => year + if year < 50 { 2000 } else { 1900 },
        year => year,
    };
    let part = |at: usize| i8::try_from(number(&rest[2 * at..2 * at + 2])).map_err(|_| CertificateError);
    let civil = DateTime::new(year, part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, 0);
    civil.and_then(|civil| Offset::UTC.to_timestamp(civil)).map_err(|_| CertificateError)
}
