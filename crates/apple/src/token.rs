//! Apple's server token: the file that Apple's portal seals to a certificate, and the credentials inside. Nothing here
//! asks Apple whether a token is still good, and nothing is stored.
//!
//! A file goes through [`SealedToken::read`] (what is it, and which certificate is it sealed to?) and [`SealedToken::open`] (what
//! does it say?). The layers, each in its file: `input` and `mime` find the message, `enveloped` reads it with
//! `ber`, `cipher` decrypts, `frame` finds the JSON in the text, `message` reads it. Facts about the format: Apple, "Examining server tokens",
//! and RFC 5652; why the reader is our own: `docs/decisions/0002-own-reader-for-enveloped-data.md`.

use aws_lc_rs::rand;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::certificate::{CertificateId, RecipientId};
use crate::key_pair::PrivateKey;
use crate::secret::Secret;

mod cipher;
mod enveloped;
mod frame;
mod input;
mod message;
mod mime;

/// The most JSON that is read, in bytes; as much as a message could hold.
const MAX_JSON: usize = 64 * 1024;

/// The credentials for one server at Apple: OAuth 1.0a, for a year.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerToken {
    /// Names the server together with the Apple account that downloaded the token.
    pub consumer_key: Secret,
    /// Signs together with `access_secret`.
    pub consumer_secret: Secret,
    /// Names this issue of the token.
    pub access_token: Secret,
    /// Signs together with `consumer_secret`.
    pub access_secret: Secret,
    /// From then on Apple refuses the token; whole seconds.
    pub access_token_expiry: Timestamp,
}

impl ServerToken {
    /// Reads the JSON inside a token. [`TokenError::Unreadable`] when it is not JSON, a member is missing, the expiry
    /// is no time, or a secret is empty, not printable ASCII, or longer than 1,024 characters.
    pub fn from_json(json: &[u8]) -> Result<Self, TokenError> {
        if json.len() > MAX_JSON {
            return Err(TokenError::Unreadable);
        }
        message::from_json(json).ok_or(TokenError::Unreadable)
    }

    /// The JSON inside a token, with Apple's names, to be sealed and kept.
    #[must_use]
    pub fn to_json(&self) -> Zeroizing<Vec<u8>> {
        // Escaped text is at most six times as long, and names, quotes and expiry take less than 256 bytes.
        let capacity = 256 + self.secrets().iter().map(|secret| 6 * secret.expose().len()).sum::<usize>();
        let mut json = Zeroizing::new(Vec::with_capacity(capacity));
        message::to_json(self, &mut json);
        json
    }

    fn secrets(&self) -> [&Secret; 4] {
        [&self.consumer_key, &self.consumer_secret, &self.access_token, &self.access_secret]
    }
}

/// A token file that was read and not yet opened: nothing in it is verified.
pub struct SealedToken {
    message: enveloped::Enveloped,
}

impl SealedToken {
    /// Reads a token as a file, or as what forms and programs make of a file: its text with LF or CRLF, with headers
    /// or without; base64 of it or of the bare message in either alphabet, wrapped or not; PEM; raw DER or BER.
    ///
    /// Fails with [`TokenError::Empty`], with [`TokenError::TooLarge`] over 256 KiB of input or 64 KiB of message, and
    /// with [`TokenError::NotAToken`] for everything that is not one whole encrypted message.
    pub fn read(input: &[u8]) -> Result<Self, TokenError> {
        let bytes = input::message(input)?;
        Ok(Self { message: enveloped::read(&bytes)? })
    }

    /// The certificates that the token is sealed to: at least one, at most 32. Apple writes one.
    #[must_use]
    pub fn recipients(&self) -> Vec<RecipientId> {
        self.message.recipients.iter().map(|recipient| recipient.id.clone()).collect()
    }

    /// Decrypts the token with the private key of `certificate`: one RSA operation, a millisecond or less.
    ///
    /// Fails with [`TokenError::WrongRecipient`] when the token is not sealed to `certificate`, with
    /// [`TokenError::NotAToken`] when it is sealed in an unknown way, and else with [`TokenError::Unreadable`], which
    /// is the same for every cause: who sends many altered tokens must not learn from the answers, nor from their
    /// timing, how far each one came (Bleichenbacher 1998, Vaudenay 2002). So a content key that does not come out of
    /// RSA is replaced by a random one (RFC 3218 §2.3.2), and the text is read even when its padding is wrong.
    ///
    /// Nothing protects a token from changes, so a thief of the file could splice its blocks and learn from each answer
    /// whether the text still makes sense. It never does: what surrounds the JSON has few spellings, and a block may occur
    /// only once (in CBC two are equal by chance in one of 10^15 tokens), so none is read beside its own position without
    /// destroying the token.
    pub fn open(&self, certificate: &CertificateId, key: &PrivateKey) -> Result<ServerToken, TokenError> {
        let sealed = &self.message;
        let recipient = sealed
            .recipients
            .iter()
            .find(|recipient| certificate.matches(&recipient.id))
            .ok_or_else(|| TokenError::WrongRecipient { wanted: self.recipients() })?;
        let transport = recipient.transport.ok_or(UnexpectedInput::UnknownKeyTransport)?;

        let mut content_key = Zeroizing::new([0; cipher::MAX_KEY_LEN]);
        let content_key = &mut content_key[..sealed.cipher.key_len()];
        rand::fill(content_key).map_err(|_| TokenError::Unreadable)?;
        key.recover(transport, &recipient.encrypted_key, content_key);

        let mut text = Zeroizing::new(sealed.content.clone());
        let unpadded =
            sealed.cipher.decrypt(content_key, &sealed.iv, &mut text).map_err(|_| TokenError::Unreadable)?;
        let token = message::read(&mut text[..unpadded.length], sealed.cipher.block_len());
        token.filter(|_| unpadded.is_sound & !sealed.repeats_a_block()).ok_or(TokenError::Unreadable)
    }
}

