//! Reads a CMS message of type EnvelopedData (RFC 5652 §6) as server tokens use it. It decrypts nothing, and keeps of
//! the message only what decryption needs.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
};

use super::UnexpectedInput;
use super::cipher::Cipher;
use crate::ber::{self, Fault, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, SET, context};
use crate::certificate::RecipientId;
use crate::key_pair::KeyTransport;

/// More than any portal writes; it bounds what a refusal can say.
const MAX_RECIPIENTS: usize = 32;

// Object identifiers, as their content bytes.
const SIGNED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const ENVELOPED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const RSAES_OAEP: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07";
const MGF1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";
const P_SPECIFIED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x09";
const SHA_1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
const SHA_256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
const SHA_384: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02";
const SHA_512: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03";

/// A message that was read: its recipients, and how it is sealed.
pub(super) struct Enveloped {
    pub(super) recipients: Vec<Recipient>,
    pub(super) cipher: Cipher,
    /// As long as the cipher's block.
    pub(super) iv: Vec<u8>,
    /// One or more whole blocks.
    pub(super) content: Vec<u8>,
}

/// The content key, sealed for one certificate.
pub(super) struct Recipient {
    pub(super) id: RecipientId,
    /// `None` for a way that is not read here. It matters only to the recipient it is meant for.
    pub(super) transport: Option<KeyTransport>,
    pub(super) encrypted_key: Vec<u8>,
}

impl Enveloped {
    /// Whether a block of the ciphertext occurs twice, the IV included. CBC mode does not write that; splicing does.
    pub(super) fn repeats_a_block(&self) -> bool {
        let block = self.cipher.block_len();
        let mut blocks: Vec<&[u8]> = self.iv.chunks(block).chain(self.content.chunks(block)).collect();
        blocks.sort_unstable();
        blocks.windows(2).any(|pair| pair[0] == pair[1])
    }
}

impl From<Fault> for UnexpectedInput {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Truncated => Self::Truncated,
            Fault::Malformed => Self::Malformed,
        }
    }
}

/// Reads ContentInfo. Line ends and zero bytes may follow it, since tools that save a file add them.
pub(super) fn read(message: &[u8]) -> Result<Enveloped, UnexpectedInput> {
    let mut reader = Reader::new(message);
    let enveloped = reader.within(SEQUENCE, |reader| match reader.primitive(OBJECT_IDENTIFIER)? {
        ENVELOPED_DATA => reader.within(context(0), |reader| reader.within(SEQUENCE, enveloped_data)),
        SIGNED_DATA => Err(UnexpectedInput::SignedMessage),
        _ => Err(UnexpectedInput::OtherMessage),
    })?;
    let is_filler = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let rest = reader.rest();
    match rest.iter().position(|byte| !is_filler(byte)) {
        None => Ok(enveloped),
        Some(at) if rest[at] == SEQUENCE => Err(UnexpectedInput::TwoFiles),
        Some(_) => Err(UnexpectedInput::Malformed),
    }
}

fn enveloped_data(reader: &mut Reader<'_>) -> Result<Enveloped, UnexpectedInput> {
    reader.primitive(INTEGER)?;
    if reader.peek() == Some(context(0)) {
        // originatorInfo: certificates for key agreement.
        reader.skip()?;
    }
    let recipients = reader.within(SET, recipient_infos)?;
    let (cipher, iv, content) = reader.within(SEQUENCE, encrypted_content_info)?;
    // unprotectedAttrs
    reader.skip_rest()?;
    if recipients.is_empty() {
        return Err(UnexpectedInput::NoRecipient);
    }
    Ok(Enveloped { recipients, cipher, iv, content })
}

fn recipient_infos(reader: &mut Reader<'_>) -> Result<Vec<Recipient>, UnexpectedInput> {
    let mut recipients = Vec::new();
    while let Some(tag) = reader.peek() {
        if tag != SEQUENCE {
            // Key agreement, key-encryption keys, passwords: none of them is a certificate with an RSA key.
            reader.skip()?;
        } else if recipients.len() < MAX_RECIPIENTS {
            recipients.push(reader.within(SEQUENCE, key_transport_recipient)?);
        } else {
            return Err(UnexpectedInput::Malformed);
        }
    }
    Ok(recipients)
}

