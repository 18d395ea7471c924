//! The text that a token holds once it is decrypted: inner headers, the two marker lines and the broken lines of one
//! JSON object. Every fault in it is one refusal, without a reason: see [`super::SealedToken::open`].

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ServerToken;
use crate::secret::Secret;

/// Ten times what Apple writes.
const MAX_SECRET: usize = 1024;

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

/// The token in a decrypted message. The text is rearranged in place, so that its secrets lie nowhere else.
pub(super) fn read(text: &mut [u8]) -> Option<ServerToken> {
    from_json(join_lines(text))
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

/// The JSON object, its lines joined at the front of `text`: Apple breaks them anywhere, also inside a string. What is
/// in front of the first brace and behind the last is packaging, of which real files have more or less.
fn join_lines(text: &mut [u8]) -> &[u8] {
    let mut written = 0;
    for at in 0..text.len() {
        if !matches!(text[at], b'\r' | b'\n') {
            text[written] = text[at];
            written += 1;
        }
    }
    let text = &text[..written];
    let begin = text.iter().position(|byte| *byte == b'{');
    let end = text.iter().rposition(|byte| *byte == b'}');
    match (begin, end) {
        (Some(begin), Some(end)) => text.get(begin..=end).unwrap_or_default(),
        _ => &[],
    }
}

fn secret(text: Cow<'_, str>) -> Option<Secret> {
    let is_printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let is_sane = is_printable && !text.trim().is_empty() && text.len() <= MAX_SECRET;
    // Taken over before it is judged, so that it is erased in either case.
    let secret = Secret::new(text.into_owned());
    is_sane.then_some(secret)
}