/// Why a file gave no server token. Nothing was changed by the attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// No bytes, or only space.
    #[error("The server token is empty. Send the file that Apple's portal downloads.")]
    Empty,
    /// More than 256 KiB of input, or a message of more than 64 KiB; Apple's files have about 2 KiB.
    #[error(
        "This is too large for a server token, which has at most 64 KiB. Send the file that Apple's portal downloads."
    )]
    TooLarge,
    /// The input is something else, or a token that lost some of its bytes.
    #[error(
        "This is not a server token but {found}. Send the file that Apple's portal downloads (its name ends in _smime.p7m)."
    )]
    NotAToken {
        /// What it is instead.
        found: UnexpectedInput,
    },
    /// Sealed to a certificate other than the one named by the caller.
    #[error("The server token is sealed to another certificate: {}. Download a token for the certificate that is used here.", list(.wanted))]
    WrongRecipient {
        /// The certificates that it is sealed to.
        wanted: Vec<RecipientId>,
    },
    /// Sealed to the right certificate, but the content is damaged or not a token. There is no closer reason.
    #[error(
        "The server token cannot be read, though it is sealed to the right certificate. Download it again."
    )]
    Unreadable,
}

/// What was found in place of a server token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnexpectedInput {
    /// Bytes that begin like no known form of a token.
    #[error("something that is neither an S/MIME file nor PEM nor base64")]
    Unknown,
    /// A ZIP archive.
    #[error("a ZIP archive: unpack it and send the .p7m file inside")]
    Archive,
    /// A whole e-mail message.
    #[error("a whole e-mail message: save its attachment and send that")]
    Mail,
    /// Two files in one.
    #[error("two files in one: send only the newer one")]
    TwoFiles,
    /// Base64 around base64 around base64.
    #[error("a file that was encoded in base64 too often")]
    NestedBase64,
    /// Text that a mail program encoded.
    #[error("quoted-printable text, which a mail program has made: save the attachment itself")]
    QuotedPrintable,
    /// A text file saved in UTF-16.
    #[error("a text file in UTF-16, which some program has re-encoded")]
    Utf16,
    /// JSON, or a token that someone has already decrypted.
    #[error("JSON or a message that is not encrypted")]
    Json,
    /// PEM with a certificate or a public key.
    #[error("a certificate or public key, which belongs into Apple's portal")]
    Certificate,
    /// PEM with a private key.
    #[error("a private key, which should be shown to nobody")]
    PrivateKey,
    /// PEM with another label.
    #[error("a PEM file of another kind")]
    OtherPem,
    /// CMS SignedData, such as a configuration profile.
    #[error("a signed message, not an encrypted one")]
    SignedMessage,
    /// CMS of another type.
    #[error("a cryptographic message of another kind")]
    OtherMessage,
    /// The message ends before it is complete.
    #[error("a part of an encrypted message, whose end is missing")]
    Truncated,
    /// Bytes that are no encrypted message.
    #[error("data that is not a well-formed encrypted message")]
    Malformed,
    /// Sealed to no RSA certificate at all.
    #[error("an encrypted message without a certificate as its recipient")]
    NoRecipient,
    /// A content cipher other than AES-CBC and 3DES-CBC.
    #[error("a message encrypted with a cipher other than AES and 3DES in CBC mode")]
    UnknownCipher,
    /// A key transport other than RSA PKCS #1 v1.5 and OAEP with one hash.
    #[error("a message whose key is sealed in an unknown way")]
    UnknownKeyTransport,
}

impl From<UnexpectedInput> for TokenError {
    fn from(found: UnexpectedInput) -> Self {
        Self::NotAToken { found }
    }
}

/// The most recipients that a sentence names.
const MAX_NAMED: usize = 3;

fn list(recipients: &[RecipientId]) -> String {
    let mut names: Vec<String> = recipients.iter().take(MAX_NAMED).map(|id| format!("“{id}”")).collect();
    if recipients.len() > MAX_NAMED {
        names.push(format!("{} more", recipients.len() - MAX_NAMED));
    }
    names.join(", ")
}
