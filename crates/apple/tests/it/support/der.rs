//! Writes DER, and BER with indefinite lengths.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: &[u8] = b"\x05\x00";
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// An element of definite length.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..0x80 => bytes.push(u8::try_from(short).unwrap()),
        long => {
            let length: Vec<u8> = long.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            bytes.push(0x80 | u8::try_from(length.len()).unwrap());
            bytes.extend(length);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// A constructed element of definite or indefinite length.
pub(crate) fn constructed(tag: u8, parts: &[&[u8]], is_indefinite: bool) -> Vec<u8> {
    let content = parts.concat();
    if is_indefinite { [&[tag, 0x80], &content[..], &[0, 0]].concat() } else { element(tag, &content) }
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    constructed(SEQUENCE, parts, false)
}

/// An object identifier from its dotted numbers.
pub(crate) fn oid(numbers: &[u64]) -> Vec<u8> {
    let mut content = Vec::new();
    for number in std::iter::once(numbers[0] * 40 + numbers[1]).chain(numbers[2..].iter().copied()) {
        let groups: Vec<u8> = (0..9).rev().map(|group| (number >> (7 * group) & 0x7f) as u8).collect();
        let first = groups.iter().position(|group| *group != 0).unwrap_or(8);
        content.extend(groups[first..8].iter().map(|group| group | 0x80));
        content.push(groups[8]);
    }
    element(OBJECT_IDENTIFIER, &content)
}

/// A Name with one attribute per part: the attribute's last identifier number under 2.5.4, and its text.
pub(crate) fn name(parts: &[(u64, &str)]) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = parts
        .iter()
        .map(|(kind, text)| {
            let attribute = sequence(&[&oid(&[2, 5, 4, *kind]), &element(UTF8_STRING, text.as_bytes())]);
            element(SET, &attribute)
        })
        .collect();
    element(SEQUENCE, &parts.concat())
}
