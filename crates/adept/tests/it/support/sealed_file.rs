//! A server token's file taken apart as somebody can who has no key, and put together in another way.

use std::ops::Range;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::random::Random;

/// What stands in front of the IV: the object identifier of each cipher.
const CIPHERS: [(&[u8], usize); 3] = [
    (b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02\x04\x10", 16),
    (b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a\x04\x10", 16),
    (b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x07\x04\x08", 8),
];

/// The content of a token's text up to the first secret, as Apple writes it.
pub const KNOWN: &[u8] = b"Content-Type: text/plain;charset=UTF-8\nContent-Transfer-Encoding: 7bit\n\n\
    -----BEGIN MESSAGE-----\n{\"consumer_key\":\"CK_";

/// The file of a token, in its parts.
#[derive(Clone)]
pub struct SealedFile {
    before: Vec<u8>,
    /// The cipher's block, in bytes.
    pub block: usize,
    pub iv: Vec<u8>,
    pub content: Vec<u8>,
    after: Vec<u8>,
}

impl SealedFile {
    /// The parts of a file of Apple's.
    pub fn of(file: &str) -> Self {
        let (_, base64) = file.split_once("\n\n").unwrap();
        let message = BASE64_STANDARD.decode(base64.replace('\n', "")).unwrap();
        let find = |(name, block): &(&[u8], usize)| {
            let at = message.windows(name.len()).position(|part| part == *name)?;
            Some((at + name.len(), *block))
        };
        let (at, block) = CIPHERS.iter().find_map(find).unwrap();
        let (before, rest) = message.split_at(at);
        let (iv, rest) = rest.split_at(block);
        let rest = rest.strip_prefix(b"\xa0\x80\x04\x82").unwrap();
        let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        let (content, after) = rest[2..].split_at(length);
        let (iv, content, after) = (iv.to_vec(), content.to_vec(), after.to_vec());
        Self { before: before.to_vec(), block, iv, content, after }
    }

    /// A file of them.
    pub fn file(&self) -> String {
        let length = u16::try_from(self.content.len()).unwrap().to_be_bytes();
        BASE64_STANDARD.encode(
            [&self.before, &self.iv, &b"\xa0\x80\x04\x82"[..], &length, &self.content, &self.after].concat(),
        )
    }

    /// How many blocks it has.
    pub fn blocks(&self) -> usize {
        self.content.len() / self.block
    }

    /// One of them.
    pub fn nth(&self, index: usize) -> Vec<u8> {
        self.content[index * self.block..][..self.block].to_vec()
    }

    /// What makes the known block at `index` read as blanks where it is read once more.
    pub fn guess(&self, index: usize) -> Option<Vec<u8>> {
        let known = KNOWN.get(index * self.block..(index + 1) * self.block)?;
        let before = if index == 0 { self.iv.clone() } else { self.nth(index - 1) };
        Some(before.iter().zip(known).map(|(before, known)| before ^ known ^ b' ').collect())
    }

    /// `chosen` and the block at `index`, read in front of the whole, in its middle, and behind it.
    pub fn spliced(&self, chosen: &[u8], index: usize) -> [Self; 3] {
        let stolen = self.nth(index);
        let front = Self {
            iv: chosen.to_vec(),
            content: [&stolen, &self.iv, &self.content[..]].concat(),
            ..self.clone()
        };
        let within = |at: usize| {
            let (one, other) = self.content.split_at(at);
            Self { content: [one, chosen, &stolen, other].concat(), ..self.clone() }
        };
        [front, within(self.blocks() / 2 * self.block), within(self.content.len())]
    }

    /// The same with another content key in it, which does not come out of RSA.
    pub fn with_spoiled_key(&self, random: &mut Random) -> Self {
        let mut spoiled = self.clone();
        let length = b"\x04\x82\x01\x00";
        let at = spoiled.before.windows(4).position(|part| part == length).unwrap() + 5;
        spoiled.before[at + random.below(250) as usize] ^= 1 + random.below(255) as u8;
        spoiled
    }

    /// The same with another last byte, which says how long the padding is.
    pub fn with_wrong_padding(&self) -> Self {
        let mut wrong = self.clone();
        let at = wrong.content.len() - self.block - 1;
        wrong.content[at] ^= 0x40;
        wrong
    }

    /// The same with bits of its first block changed, which garbles nothing.
    pub fn with_first_block_changed(&self, from: &[u8], to: &[u8]) -> Self {
        let mut changed = self.clone();
        for ((iv, from), to) in changed.iv.iter_mut().zip(from).zip(to) {
            *iv ^= from ^ to;
        }
        changed
    }

    /// The same without some of its blocks.
    pub fn without(&self, blocks: Range<usize>) -> Self {
        let mut shorter = self.clone();
        shorter.content.drain(blocks.start * self.block..blocks.end * self.block);
        shorter
    }

    /// The same with one bit of a block changed.
    pub fn damaged(&self, index: usize) -> Self {
        let mut damaged = self.clone();
        damaged.content[index * self.block] ^= 1;
        damaged
    }
}
