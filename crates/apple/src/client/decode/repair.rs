//! Makes text of what JSON calls text and Unicode does not: escapes of lone surrogates, and bytes that are not UTF-8; and
//! makes shallow what is nested deeper than the reader goes. It runs only over an answer that could not be read as it is.

use std::borrow::Cow;

/// An escape of U+FFFD, as long as the one that it replaces.
const REPLACEMENT: &[u8] = br"\ufffd";

/// `body` with U+FFFD in place of what is no text; `None` when there was nothing to replace.
pub(super) fn text(body: &[u8]) -> Option<Vec<u8>> {
    let lossy = String::from_utf8_lossy(body);
    let mut is_changed = matches!(lossy, Cow::Owned(_));
    let mut text = lossy.into_owned().into_bytes();
    let mut at = 0;
    while at < text.len() {
        if text[at] != b'\\' {
            at += 1;
            continue;
        }
        match unit(&text[at..]) {
            // A pair stands for one character.
            Some(0xd800..=0xdbff) if matches!(unit(&text[at + 6..]), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                text[at..at + 6].copy_from_slice(REPLACEMENT);
                is_changed = true;
                at += 6;
            }
            // Any other escape; its second byte may be a backslash that begins none.
            _ => at += 2,
        }
    }
    is_changed.then_some(text)
}

/// How deep values are read. The reader refuses 128 levels, and Apple's own have about five.
const DEEPEST: usize = 100;

/// `body` with `null` in place of each list and object that stands deeper than [`DEEPEST`]; `None` when there is none.
/// What is no JSON stays none.
pub(super) fn depth(body: &[u8]) -> Option<Vec<u8>> {
    let mut shallow = Vec::new();
    let (mut depth, mut copied) = (0_usize, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for (at, byte) in body.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'[' | b'{' => {
                depth += 1;
                if depth == DEEPEST + 1 {
                    shallow.extend_from_slice(&body[copied..at]);
                    shallow.extend_from_slice(b"null");
                }
            }
            b']' | b'}' => {
                if depth == DEEPEST + 1 {
                    copied = at + 1;
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    if shallow.is_empty() {
        return None;
    }
    if depth <= DEEPEST {
        shallow.extend_from_slice(&body[copied..]);
    }
    Some(shallow)
}

/// The UTF-16 unit of a `\uXXXX` that `text` begins with.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(br"\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_lone_surrogates_are_replaced() {
        for (body, expected) in [
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""\udfff\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud800\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud800\ud800""#, r#""\\ud800\ufffd""#),
            (r#""\ud80""#, ""),
            (r#""\ud83d\ude00\"""#, ""),
            ("plain", ""),
        ] {
            let repaired = text(body.as_bytes()).unwrap_or_default();
            assert_eq!(String::from_utf8(repaired).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn only_what_is_nested_too_deep_is_left_out() {
        let nested = |levels: usize, inside: &str| "[".repeat(levels) + inside + &"]".repeat(levels);
        let shallow = |body: &str| depth(body.as_bytes()).map(|body| String::from_utf8(body).unwrap());
        for body in [
            nested(DEEPEST, "1"),
            r#"{"a":"[[[\"[[["}"#.to_owned(),
            nested(5, &format!("{:?}", "[".repeat(200))),
        ] {
            assert_eq!(shallow(&body), None, "{body}");
        }
        let cut = |inside: &str| Some(nested(DEEPEST, inside));
        assert_eq!(shallow(&nested(DEEPEST + 1, "1")), cut("null"));
        assert_eq!(shallow(&nested(DEEPEST + 90, r#"{"]":"]"}"#)), cut("null"));
        assert_eq!(shallow(&nested(DEEPEST, r#"{"a":[[{}]]},[2],3"#)), cut("null,null,3"));
        assert_eq!(shallow(&"[".repeat(DEEPEST + 9)).unwrap().len(), DEEPEST + 4, "cut off inside");
    }

    proptest! {
        #[test]
        fn no_bytes_break_it_and_repaired_text_needs_no_repair(
            parts in prop::collection::vec(prop_oneof![
                Just(br"\ud800".to_vec()), Just(br"\udc00".to_vec()), Just(vec![b'\\']), Just(vec![b'u']),
                prop::collection::vec(any::<u8>(), 0..6),
            ], 0..12),
        ) {
            if let Some(repaired) = text(&parts.concat()) {
                prop_assert_eq!(text(&repaired), None);
            }
        }
    }
}
