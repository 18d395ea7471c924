//! Where the JSON object lies in a decrypted text. CBC protects nothing from being changed, so what stands around the object
//! has few spellings: a block that was spliced in, or garbled by one that was, is none of them.

use std::ops::Range;

const BEGIN: &[u8] = b"-----BEGIN MESSAGE-----";
const END: &[u8] = b"-----END MESSAGE-----";

/// The header fields of the inner message, each at most once; without blanks and in small letters.
const FIELDS: [[&[u8]; 3]; 2] = [
    [
        b"content-type:text/plain",
        b"content-type:text/plain;charset=utf-8",
        b"content-type:text/plain;charset=us-ascii",
    ],
    [
        b"content-transfer-encoding:7bit",
        b"content-transfer-encoding:8bit",
        b"content-transfer-encoding:binary",
    ],
];

/// Whether every byte is one that a token's text may hold. Looks at all of them in any case.
pub(super) fn is_text(text: &[u8]) -> bool {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t');
    text.iter().fold(true, |all, byte| all & is_text(byte))
}

/// Where the object stands in `text`: behind the header fields and their empty line, between the two markers. Fields may be
/// missing, and so may both markers. The object itself is not read.
pub(super) fn object(text: &[u8]) -> Option<Range<usize>> {
    let text = text.trim_ascii_end();
    let mut rest = behind_fields(text.trim_ascii_start())?;
    let mut end = text.len();
    if let Some(marked) = rest.strip_prefix(BEGIN) {
        let (line, lines) = split_line(marked);
        let object = lines.strip_suffix(END)?;
        let before_marker = object.iter().rev().find(|byte| !is_blank(byte));
        if !line.iter().all(is_blank) || !before_marker.is_some_and(is_line_end) {
            return None;
        }
        end -= END.len();
        rest = lines;
    }
    let start = text.len() - rest.trim_ascii_start().len();
    let object = text.get(start..end)?.trim_ascii_end();
    (object.first() == Some(&b'{') && object.last() == Some(&b'}')).then(|| start..start + object.len())
}

/// What follows the header fields and the empty line that ends them; the whole text where it begins with no field.
fn behind_fields(text: &[u8]) -> Option<&[u8]> {
    if let Some(b'{' | b'-') = text.first() {
        return Some(text);
    }
    let mut rest = text;
    let mut seen = [false; FIELDS.len()];
    loop {
        let (line, after) = split_line(rest);
        if line.iter().all(is_blank) {
            return Some(after.trim_ascii_start());
        }
        let is_spelled = |spelling: &&[u8]| {
            let letters = line.iter().filter(|byte| !is_blank(byte)).map(u8::to_ascii_lowercase);
            letters.eq(spelling.iter().copied())
        };
        let field = FIELDS.iter().position(|spellings| spellings.iter().any(is_spelled))?;
        if std::mem::replace(&mut seen[field], true) {
            return None;
        }
        rest = after;
    }
}

/// The first line, and what follows its end: CR, LF, or both.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let length = text.iter().position(is_line_end).unwrap_or(text.len());
    let (line, rest) = text.split_at(length);
    (line, rest.strip_prefix(b"\r\n").or_else(|| rest.get(1..)).unwrap_or_default())
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}
