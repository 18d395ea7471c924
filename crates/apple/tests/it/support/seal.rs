//! Seals text to a certificate as CMS EnvelopedData (RFC 5652 §6), in every shape that the standard allows a token.

use adept_apple::certificate::CertificateId;
#[expect(deprecated, reason = "tokens may be sealed with 3DES")]
use aws_lc_rs::cipher::DES_EDE3_FOR_LEGACY_USE_ONLY;
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm, OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey,
};

use super::der::{INTEGER, NULL, OCTET_STRING, SEQUENCE, SET, constructed, element, name, oid, sequence};
use super::{KEY, TestKey};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Pkcs1,
    /// Without the NULL that belongs behind the identifier.
    Pkcs1NoParameters,
    OaepNoParameters,
    OaepDefaults,
    OaepSha1,
    OaepSha256,
    OaepSha384,
    OaepSha512,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recipient {
    IssuerAndSerial,
    SubjectKeyId,
}

/// How the encrypted content is cut up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pieces {
    /// Not at all: a primitive `[0]`.
    Whole,
    /// A constructed `[0]` with pieces of at most so many bytes.
    Of(usize),
    /// A constructed string inside a constructed string.
    Nested,
    /// Two pieces and an empty one between them.
    WithEmpty,
}

/// Levels of a message that may have an indefinite length or be constructed, as bits of [`Shape::indefinite`].
const CONTENT_INFO: u16 = 1;
const EXPLICIT: u16 = 1 << 1;
const ENVELOPED_DATA: u16 = 1 << 2;
const RECIPIENT_INFOS: u16 = 1 << 3;
const RECIPIENT_INFO: u16 = 1 << 4;
const ISSUER_AND_SERIAL: u16 = 1 << 5;
const KEY_ALGORITHM: u16 = 1 << 6;
const ENCRYPTED_KEY: u16 = 1 << 7;
const CONTENT: u16 = 1 << 8;
const CONTENT_ALGORITHM: u16 = 1 << 9;
const ENCRYPTED_CONTENT: u16 = 1 << 10;
const IV: u16 = 1 << 11;
/// Not a length: originator information and unprotected attributes are present.
const EXTRAS: u16 = 1 << 12;

#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) cipher: Cipher,
    pub(crate) transport: Transport,
    pub(crate) recipient: Recipient,
    pub(crate) pieces: Pieces,
    pub(crate) indefinite: u16,
    /// Recipients in front of ours: by RSA, by password, by RSA, …
    pub(crate) others: usize,
}

impl Shape {
    /// What Apple's portal writes, as far as its published sample shows.
    pub(crate) const APPLE: Self = Self {
        cipher: Cipher::Aes128,
        transport: Transport::Pkcs1,
        recipient: Recipient::IssuerAndSerial,
        pieces: Pieces::Of(1000),
        indefinite: CONTENT_INFO | EXPLICIT | ENVELOPED_DATA | CONTENT | ENCRYPTED_CONTENT,
        others: 0,
    };

    /// The same as DER.
    pub(crate) const DER: Self = Self { pieces: Pieces::Whole, indefinite: 0, ..Self::APPLE };

    fn is_indefinite(&self, level: u16) -> bool {
        self.indefinite & level != 0
    }
}

pub(crate) const CIPHERS: [Cipher; 4] = [Cipher::Aes128, Cipher::Aes192, Cipher::Aes256, Cipher::TripleDes];
pub(crate) const RECIPIENTS: [Recipient; 2] = [Recipient::IssuerAndSerial, Recipient::SubjectKeyId];
pub(crate) const PIECES: [Pieces; 5] =
    [Pieces::Whole, Pieces::Of(1000), Pieces::Of(7), Pieces::Nested, Pieces::WithEmpty];
