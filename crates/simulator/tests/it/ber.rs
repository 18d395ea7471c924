//! A BER reader and a DER writer for the tests, written apart from the simulator's.

/// One value, its parts read when it is constructed.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) tag: u8,
    pub(crate) indefinite: bool,
    pub(crate) content: Vec<u8>,
    pub(crate) parts: Vec<Node>,
    pub(crate) raw: Vec<u8>,
}

/// Reads one value and returns what follows it.
pub(crate) fn read(input: &[u8]) -> (Node, &[u8]) {
    let tag = input[0];
    let (head, length) = match input[1] {
        0x80 => (2, None),
        short @ 0..=0x7F => (2, Some(usize::from(short))),
        long => {
            let count = usize::from(long & 0x7F);
            let length = input[2..2 + count].iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte));
            (2 + count, Some(length))
        }
    };
    let mut parts = Vec::new();
    let Some(length) = length else {
        let mut rest = &input[head..];
        while rest[..2] != [0, 0] {
            let (part, after) = read(rest);
            parts.push(part);
            rest = after;
        }
        let end = input.len() - rest.len();
        let node = Node {
            tag,
            indefinite: true,
            content: input[head..end].to_vec(),
            parts,
            raw: input[..end + 2].to_vec(),
        };
        return (node, &rest[2..]);
    };
    let content = &input[head..head + length];
    let mut rest = content;
    while tag & 0x20 != 0 && !rest.is_empty() {
        let (part, after) = read(rest);
        parts.push(part);
        rest = after;
    }
    let raw = input[..head + length].to_vec();
    (Node { tag, indefinite: false, content: content.to_vec(), parts, raw }, &input[head + length..])
}

/// One DER value.
pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = match length {
        0..=0x7F => vec![tag, length as u8],
        0x80..=0xFF => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    out.extend_from_slice(content);
    out
}

/// A DER container of parts.
pub(crate) fn container(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    der(tag, &parts.concat())
}
