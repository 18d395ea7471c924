//! PEM blocks and base64 in every spelling that files and forms give it. It does not know what the bytes mean.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use zeroize::Zeroizing;

const LINE: usize = 64;
const BEGIN: &[u8] = b"-----BEGIN ";
const DASHES: &[u8] = b"-----";

/// A PEM block inside a text: its label and what lies between the two marker lines.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a [u8],
    pub(crate) body: &'a [u8],
}

/// What a text holds in place of a PEM block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoBlock {
    /// No `-----BEGIN …-----`.
    Absent,
    /// A beginning without its `-----END …-----`.
    Unfinished,
}

/// The first PEM block of `text`, with any label.
pub(crate) fn first_block(text: &[u8]) -> Result<Block<'_>, NoBlock> {
    next_block(text).map(|(block, _)| block)
}

/// The first PEM block labelled `label`, with its base64 decoded. Other text and other blocks around it are skipped.
pub(crate) fn decode(text: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut rest = text.as_bytes();
    while let Ok((block, after)) = next_block(rest) {
        if block.label == label.as_bytes() {
            return decode_base64(block.body).map(Zeroizing::new);
        }
        rest = after;
    }
    None
}

/// `der` as a PEM block: lines of 64 characters, a newline after the last.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(LINE.min(rest.len()));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    let _ = writeln!(text, "-----END {label}-----");
    text
}

/// Decodes the standard or the url-safe alphabet, wrapped at any width or not, with or without padding. `None` when
/// another character occurs, or the text cannot be the base64 of whole bytes.
pub(crate) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()).map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    }));
    let padding = compact.iter().rev().take_while(|byte| **byte == b'=').count();
    if padding > 2 {
        return None;
    }
    STANDARD_NO_PAD.decode(&compact[..compact.len() - padding]).ok()
}

fn next_block(text: &[u8]) -> Result<(Block<'_>, &[u8]), NoBlock> {
    let begin = find(text, BEGIN).ok_or(NoBlock::Absent)?;
    let label_on = &text[begin + BEGIN.len()..];
    let line = label_on.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(label_on.len());
    // The lines may be joined to one.
    let label_end = find(&label_on[..line], DASHES).ok_or(NoBlock::Absent)?;
    let (label, body_on) = (&label_on[..label_end], &label_on[label_end + DASHES.len()..]);
    let end_marker = [b"-----END ", label, DASHES].concat();
    let end = find(body_on, &end_marker).ok_or(NoBlock::Unfinished)?;
    Ok((Block { label, body: &body_on[..end] }, &body_on[end + end_marker.len()..]))
}

/// Linear for these needles: two places at which one of them half matches share nothing but their first dashes.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_from_its_text() {
        for length in [0, 1, 47, 48, 49, 1000] {
            let der: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let text = format!("before\n{}{}", encode("OTHER", b"x"), encode("THING", &der));
            assert_eq!(decode(&text, "THING").as_deref(), Some(&der));
            assert!(text.lines().all(|line| line.len() <= LINE));
        }
    }

    #[test]
    fn an_unfinished_block_is_no_block() {
        assert_eq!(first_block(b"-----BEGIN CMS-----\nAAAA\n").err(), Some(NoBlock::Unfinished));
        assert_eq!(first_block(b"AAAA").err(), Some(NoBlock::Absent));
        assert!(decode("-----BEGIN CMS-----\nAAAA\n-----END PKCS7-----\n", "CMS").is_none());
    }

    #[test]
    fn base64_is_read_in_every_spelling() {
        for text in ["+/+/+w==", "-_-_-w==", "-_-_-w", "+/+\r\n/+w\n=\n=\n", " +/+/+w= "] {
            assert_eq!(
                decode_base64(text.as_bytes()).as_deref(),
                Some(&[0xfb, 0xff, 0xbf, 0xfb][..]),
                "{text}"
            );
        }
        for text in ["+/+/+", "+/=/+w==", "AAAA====", "AA:A", "\u{e4}AAA"] {
            assert_eq!(decode_base64(text.as_bytes()), None, "{text}");
        }
    }
}
