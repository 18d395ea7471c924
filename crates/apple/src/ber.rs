//! A bounded reader of BER (X.690): a cursor over borrowed bytes that walks definite and indefinite lengths alike. It
//! builds no tree, copies nothing but the pieces of a string, visits each byte once, and nests at most [`MAX_DEPTH`]
//! deep without recursion. It is not a general ASN.1 library: the caller knows the type it reads.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// The bit of a tag that says that the content is made of further elements.
pub(crate) const CONSTRUCTED: u8 = 0x20;

/// The deepest nesting that is read. A server token needs nine levels, a chunked string up to two more.
pub(crate) const MAX_DEPTH: usize = 16;

const INDEFINITE: u8 = 0x80;
const LONG_TAG: u8 = 0x1f;
/// Lengths of more octets would not fit the sizes that are read here, save for leading zeros, which nobody writes.
const MAX_LENGTH_OCTETS: u8 = 8;

/// The tag of a context-specific, constructed element: `[number]`.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// The tag of a context-specific, primitive element: `[number]` in place of an octet string's own tag.
pub(crate) const fn context_primitive(number: u8) -> u8 {
    0x80 | number
}

/// Why bytes were not the element that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The input ends before the element does.
    Truncated,
    /// The bytes are there, but are something else, or are nested too deeply.
    Malformed,
}

/// An element that was entered and not yet left.
#[derive(Clone, Copy)]
struct Frame {
    /// Nothing of this element lies here or beyond.
    limit: usize,
    /// Its end is a marker (two zero bytes) and not `limit`.
    marked: bool,
}

struct Header {
    tag: u8,
    /// Where the content ends; `None` for an indefinite length.
    end: Option<usize>,
}

/// A cursor over BER.
pub(crate) struct Reader<'a> {
    input: &'a [u8],
    at: usize,
    open: [Frame; MAX_DEPTH],
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0, open: [Frame { limit: 0, marked: false }; MAX_DEPTH], depth: 0 }
    }

    /// Reads a constructed element with `content`, which must consume all of it.
    pub(crate) fn within<T, E: From<Fault>>(
        &mut self,
        tag: u8,
        content: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let header = self.header()?;
        if header.tag != tag {
            return Err(Fault::Malformed.into());
        }
        self.enter(&header)?;
        let value = content(self)?;
        self.leave()?;
        Ok(value)
    }

    /// The tag of the next element; `None` where the surrounding element, or the input, ends.
    pub(crate) fn peek(&self) -> Option<u8> {
        if self.at_end() { None } else { self.input.get(self.at).copied() }
    }

    /// The content of a primitive element.
    pub(crate) fn primitive(&mut self, tag: u8) -> Result<&'a [u8], Fault> {
        let header = self.header()?;
        match header.end {
            Some(end) if header.tag == tag => Ok(self.take(end)),
            _ => Err(Fault::Malformed),
        }
    }

    /// The content of an octet string in one piece, or in pieces nested in any way. `tag` is the primitive one.
    pub(crate) fn octets(&mut self, tag: u8) -> Result<Vec<u8>, Fault> {
        let floor = self.depth;
        let mut content = Vec::new();
        // Under an implicit tag the pieces are still plain octet strings.
        let mut expected = tag;
        loop {
            if self.depth > floor && self.at_end() {
                self.leave()?;
            } else {
                let header = self.header()?;
                match header.end {
                    Some(end) if header.tag == expected => content.extend_from_slice(self.take(end)),
                    _ if header.tag == expected | CONSTRUCTED => self.enter(&header)?,
                    _ => return Err(Fault::Malformed),
                }
                expected = OCTET_STRING;
            }
            if self.depth == floor {
                return Ok(content);
            }
        }
    }

    /// Passes over one element. One of definite length is not looked into.
    pub(crate) fn skip(&mut self) -> Result<(), Fault> {
        let floor = self.depth;
        loop {
            if self.depth > floor && self.at_end() {
                self.leave()?;
            } else {
                let header = self.header()?;
                match header.end {
                    Some(end) => self.at = end,
                    None => self.enter(&header)?,
                }
            }
            if self.depth == floor {
                return Ok(());
            }
        }
    }

    /// Passes over the elements that are left in the surrounding one.
    pub(crate) fn skip_rest(&mut self) -> Result<(), Fault> {
        while self.peek().is_some() {
            self.skip()?;
        }
        Ok(())
    }

    /// The bytes of one whole element, its tag and length included.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8], Fault> {
        let start = self.at;
        self.skip()?;
        Ok(&self.input[start..self.at])
    }

    /// What follows the last element that was read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.input[self.at..]
    }

    fn limit(&self) -> usize {
        self.depth.checked_sub(1).map_or(self.input.len(), |top| self.open[top].limit)
    }

    fn at_end(&self) -> bool {
        match self.depth.checked_sub(1).map(|top| self.open[top]) {
            Some(Frame { marked: true, limit }) => self.input[self.at..limit].starts_with(&[0, 0]),
            _ => self.at >= self.limit(),
        }
    }

    fn enter(&mut self, header: &Header) -> Result<(), Fault> {
        let limit = header.end.unwrap_or(self.limit());
        let frame = self.open.get_mut(self.depth).ok_or(Fault::Malformed)?;
        *frame = Frame { limit, marked: header.end.is_none() };
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Fault> {
        if !self.at_end() {
            // One byte alone may be the first half of an end marker.
            return Err(if self.at + 1 >= self.input.len() { Fault::Truncated } else { Fault::Malformed });
        }
        self.depth -= 1;
        if self.open[self.depth].marked {
            self.at += 2;
        }
        Ok(())
    }

    fn take(&mut self, end: usize) -> &'a [u8] {
        let content = &self.input[self.at..end];
        self.at = end;
        content
    }

    fn header(&mut self) -> Result<Header, Fault> {
        let tag = self.byte()?;
        // Tag zero begins an end marker, and no type that is read here has a tag of more than one byte.
        if tag == 0 || tag & LONG_TAG == LONG_TAG {
            return Err(if self.at >= self.input.len() { Fault::Truncated } else { Fault::Malformed });
        }
        let length = match self.byte()? {
            INDEFINITE if tag & CONSTRUCTED != 0 => return Ok(Header { tag, end: None }),
            INDEFINITE => return Err(Fault::Malformed),
            short @ 0..INDEFINITE => usize::from(short),
            long => self.long_length(long & !INDEFINITE)?,
        };
        match self.at.checked_add(length) {
            Some(end) if end <= self.limit() => Ok(Header { tag, end: Some(end) }),
            Some(end) if end <= self.input.len() => Err(Fault::Malformed),
            _ => Err(Fault::Truncated),
        }
    }

    fn long_length(&mut self, octets: u8) -> Result<usize, Fault> {
        if octets > MAX_LENGTH_OCTETS {
            return Err(Fault::Malformed);
        }
        let mut length: u64 = 0;
        for _ in 0..octets {
            length = length << 8 | u64::from(self.byte()?);
        }
        usize::try_from(length).map_err(|_| Fault::Truncated)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        if self.at < self.limit() {
            self.at += 1;
            Ok(self.input[self.at - 1])
        } else if self.at >= self.input.len() {
            Err(Fault::Truncated)
        } else {
            Err(Fault::Malformed)
        }
    }
}

#[cfg(test)]
mod tests;