pub(crate) const TRANSPORTS: [Transport; 8] = [
    Transport::Pkcs1,
    Transport::Pkcs1NoParameters,
    Transport::OaepNoParameters,
    Transport::OaepDefaults,
    Transport::OaepSha1,
    Transport::OaepSha256,
    Transport::OaepSha384,
    Transport::OaepSha512,
];

/// The parts of a message, for tests to spoil before they are put together.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) recipient: Vec<u8>,
    pub(crate) key_algorithm: Vec<u8>,
    pub(crate) encrypted_key: Vec<u8>,
    pub(crate) cipher: Vec<u8>,
    pub(crate) iv: Vec<u8>,
    pub(crate) content: Vec<u8>,
}

/// Seals `text` to [`KEY`].
pub(crate) fn seal(text: &[u8], shape: &Shape) -> Vec<u8> {
    seal_to(text, shape, &KEY)
}

/// Seals `text` to `key`.
pub(crate) fn seal_to(text: &[u8], shape: &Shape, key: &TestKey) -> Vec<u8> {
    assemble(&parts(text, shape, key), shape)
}

/// The parts of `text` sealed to `key`.
pub(crate) fn parts(text: &[u8], shape: &Shape, key: &TestKey) -> Parts {
    let content_key = random(shape.cipher.key_len());
    let mut content = text.to_vec();
    let padding = shape.cipher.block_len() - text.len() % shape.cipher.block_len();
    content.extend(std::iter::repeat_n(u8::try_from(padding).unwrap(), padding));
    let iv = encrypt(shape.cipher, &content_key, &mut content);
    Parts {
        recipient: recipient(&key.id(), shape),
        key_algorithm: shape.transport.identifier(),
        encrypted_key: encrypt_key(shape.transport, key, &content_key),
        cipher: shape.cipher.identifier(),
        iv,
        content,
    }
}

/// Encrypts whole blocks in place under a new IV.
pub(crate) fn encrypt(cipher: Cipher, key: &[u8], blocks: &mut [u8]) -> Vec<u8> {
    let iv = random(cipher.block_len());
    let context = match cipher {
        Cipher::TripleDes => EncryptionContext::Iv64(FixedLength::try_from(&iv[..]).unwrap()),
        _ => EncryptionContext::Iv128(FixedLength::try_from(&iv[..]).unwrap()),
    };
    let key = EncryptingKey::cbc(UnboundCipherKey::new(cipher.algorithm(), key).unwrap()).unwrap();
    key.less_safe_encrypt(blocks, context).unwrap();
    iv
}

/// Seals `content_key`, of any length, to `key`.
pub(crate) fn encrypt_key(transport: Transport, key: &TestKey, content_key: &[u8]) -> Vec<u8> {
    let mut encrypted = vec![0; key.public.key_size_bytes()];
    match transport.oaep() {
        None => {
            let key = Pkcs1PublicEncryptingKey::new(key.public.clone()).unwrap();
            key.encrypt(content_key, &mut encrypted).unwrap();
        }
        Some(algorithm) => {
            let key = OaepPublicEncryptingKey::new(key.public.clone()).unwrap();
            key.encrypt(algorithm, content_key, &mut encrypted, None).unwrap();
        }
    }
    encrypted
}

/// RecipientIdentifier.
pub(crate) fn recipient(id: &CertificateId, shape: &Shape) -> Vec<u8> {
    match shape.recipient {
        Recipient::IssuerAndSerial => constructed(
            SEQUENCE,
            &[&id.issuer, &element(INTEGER, &id.serial)],
            shape.is_indefinite(ISSUER_AND_SERIAL),
        ),
        Recipient::SubjectKeyId => element(0x80, id.subject_key_id.as_ref().unwrap()),
    }
}

/// ContentInfo.
pub(crate) fn assemble(parts: &Parts, shape: &Shape) -> Vec<u8> {
    let mut recipients: Vec<Vec<u8>> = (0..shape.others).map(other_recipient).collect();
    recipients.push(recipient_info(parts, shape));
    assemble_with(&recipients, parts, shape)
}

