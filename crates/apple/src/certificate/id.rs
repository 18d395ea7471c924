//! The recipient of a token, and the certificate it is compared with: both as the bytes that stand in the files.
//! Serials are no numbers here (Apple's own sample has a negative one), and names are not normalized.

use std::fmt::{self, Display, Formatter, Write as _};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest};

use crate::ber::{CONSTRUCTED, Fault, OBJECT_IDENTIFIER, Reader, SEQUENCE, SET};

/// What a readable name is cut to, in characters: the whole of it, and each of its parts.
const MAX_NAME: usize = 240;
const MAX_VALUE: usize = 64;
/// The longest serial or key identifier that is shown in full, in bytes: what RFC 5280 §4.1.2.2 allows.
const MAX_HEX: usize = 20;

/// The certificate that a message names as its recipient.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecipientId {
    /// By the issuer and the serial number of the certificate.
    IssuerAndSerial {
        /// The whole DER (or BER) element of the issuer's Name.
        issuer: Vec<u8>,
        /// The content bytes of the INTEGER, most significant first; the first bit may be set.
        serial: Vec<u8>,
    },
    /// By the certificate's subject key identifier.
    SubjectKeyId(Vec<u8>),
}

/// How a message would name a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CertificateId {
    /// The whole DER element of the issuer's Name.
    pub issuer: Vec<u8>,
    /// The content bytes of the serial number's INTEGER.
    pub serial: Vec<u8>,
    /// The content of the subject key identifier, where the certificate has one.
    pub subject_key_id: Option<Vec<u8>>,
    /// The digests of the public key that name it too: some programs make the identifier themselves, in one of the ways of
    /// RFC 5280 §4.2.1.2 and RFC 7093 §2.
    pub key_digests: Vec<Vec<u8>>,
}

impl CertificateId {
    /// Whether `recipient` names this certificate, compared byte by byte.
    #[must_use]
    pub fn matches(&self, recipient: &RecipientId) -> bool {
        match recipient {
            RecipientId::IssuerAndSerial { issuer, serial } => {
                self.issuer == *issuer && self.serial == *serial
            }
            RecipientId::SubjectKeyId(id) => {
                self.subject_key_id.as_ref() == Some(id) || self.key_digests.contains(id)
            }
        }
    }
}

/// The identifiers of a public key that are made of the key itself. `info` is the whole SubjectPublicKeyInfo, `bits` the
/// content of its BIT STRING without the count of unused bits.
pub(super) fn key_digests(info: &[u8], bits: &[u8]) -> Vec<Vec<u8>> {
    let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, bits).as_ref().to_vec();
    // 0100 and the last 60 bits.
    let mut short = sha1[sha1.len() - 8..].to_vec();
    short[0] = 0x40 | short[0] & 0x0f;
    let leftmost = |algorithm| digest(algorithm, bits).as_ref()[..20].to_vec();
    let whole = digest(&SHA256, info).as_ref().to_vec();
    vec![sha1, short, leftmost(&SHA256), leftmost(&SHA384), leftmost(&SHA512), whole]
}

/// `CN=…, O=…, C=US, serial 83:4B:…`: the most particular part of the name first (RFC 4514), at most about 300
/// characters, with everything escaped that could break a line or pass for another part.
impl Display for RecipientId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssuerAndSerial { issuer, serial } => write_certificate(f, issuer, serial),
            Self::SubjectKeyId(id) => {
                f.write_str("subject key identifier ")?;
                write_hex(f, id)
            }
        }
    }
}

/// Like a recipient by issuer and serial.
impl Display for CertificateId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_certificate(f, &self.issuer, &self.serial)
    }
}

fn write_certificate(f: &mut Formatter<'_>, issuer: &[u8], serial: &[u8]) -> fmt::Result {
    let name = match name(issuer) {
        Ok(name) if name.is_empty() => "an empty issuer".to_owned(),
        Ok(name) => name,
        Err(_) => "an unreadable issuer".to_owned(),
    };
    write!(f, "{name}, serial ")?;
    write_hex(f, serial)
}

/// RDNSequence as text, the last part first.
fn name(issuer: &[u8]) -> Result<String, Fault> {
    let mut parts = Vec::new();
    Reader::new(issuer).within(SEQUENCE, |reader| {
        while reader.peek().is_some() {
            reader.within(SET, |reader| {
                while reader.peek().is_some() {
                    parts.push(reader.within(SEQUENCE, attribute)?);
                }
                Ok::<_, Fault>(())
            })?;
        }
        Ok::<_, Fault>(())
    })?;
    let mut name = String::new();
    for part in parts.iter().rev() {
        if name.len() + part.len() > MAX_NAME {
            name.push_str(", …");
            break;
        }
        let separator = if name.is_empty() { "" } else { ", " };
        name.extend([separator, part]);
    }
    Ok(name)
}

fn attribute(reader: &mut Reader<'_>) -> Result<String, Fault> {
    let kind = match reader.primitive(OBJECT_IDENTIFIER)? {
        b"\x55\x04\x03" => "CN",
        b"\x55\x04\x05" => "serialNumber",
        b"\x55\x04\x06" => "C",
        b"\x55\x04\x07" => "L",
        b"\x55\x04\x08" => "ST",
        b"\x55\x04\x0a" => "O",
        b"\x55\x04\x0b" => "OU",
        b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19" => "DC",
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01" => "emailAddress",
        _ => "other",
    };
    let tag = reader.peek().ok_or(Fault::Malformed)?;
    if tag & CONSTRUCTED != 0 {
        reader.skip()?;
        return Ok(format!("{kind}=…"));
    }
    let value = reader.primitive(tag)?;
    // Four bytes a character at most: what lies beyond is not shown anyway.
    let value = &value[..value.len().min(MAX_VALUE * 4 + 4)];
    Ok(match tag {
        BMP_STRING => {
            let units = value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            readable(kind, &String::from_utf16_lossy(&units.collect::<Vec<_>>()))
        }
        UNIVERSAL_STRING => {
            let points =
                value.chunks_exact(4).map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]));
            readable(
                kind,
                &points.map(|point| char::from_u32(point).unwrap_or('\u{fffd}')).collect::<String>(),
            )
        }
        _ => readable(kind, &String::from_utf8_lossy(value)),
    })
}

const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

/// `kind=value`, the value cut and escaped.
fn readable(kind: &str, value: &str) -> String {
    let mut text = format!("{kind}=");
    for (at, character) in value.chars().enumerate() {
        if at == MAX_VALUE || text.len() > 2 * MAX_VALUE {
            text.push('…');
            break;
        }
        match character {
            ',' | '=' | '\\' | '"' => text.extend(['\\', character]),
            hidden if is_hidden(hidden) => text.extend(hidden.escape_unicode()),
            shown => text.push(shown),
        }
    }
    text
}

/// Characters that break a line, or that change how their neighbours are shown.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn write_hex(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for (at, byte) in bytes.iter().take(MAX_HEX).enumerate() {
        if at > 0 {
            f.write_char(':')?;
        }
        write!(f, "{byte:02X}")?;
    }
    if bytes.len() > MAX_HEX { f.write_str("…") } else { Ok(()) }
}
