//! From what a person or a program sent to the bytes of the CMS message: file text with headers or without, base64 of
//! the file or of the bare message, PEM, raw BER, and what forms, shells and spreadsheets put around them. It looks no
//! further into the message than its first two bytes.

use std::borrow::Cow;

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
const BEGIN: &[u8] = b"-----BEGIN ";

/// What lies under one layer.
enum Layer {
    Message(Vec<u8>),
    Base64(Vec<u8>),
}

/// The message inside `input`.
pub(super) fn message(input: &[u8]) -> Result<Vec<u8>, TokenError> {
    if input.len() > MAX_INPUT {
        return Err(TokenError::TooLarge);
    }
    if text(input).is_empty() {
        return Err(TokenError::Empty);
    }
    match decoded(input) {
        Ok(message) if message.len() > MAX_MESSAGE => Err(TokenError::TooLarge),
        Ok(message) => Ok(message),
        Err(UnexpectedInput::Unknown) => Err(named(input).into()),
        Err(found) => Err(found.into()),
    }
}

fn decoded(input: &[u8]) -> Result<Vec<u8>, UnexpectedInput> {
    let mut layer = Cow::Borrowed(input);
    for _ in 0..=MAX_BASE64_LAYERS {
        match peel(&layer)? {
            Layer::Message(message) => return Ok(message),
            Layer::Base64(body) => {
                layer = Cow::Owned(pem::decode_base64(&body).ok_or(UnexpectedInput::Unknown)?);
            }
        }
    }
    Err(UnexpectedInput::Unknown)
}

/// What an input is in which no message was found, as far as that can be told.
fn named(input: &[u8]) -> UnexpectedInput {
    let mut layer = Cow::Borrowed(input);
    for _ in 0..=MAX_BASE64_LAYERS {
        let body = match peel(&layer) {
            Ok(Layer::Base64(body)) => body,
            Ok(Layer::Message(_)) => return UnexpectedInput::Unknown,
            Err(found) => return found,
        };
        match (undecodable(&layer, &body), pem::decode_base64(&body)) {
            (UnexpectedInput::Unknown, Some(inner)) => layer = Cow::Owned(inner),
            (found, _) => return found,
        }
    }
    let goes_on = !layer.trim_ascii().is_empty() && pem::decode_base64(&layer).is_some();
    if goes_on || is_ber(&layer) { UnexpectedInput::NestedBase64 } else { UnexpectedInput::Unknown }
}

fn peel(layer: &[u8]) -> Result<Layer, UnexpectedInput> {
    let start = text(layer);
    if is_ber(start) {
        return Ok(Layer::Message(start.to_vec()));
    }
    if start.starts_with(b"PK\x03\x04") {
        return Err(UnexpectedInput::Archive);
    }
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [1..=255, 0, 1..=255, 0, ..] | [0, 1..=255, 0, 1..=255, ..] =
        start
    {
        return Err(UnexpectedInput::Utf16);
    }
    if mime::begins(start) && is_ber(mime::body(start)) {
        return Ok(Layer::Message(mime::body(start).to_vec()));
    }
    let text = bare(start);
    let body = match &text[..] {
        [b'{' | b'[', ..] => return Err(UnexpectedInput::Json),
        text if text.starts_with(BEGIN) => pem_body(text)?,
        text if mime::begins(text) => mime::body(text),
        text => text,
    };
    Ok(Layer::Base64(body.to_vec()))
}

/// A text without what is no part of it: filler at its end, quotes around it, the head of a data URL, line ends that were
/// escaped.
fn bare(text: &[u8]) -> Cow<'_, [u8]> {
    let mut text = text;
    while let [rest @ .., 0 | 0x1a | b' ' | b'\t' | b'\r' | b'\n'] = text {
        text = rest;
    }
    if let [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] = text {
        text = inner.trim_ascii();
    }
    if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"))
        && let Some(comma) = text.iter().position(|byte| *byte == b',')
        && text[..comma].to_ascii_lowercase().ends_with(b";base64")
    {
        text = &text[comma + 1..];
    }
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut unescaped = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        (rest, _) = match (first, after) {
            (b'\\', [b'n', after @ ..]) => (after, unescaped.push(b'\n')),
            (b'\\', [b'r', after @ ..]) => (after, ()),
            (byte, after) => (after, unescaped.push(*byte)),
        };
    }
    Cow::Owned(unescaped)
}

/// What a body is that is not base64, as far as that can be told.
fn undecodable(layer: &[u8], body: &[u8]) -> UnexpectedInput {
    let lower = body.to_ascii_lowercase();
    let holds = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let head = layer[..layer.len() - body.len().min(layer.len())].to_ascii_lowercase();
    let of_mail: [&[u8]; 5] = [b"received:", b"subject:", b"from:", b"message-id:", b"multipart/"];
    if holds(body, b"=3D") || holds(body, b"=\r\n") || holds(body, b"=\n") {
        let is_padding =
            |at: usize| body[at..].iter().all(|byte| matches!(byte, b'=' | b'\r' | b'\n' | b' '));
        let first = body.iter().position(|byte| *byte == b'=').unwrap_or_default();
        if holds(body, b"=3D") || !is_padding(first) && !holds(&lower, b"content-") && !holds(body, BEGIN) {
            return UnexpectedInput::QuotedPrintable;
        }
    }
    // A mail holds the file beside its own text.
    if of_mail.iter().any(|field| holds(&head, field)) {
        return UnexpectedInput::Mail;
    }
    if holds(&lower, b"content-type:") && holds(&lower, b"pkcs7-mime") || holds(body, BEGIN) || is_two(body) {
        return UnexpectedInput::TwoFiles;
    }
    UnexpectedInput::Unknown
}

/// Whether base64 ends with its filler and then a message begins again.
fn is_two(body: &[u8]) -> bool {
    let compact: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    compact.windows(3).any(|window| window == b"=MI")
}

fn pem_body(text: &[u8]) -> Result<&[u8], UnexpectedInput> {
    let block = match pem::first_block(text) {
        Ok(block) => block,
        Err(NoBlock::Unfinished) => return Err(UnexpectedInput::Truncated),
        Err(NoBlock::Absent) => return Err(UnexpectedInput::Unknown),
    };
    match block.label {
        b"PKCS7" | b"CMS" if text.windows(BEGIN.len()).filter(|window| *window == BEGIN).count() > 1 => {
            Err(UnexpectedInput::TwoFiles)
        }
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
