//! What somebody with a copy of a token can do who has no key: put its blocks together in another way.

use super::seal::{Cipher, Parts, random};

/// Where a stolen block is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SplicePoint {
    Front,
    Middle,
    Behind,
}

impl SplicePoint {
    pub(crate) const ALL: [Self; 3] = [Self::Front, Self::Middle, Self::Behind];
}

/// Has the block at `stolen` read at `point`, under a random block of the thief's; the whole token stays beside it.
pub(crate) fn splice(parts: &mut Parts, cipher: Cipher, point: SplicePoint, stolen: usize) {
    let block = cipher.block_len();
    let chosen = random(block);
    let copy = parts.content[stolen * block..(stolen + 1) * block].to_vec();
    match point {
        SplicePoint::Front => {
            parts.content = [&copy, &parts.iv, &parts.content[..]].concat();
            parts.iv = chosen;
        }
        SplicePoint::Middle => {
            insert(parts, parts.content.len() / block / 2 * block, &[chosen, copy].concat())
        }
        SplicePoint::Behind => insert(parts, parts.content.len(), &[chosen, copy].concat()),
    }
}

/// Puts whole blocks into the content.
pub(crate) fn insert(parts: &mut Parts, at: usize, blocks: &[u8]) {
    parts.content = [&parts.content[..at], blocks, &parts.content[at..]].concat();
}
