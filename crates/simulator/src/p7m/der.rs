//! A reader for DER: definite lengths only, single-byte tags, no recursion of its own.
//! It hands out slices of the input and keeps the raw bytes of each value, because issuer and serial number are
//! copied into the token file byte for byte.

/// One value: its tag, its content, and the whole of it as it stood in the input.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) raw: &'a [u8],
}

/// What is left to read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a [u8]) -> Reader<'a> {
        Reader { rest: input }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next value, if there is one.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value, or `None` when the input is not DER or ends too early.
    pub(super) fn next(&mut self) -> Option<Value<'a>> {
        let [tag, first, ..] = *self.rest else { return None };
        if tag & 0x1F == 0x1F {
            return None;
        }
        let (head, length) = match first {
            0..=0x7F => (2, usize::from(first)),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7F);
                let bytes = self.rest.get(2..2 + count)?;
                let length = bytes.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
                let shortest = bytes[0] != 0 && length >= 0x80;
                (2 + count, shortest.then_some(length)?)
            }
            _ => return None,
        };
        let raw = self.rest.get(..head.checked_add(length)?)?;
        self.rest = &self.rest[raw.len()..];
        Some(Value { tag, content: &raw[head..], raw })
    }

    /// The next value if it has this tag; `None`, and nothing is consumed, otherwise.
    pub(super) fn expect(&mut self, tag: u8) -> Option<Value<'a>> {
        if self.peek() != Some(tag) {
            return None;
        }
        self.next()
    }
}
