//! A writer for the few BER forms that the token file needs: primitives, definite and indefinite containers.
//! It is not an ASN.1 library.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xA0;

/// BER written so far.
#[derive(Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// A value without parts, its length written in the shortest form.
    pub(super) fn primitive(&mut self, tag: u8, value: &[u8]) {
        self.out.push(tag);
        self.length(value.len());
        self.out.extend_from_slice(value);
    }

    /// A value that is already encoded, tag and length included.
    pub(super) fn raw(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    /// A container whose length stands before its parts.
    pub(super) fn definite(&mut self, tag: u8, parts: impl FnOnce(&mut Writer)) {
        let mut inner = Writer::default();
        parts(&mut inner);
        self.primitive(tag, &inner.out);
    }

    /// A container that ends with two zero bytes instead of naming its length.
    pub(super) fn indefinite(&mut self, tag: u8, parts: impl FnOnce(&mut Writer)) {
        self.out.extend_from_slice(&[tag, 0x80]);
        parts(self);
        self.out.extend_from_slice(&[0, 0]);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    fn length(&mut self, length: usize) {
        if length < 0x80 {
            self.out.push(length as u8);
            return;
        }
        let bytes = length.to_be_bytes();
        let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        self.out.push(0x80 | significant.len() as u8);
        self.out.extend_from_slice(significant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        for (length, head) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (256, &[4, 0x82, 1, 0]),
            (65536, &[4, 0x83, 1, 0, 0]),
        ] {
            let mut writer = Writer::default();
            writer.primitive(OCTET_STRING, &vec![7; length]);
            let written = writer.finish();
            assert_eq!(&written[..head.len()], head);
            assert_eq!(written.len(), head.len() + length);
        }
    }

    #[test]
    fn an_indefinite_container_ends_with_two_zero_bytes() {
        let mut writer = Writer::default();
        writer.indefinite(SEQUENCE, |inner| inner.definite(SET, |set| set.primitive(NULL, &[])));
        assert_eq!(writer.finish(), [0x30, 0x80, 0x31, 2, 5, 0, 0, 0]);
    }
}