fn key_transport_recipient(reader: &mut Reader<'_>) -> Result<Recipient, UnexpectedInput> {
    reader.primitive(INTEGER)?;
    let id = if reader.peek() == Some(SEQUENCE) {
        reader.within(SEQUENCE, |reader| {
            let issuer = reader.raw()?.to_vec();
            let serial = reader.primitive(INTEGER)?.to_vec();
            Ok::<_, UnexpectedInput>(RecipientId::IssuerAndSerial { issuer, serial })
        })?
    } else {
        RecipientId::SubjectKeyId(reader.octets(ber::context_primitive(0))?)
    };
    let transport = reader.within(SEQUENCE, key_transport)?;
    let encrypted_key = reader.octets(OCTET_STRING)?;
    Ok(Recipient { id, transport, encrypted_key })
}

fn key_transport(reader: &mut Reader<'_>) -> Result<Option<KeyTransport>, Fault> {
    match reader.primitive(OBJECT_IDENTIFIER)? {
        RSA_ENCRYPTION => {
            reader.skip_rest()?;
            Ok(Some(KeyTransport::Pkcs1))
        }
        RSAES_OAEP if reader.peek().is_none() => Ok(Some(KeyTransport::Oaep(&OAEP_SHA1_MGF1SHA1))),
        RSAES_OAEP => Ok(reader.within(SEQUENCE, oaep_parameters)?.map(KeyTransport::Oaep)),
        _ => {
            reader.skip_rest()?;
            Ok(None)
        }
    }
}

/// RSAES-OAEP-params (RFC 4055 §4.1). `None` for two different hashes or a label, which nobody uses for messages.
fn oaep_parameters(reader: &mut Reader<'_>) -> Result<Option<&'static OaepAlgorithm>, Fault> {
    let mut hash = SHA_1;
    let mut mask_hash = SHA_1;
    let mut plain = true;
    if reader.peek() == Some(context(0)) {
        hash = reader.within(context(0), algorithm)?;
    }
    if reader.peek() == Some(context(1)) {
        mask_hash = reader.within(context(1), |reader| {
            reader.within(SEQUENCE, |reader| {
                plain &= reader.primitive(OBJECT_IDENTIFIER)? == MGF1;
                if reader.peek().is_none() { Ok(SHA_1) } else { algorithm(reader) }
            })
        })?;
    }
    if reader.peek() == Some(context(2)) {
        plain &= reader.within(context(2), |reader| {
            reader.within(SEQUENCE, |reader| {
                let is_label = reader.primitive(OBJECT_IDENTIFIER)? == P_SPECIFIED;
                let label = if reader.peek().is_none() { Vec::new() } else { reader.octets(OCTET_STRING)? };
                Ok::<_, Fault>(is_label && label.is_empty())
            })
        })?;
    }
    if !plain || hash != mask_hash {
        return Ok(None);
    }
    Ok(match hash {
        SHA_1 => Some(&OAEP_SHA1_MGF1SHA1),
        SHA_256 => Some(&OAEP_SHA256_MGF1SHA256),
        SHA_384 => Some(&OAEP_SHA384_MGF1SHA384),
        SHA_512 => Some(&OAEP_SHA512_MGF1SHA512),
        _ => None,
    })
}

/// The name in an AlgorithmIdentifier. The parameters of a hash are NULL or absent and mean nothing.
fn algorithm<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    reader.within(SEQUENCE, |reader| {
        let name = reader.primitive(OBJECT_IDENTIFIER)?;
        reader.skip_rest()?;
        Ok(name)
    })
}

fn encrypted_content_info(reader: &mut Reader<'_>) -> Result<(Cipher, Vec<u8>, Vec<u8>), UnexpectedInput> {
    // The type of the content. What it really is shows when it is open.
    reader.primitive(OBJECT_IDENTIFIER)?;
    let (cipher, iv) = reader.within(SEQUENCE, |reader| {
        let cipher =
            Cipher::named(reader.primitive(OBJECT_IDENTIFIER)?).ok_or(UnexpectedInput::UnknownCipher)?;
        Ok::<_, UnexpectedInput>((cipher, reader.octets(OCTET_STRING)?))
    })?;
    let content = reader.octets(ber::context_primitive(0))?;
    let is_whole = !content.is_empty() && content.len().is_multiple_of(cipher.block_len());
    if is_whole && iv.len() == cipher.block_len() {
        Ok((cipher, iv, content))
    } else {
        Err(UnexpectedInput::Malformed)
    }
}