/// ContentInfo with these RecipientInfos.
pub(crate) fn assemble_with(recipients: &[Vec<u8>], parts: &Parts, shape: &Shape) -> Vec<u8> {
    let recipients: Vec<&[u8]> = recipients.iter().map(Vec::as_slice).collect();
    let iv = string(
        OCTET_STRING,
        &parts.iv,
        if shape.is_indefinite(IV) { Pieces::Of(3) } else { Pieces::Whole },
        true,
    );
    let algorithm = constructed(SEQUENCE, &[&parts.cipher, &iv], shape.is_indefinite(CONTENT_ALGORITHM));
    let content = string(0x80, &parts.content, shape.pieces, shape.is_indefinite(ENCRYPTED_CONTENT));
    let content = constructed(
        SEQUENCE,
        &[&oid(&[1, 2, 840, 113549, 1, 7, 1]), &algorithm, &content],
        shape.is_indefinite(CONTENT),
    );
    let recipients = constructed(SET, &recipients, shape.is_indefinite(RECIPIENT_INFOS));
    let version = element(INTEGER, &[2]);
    let (originator, attributes) = if shape.is_indefinite(EXTRAS) {
        let attribute = sequence(&[&oid(&[1, 2, 3]), &element(SET, NULL)]);
        (element(0xa0, &element(0xa0, &sequence(&[]))), constructed(0xa1, &[&attribute], true))
    } else {
        (Vec::new(), Vec::new())
    };
    let enveloped = constructed(
        SEQUENCE,
        &[&version, &originator, &recipients, &content, &attributes],
        shape.is_indefinite(ENVELOPED_DATA),
    );
    content_info(&[1, 2, 840, 113549, 1, 7, 3], &enveloped, shape)
}

/// ContentInfo of any type.
pub(crate) fn content_info(kind: &[u64], content: &[u8], shape: &Shape) -> Vec<u8> {
    let explicit = constructed(0xa0, &[content], shape.is_indefinite(EXPLICIT));
    constructed(SEQUENCE, &[&oid(kind), &explicit], shape.is_indefinite(CONTENT_INFO))
}

/// KeyTransRecipientInfo.
pub(crate) fn recipient_info(parts: &Parts, shape: &Shape) -> Vec<u8> {
    let pieces = if shape.is_indefinite(ENCRYPTED_KEY) { Pieces::Of(100) } else { Pieces::Whole };
    let encrypted_key = string(OCTET_STRING, &parts.encrypted_key, pieces, false);
    let algorithm = constructed(SEQUENCE, &[&parts.key_algorithm], shape.is_indefinite(KEY_ALGORITHM));
    let version = element(INTEGER, &[if shape.recipient == Recipient::SubjectKeyId { 2 } else { 0 }]);
    constructed(
        SEQUENCE,
        &[&version, &parts.recipient, &algorithm, &encrypted_key],
        shape.is_indefinite(RECIPIENT_INFO),
    )
}

/// A recipient that is unknown here.
fn other_recipient(at: usize) -> Vec<u8> {
    if at % 2 == 1 {
        // PasswordRecipientInfo
        return constructed(
            0xa3,
            &[&element(INTEGER, &[0]), &sequence(&[]), &element(OCTET_STRING, b"key")],
            at % 4 == 1,
        );
    }
    let serial = [0x80, u8::try_from(at).unwrap()];
    let id = sequence(&[&name(&[(3, "Someone else")]), &element(INTEGER, &serial)]);
    sequence(&[
        &element(INTEGER, &[0]),
        &id,
        &sequence(&[&oid(&[1, 2, 3, 4]), NULL]),
        &element(OCTET_STRING, b"key"),
    ])
}

