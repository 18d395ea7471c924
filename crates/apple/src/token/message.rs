//! The text that a token holds once it is decrypted: `frame` finds the JSON object in it, this file joins its broken lines
//! and reads it. Every fault is one refusal, without a reason: see [`super::SealedToken::open`].

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ServerToken, frame};
use crate::secret::Secret;

/// The block of 3DES, in bytes.
const SHORT_BLOCK: usize = 8;
/// Ten times what Apple writes.
const MAX_SECRET: usize = 1024;

/// What is read where there is no object, so that finding none takes as long as reading one.
const STAND_IN: &[u8] = br#"{"consumer_key":"CK_000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","consumer_secret":"CS_0000000000000000000000000000000000000000","access_token":"AT_O0000000000O0000000000000000000000000000000000000000O0000000000000","access_secret":"AS_0000000000000000000000000000000000000000","access_token_expiry":"1970-01-01T00:00:00Z"}"#;

/// Apple's names and forms ("Examining server tokens"). Members that are not named here are ignored.
#[derive(Deserialize, Serialize)]
struct Document<'a> {
    #[serde(borrow)]
    consumer_key: Cow<'a, str>,
    #[serde(borrow)]
    consumer_secret: Cow<'a, str>,
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow)]
    access_secret: Cow<'a, str>,
    /// `YYYY-MM-DDTHH:MM:SSZ`.
    #[serde(borrow)]
    access_token_expiry: Cow<'a, str>,
}

/// The token in a decrypted message of blocks of so many bytes. The text is rearranged in place, so that its secrets lie
/// nowhere else.
///
/// A garbled block of 16 bytes passes for a part of a secret once in eight million times. Of 8 bytes that would be once in
/// two thousand: there secrets are in the letters that Apple writes, and it is once in sixty million.
pub(super) fn read(text: &mut [u8], block: usize) -> Option<ServerToken> {
    let is_text = frame::is_text(text);
    let object = frame::object(text);
    let is_framed = is_text & object.is_some();
    let json = object.map_or(STAND_IN, |object| join_lines(&mut text[object]));
    let token = from_json(json)?;
    let letters = token.secrets().map(|secret| secret.expose().bytes().all(is_letter_of_apple));
    let is_spelled = block > SHORT_BLOCK || letters == [true; 4];
    (is_framed & is_spelled).then_some(token)
}

/// `CK_`, `CS_`, `AT_` and `AS_`, hexadecimal digits, and an O between the parts of a token.
fn is_letter_of_apple(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || b"KSTO_".contains(&byte)
}

pub(super) fn from_json(json: &[u8]) -> Option<ServerToken> {
    // Serde takes an array of the five texts for the object as well.
    if !json.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let document: Document<'_> = serde_json::from_slice(json).ok()?;
    Some(ServerToken {
        access_token_expiry: document.access_token_expiry.parse::<Timestamp>().ok()?,
        consumer_key: secret(document.consumer_key)?,
        consumer_secret: secret(document.consumer_secret)?,
        access_token: secret(document.access_token)?,
        access_secret: secret(document.access_secret)?,
    })
}

/// Writes into `json` and nowhere else: as long as its capacity holds, no copy of a secret is left behind.
pub(super) fn to_json(token: &ServerToken, json: &mut Vec<u8>) {
    let document = Document {
        consumer_key: token.consumer_key.expose().into(),
        consumer_secret: token.consumer_secret.expose().into(),
        access_token: token.access_token.expose().into(),
        access_secret: token.access_secret.expose().into(),
        access_token_expiry: token.access_token_expiry.to_string().into(),
    };
    // Text into memory: neither of the two can fail.
    let _ = serde_json::to_writer(json, &document);
}

/// The JSON object with its lines joined: Apple breaks them anywhere, also inside a string.
fn join_lines(object: &mut [u8]) -> &[u8] {
    let mut written = 0;
    for at in 0..object.len() {
        if !matches!(object[at], b'\r' | b'\n') {
            object[written] = object[at];
            written += 1;
        }
    }
    &object[..written]
}

fn secret(text: Cow<'_, str>) -> Option<Secret> {
    let is_printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let is_sane = is_printable && !text.trim().is_empty() && text.len() <= MAX_SECRET;
    // Taken over before it is judged, so that it is erased in either case.
    let secret = Secret::new(text.into_owned());
    is_sane.then_some(secret)
}
