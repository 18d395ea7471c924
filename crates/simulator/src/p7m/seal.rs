//! CMS EnvelopedData in the exact shape of Apple's tokens: indefinite lengths everywhere but in the recipient set,
//! one recipient named by issuer and serial number, RSA PKCS #1 v1.5 key transport, CBC content.

use aws_lc_rs::cipher::{
    AES_128, AES_256, Algorithm, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use serde::Deserialize;

use super::ber::{CONTEXT_0, INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, Writer};
use super::certificate::{Certificate, RSA_ENCRYPTION};

/// 1.2.840.113549.1.7.3
const ENVELOPED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03];
/// 1.2.840.113549.1.7.1
const DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01];

/// The cryptographic library refused. It does so only when the machine has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("The token could not be sealed. Nothing was changed; try again.")]
pub(crate) struct SealFailed;

impl From<Unspecified> for SealFailed {
    fn from(_: Unspecified) -> SealFailed {
        SealFailed
    }
}

/// How the content of a token is encrypted, always in CBC mode. Apple's published sample uses AES-128-CBC.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) enum Cipher {
    #[default]
    #[serde(rename = "aes-128-cbc")]
    Aes128,
    #[serde(rename = "aes-256-cbc")]
    Aes256,
    #[serde(rename = "des-ede3-cbc")]
    DesEde3,
}

impl Cipher {
    /// The content of the cipher's OBJECT IDENTIFIER.
    fn oid(self) -> &'static [u8] {
        match self {
            Cipher::Aes128 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02],
            Cipher::Aes256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A],
            Cipher::DesEde3 => &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x03, 0x07],
        }
    }

    fn algorithm(self) -> &'static Algorithm {
        #[expect(
            deprecated,
            reason = "old tokens may be sealed with 3DES, and a reader must be tested against it"
        )]
        match self {
            Cipher::Aes128 => &AES_128,
            Cipher::Aes256 => &AES_256,
            Cipher::DesEde3 => &aws_lc_rs::cipher::DES_EDE3_FOR_LEGACY_USE_ONLY,
        }
    }

    fn random_key(self) -> Result<Vec<u8>, Unspecified> {
        let length = match self {
            Cipher::Aes128 => 16,
            Cipher::Aes256 => 32,
            Cipher::DesEde3 => 24,
        };
        let mut key = vec![0; length];
        rand::fill(&mut key)?;
        if self == Cipher::DesEde3 {
            // Every byte of a DES key has an odd number of ones; some readers insist on it.
            key.iter_mut()
                .for_each(|byte| *byte = *byte & 0xFE | u8::from((*byte >> 1).count_ones() % 2 == 0));
        }
        Ok(key)
    }
}

/// Seals `content` for the owner of `recipient`, its ciphertext cut into `chunks` octet strings (at least one).
pub(super) fn seal(
    recipient: &Certificate,
    content: Vec<u8>,
    cipher: Cipher,
    chunks: usize,
) -> Result<Vec<u8>, SealFailed> {
    let content_key = cipher.random_key()?;
    let mut ciphertext = content;
    let context =
        PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(cipher.algorithm(), &content_key)?)?
            .encrypt(&mut ciphertext)?;
    let vector = vector(&context)?;
    let mut encrypted_key = vec![0; recipient.key.ciphertext_size()];
    let encrypted_key = recipient.key.encrypt(&content_key, &mut encrypted_key)?;

    let mut file = Writer::default();
    file.indefinite(SEQUENCE, |info| {
        info.primitive(OBJECT_IDENTIFIER, ENVELOPED_DATA);
        info.indefinite(CONTEXT_0, |explicit| {
            explicit.indefinite(SEQUENCE, |enveloped| {
                enveloped.primitive(INTEGER, &[0]);
                enveloped.definite(SET, |recipients| {
                    recipients.definite(SEQUENCE, |info| recipient_info(info, recipient, encrypted_key));
                });
                enveloped.indefinite(SEQUENCE, |encrypted| {
                    encrypted.primitive(OBJECT_IDENTIFIER, DATA);
                    encrypted.definite(SEQUENCE, |algorithm| {
                        algorithm.primitive(OBJECT_IDENTIFIER, cipher.oid());
                        algorithm.primitive(OCTET_STRING, vector);
                    });
                    encrypted.indefinite(CONTEXT_0, |octets| {
                        let size = ciphertext.len().div_ceil(chunks.max(1)).max(1);
                        ciphertext.chunks(size).for_each(|chunk| octets.primitive(OCTET_STRING, chunk));
                    });
                });
            });
        });
    });
    Ok(file.finish())
}

/// KeyTransRecipientInfo version 0: issuer and serial number byte for byte as in the certificate.
fn recipient_info(info: &mut Writer, recipient: &Certificate, encrypted_key: &[u8]) {
    info.primitive(INTEGER, &[0]);
    info.definite(SEQUENCE, |identifier| {
        identifier.raw(&recipient.issuer);
        identifier.raw(&recipient.serial);
    });
    info.definite(SEQUENCE, |algorithm| {
        algorithm.primitive(OBJECT_IDENTIFIER, RSA_ENCRYPTION);
        algorithm.primitive(NULL, &[]);
    });
    info.primitive(OCTET_STRING, encrypted_key);
}

fn vector(context: &DecryptionContext) -> Result<&[u8], SealFailed> {
    context.try_into().map_err(|_| SealFailed)
}