/// An octet string with `tag`, in pieces.
fn string(tag: u8, content: &[u8], pieces: Pieces, is_indefinite: bool) -> Vec<u8> {
    let piece = |content: &[u8]| element(OCTET_STRING, content);
    let (front, back) = content.split_at(content.len() / 2);
    let parts: Vec<Vec<u8>> = match pieces {
        Pieces::Whole => return element(tag, content),
        Pieces::Of(length) => content.chunks(length).map(piece).collect(),
        Pieces::WithEmpty => vec![piece(front), piece(&[]), piece(back)],
        Pieces::Nested => {
            let inner = constructed(0x24, &[&piece(front)], !is_indefinite);
            vec![constructed(0x24, &[&inner], is_indefinite), piece(back)]
        }
    };
    constructed(tag | 0x20, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>(), is_indefinite)
}

pub(crate) fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).unwrap();
    bytes
}

impl Cipher {
    pub(crate) fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    pub(crate) fn block_len(self) -> usize {
        if self == Self::TripleDes { 8 } else { 16 }
    }

    fn identifier(self) -> Vec<u8> {
        match self {
            Self::Aes128 => oid(&[2, 16, 840, 1, 101, 3, 4, 1, 2]),
            Self::Aes192 => oid(&[2, 16, 840, 1, 101, 3, 4, 1, 22]),
            Self::Aes256 => oid(&[2, 16, 840, 1, 101, 3, 4, 1, 42]),
            Self::TripleDes => oid(&[1, 2, 840, 113549, 3, 7]),
        }
    }

    #[expect(deprecated, reason = "tokens may be sealed with 3DES")]
    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Aes128 => &AES_128,
            Self::Aes192 => &AES_192,
            Self::Aes256 => &AES_256,
            Self::TripleDes => &DES_EDE3_FOR_LEGACY_USE_ONLY,
        }
    }
}

impl Transport {
    fn oaep(self) -> Option<&'static OaepAlgorithm> {
        match self {
            Self::Pkcs1 | Self::Pkcs1NoParameters => None,
            Self::OaepNoParameters | Self::OaepDefaults | Self::OaepSha1 => Some(&OAEP_SHA1_MGF1SHA1),
            Self::OaepSha256 => Some(&OAEP_SHA256_MGF1SHA256),
            Self::OaepSha384 => Some(&OAEP_SHA384_MGF1SHA384),
            Self::OaepSha512 => Some(&OAEP_SHA512_MGF1SHA512),
        }
    }

    /// The content of the AlgorithmIdentifier.
    fn identifier(self) -> Vec<u8> {
        let rsa = |number| oid(&[1, 2, 840, 113549, 1, 1, number]);
        let sha2 = |number| oid(&[2, 16, 840, 1, 101, 3, 4, 2, number]);
        match self {
            Self::Pkcs1 => [&rsa(1), NULL].concat(),
            Self::Pkcs1NoParameters => rsa(1),
            Self::OaepNoParameters => rsa(7),
            Self::OaepDefaults => [rsa(7), sequence(&[])].concat(),
            Self::OaepSha1 => oaep(&oid(&[1, 3, 14, 3, 2, 26]), &oid(&[1, 3, 14, 3, 2, 26]), b""),
            Self::OaepSha256 => oaep(&sha2(1), &sha2(1), b""),
            Self::OaepSha384 => oaep(&sha2(2), &sha2(2), b""),
            Self::OaepSha512 => oaep(&sha2(3), &sha2(3), b""),
        }
    }
}

/// The content of an AlgorithmIdentifier for OAEP with every parameter written out.
pub(crate) fn oaep(hash: &[u8], mask_hash: &[u8], label: &[u8]) -> Vec<u8> {
    let rsa = |number| oid(&[1, 2, 840, 113549, 1, 1, number]);
    let hash = element(0xa0, &sequence(&[hash, NULL]));
    let mask = element(0xa1, &sequence(&[&rsa(8), &sequence(&[mask_hash, NULL])]));
    let source = element(0xa2, &sequence(&[&rsa(9), &element(OCTET_STRING, label)]));
    [rsa(7), sequence(&[&hash, &mask, &source])].concat()
}
