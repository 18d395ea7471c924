//! From what a person or a program sent to the bytes of the CMS message: file text with headers or without, base64 of
//! the file or of the bare message, PEM, raw BER. It looks no further into the message than its first two bytes.

use super::mime;
use super::{TokenError, UnexpectedInput};
use crate::pem::{self, NoBlock};

/// The most that is read at all: a message of the largest size survives base64 twice (file text, then the file) in it.
const MAX_INPUT: usize = 256 * 1024;
/// The largest message.
const MAX_MESSAGE: usize = 64 * 1024;
/// Base64 of the file, and the base64 that the file itself is made of.
const MAX_BASE64_LAYERS: usize = 2;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What lies under one layer.
enum Layer<'a> {
    Message(&'a [u8]),
    Base64(&'a [u8]),
}

/// The message inside `input`.
pub(super) fn message(input: &[u8]) -> Result<Vec<u8>, TokenError> {
    if input.len() > MAX_INPUT {
        return Err(TokenError::TooLarge);
    }
    if text(input).is_empty() {
        return Err(TokenError::Empty);
    }
    let mut decoded;
    let mut layer = input;
    for _ in 0..=MAX_BASE64_LAYERS {
        match peel(layer)? {
            Layer::Message(message) if message.len() > MAX_MESSAGE => return Err(TokenError::TooLarge),
            Layer::Message(message) => return Ok(message.to_vec()),
            Layer::Base64(body) => {
                decoded = pem::decode_base64(body).ok_or(UnexpectedInput::Unknown)?;
                layer = &decoded;
            }
        }
    }
    Err(UnexpectedInput::Unknown.into())
}

fn peel(layer: &[u8]) -> Result<Layer<'_>, UnexpectedInput> {
    let text = text(layer);
    if is_ber(text) {
        return Ok(Layer::Message(text));
    }
    let body = match text {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(UnexpectedInput::Utf16),
        [b'{' | b'[', ..] => return Err(UnexpectedInput::Json),
        _ if text.starts_with(b"-----BEGIN ") => pem_body(text)?,
        _ if mime::begins(text) => mime::body(text),
        _ => text,
    };
    if is_ber(body) { Ok(Layer::Message(body)) } else { Ok(Layer::Base64(body)) }
}

fn pem_body(text: &[u8]) -> Result<&[u8], UnexpectedInput> {
    let block = match pem::first_block(text) {
        Ok(block) => block,
        Err(NoBlock::Unfinished) => return Err(UnexpectedInput::Truncated),
        Err(NoBlock::Absent) => return Err(UnexpectedInput::Unknown),
    };
    match block.label {
        b"PKCS7" | b"CMS" => Ok(block.body),
        b"CERTIFICATE" | b"PUBLIC KEY" => Err(UnexpectedInput::Certificate),
        label if label.ends_with(b"PRIVATE KEY") => Err(UnexpectedInput::PrivateKey),
        b"MESSAGE" => Err(UnexpectedInput::Json),
        _ => Err(UnexpectedInput::OtherPem),
    }
}

/// A sequence whose length is not a single small number. No text begins like this: the second byte is not ASCII.
fn is_ber(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, length, ..] if !length.is_ascii())
}

/// `bytes` without the byte order mark and the space in front, which editors and forms put there. What follows stays,
/// since the end of a message may look like space.
fn text(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii_start();
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii_start()
}
