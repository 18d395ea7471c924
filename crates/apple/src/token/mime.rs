//! Takes the header block off a message as mail programs and Apple's portal write it. It believes no header: what the
//! body is, the body itself shows, so headers may be missing, folded, reordered or broken.

/// Whether `text` begins with a header field (RFC 5322 §2.2: printable characters, then a colon). Base64 never does.
pub(super) fn begins(text: &[u8]) -> bool {
    text.iter()
        .position(|byte| !is_name(*byte))
        .is_some_and(|at| at > 0 && text[at..].trim_ascii_start().starts_with(b":"))
}

/// How many header blocks are taken off: a bound, since each is looked for in all that is left.
const BLOCKS: usize = 4;

/// What follows the header block, and the blocks behind it: programs that save a file may write one of their own before the
/// file's. Nothing if there is no empty line.
pub(super) fn body(text: &[u8]) -> &[u8] {
    let mut rest = behind_block(text);
    for _ in 1..BLOCKS {
        if !begins(rest) {
            break;
        }
        rest = behind_block(rest);
    }
    rest
}

/// What follows the first empty line. Lines that are no field are passed over like the rest: Apple's page "Examining server
/// tokens" shows a `Content-Type` whose second half stands at the start of a line.
fn behind_block(text: &[u8]) -> &[u8] {
    if !text.contains(&b'\n') && !text.contains(&b'\r') {
        return joined_body(text);
    }
    let end = line_end(text);
    let mut rest = text;
    loop {
        let (line, after) = split_line(rest, end);
        if line.trim_ascii().is_empty() || after.is_empty() {
            return after;
        }
        rest = after;
    }
}

/// The body of a text whose lines were joined by blanks: from the first word that begins as the base64 of a message does.
fn joined_body(text: &[u8]) -> &[u8] {
    let mut at = 0;
    for word in text.split(|byte| *byte == b' ') {
        if word.starts_with(b"MI") && word.iter().all(is_base64) {
            return &text[at..];
        }
        at += word.len() + 1;
    }
    &[]
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// What ends a line of `text`: LF, with any number of CR before it, since tools turn CRLF into CRCRLF; or CR, where
/// there is no LF at all.
fn line_end(text: &[u8]) -> u8 {
    if text.contains(&b'\n') { b'\n' } else { b'\r' }
}

/// The first line, and the text after its `end`.
fn split_line(text: &[u8], end: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == end) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b':'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_follows_the_first_empty_line() {
        for text in [
            "A: b\n\nbody",
            "A: b\r\n\r\nbody",
            "A: b\r\rbody",
            "A: b\r\n\nbody",
            "A: b\r\r\nC: d\r\r\n\r\r\nbody",
            "A: b;\n c\n\nbody",
            "A: enveloped-\ndata\nC: d\n \nbody",
            "A :b\n\nbody",
            "A: b\n\nC: d\n\nbody",
            "A: b\r\n\r\nC: d\r\nE: f\r\n\r\nG: h\r\n\r\nbody",
        ] {
            assert!(begins(text.as_bytes()), "{text:?}");
            assert_eq!(body(text.as_bytes()), b"body", "{text:?}");
        }
    }

    #[test]
    fn headers_alone_have_no_body() {
        for text in ["A: b", "A: b\n", "A: b\nC: d\r\n\r\n"] {
            assert_eq!(body(text.as_bytes()), b"", "{text:?}");
        }
    }

    #[test]
    fn text_without_a_field_is_no_header_block() {
        for text in ["", ":", "MIAG\nA: b", "MIAGCSqGSIb3DQEHA6CA", "\u{e4}: b"] {
            assert!(!begins(text.as_bytes()), "{text:?}");
        }
    }
}
