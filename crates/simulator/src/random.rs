//! Identities and secrets. By default no two simulators share any; a repeatable one derives them all from its seed.
//! Devices are not made here: they always follow the seed.

use std::collections::BTreeMap;

use aws_lc_rs::{hmac, rand};

/// Where identities and secrets come from.
pub(crate) enum Source {
    /// The system's randomness.
    System,
    /// A key made of the seed, and how many blocks each purpose has used. A purpose of its own for each kind of
    /// thing keeps one kind from shifting another.
    Seed { key: Box<hmac::Key>, used: BTreeMap<&'static str, u64> },
}

impl Source {
    /// A source that gives the same for the same seed and the same order of questions.
    pub(crate) fn seeded(seed: u64) -> Source {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &seed.to_be_bytes());
        Source::Seed { key: Box::new(key), used: BTreeMap::new() }
    }

    /// Bytes for a purpose.
    pub(crate) fn bytes<const N: usize>(&mut self, purpose: &'static str) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Source::System => {
                #[expect(
                    clippy::expect_used,
                    reason = "without randomness there is no secret to hand out and no way to go on"
                )]
                rand::fill(&mut bytes).expect("the system's random source answers");
            }
            Source::Seed { key, used } => {
                let used = used.entry(purpose).or_default();
                for part in bytes.chunks_mut(32) {
                    *used += 1;
                    let block = hmac::sign(key, format!("{purpose} {used}").as_bytes());
                    part.copy_from_slice(&block.as_ref()[..part.len()]);
                }
            }
        }
        bytes
    }

    /// `N` bytes as lower-case hex digits.
    pub(crate) fn hex<const N: usize>(&mut self, purpose: &'static str) -> String {
        encode(&self.bytes::<N>(purpose), b"0123456789abcdef")
    }

    /// `N` bytes as upper-case hex digits.
    pub(crate) fn upper_hex<const N: usize>(&mut self, purpose: &'static str) -> String {
        encode(&self.bytes::<N>(purpose), b"0123456789ABCDEF")
    }

    /// `N` decimal digits, the first of them not zero.
    pub(crate) fn digits<const N: usize>(&mut self, purpose: &'static str) -> String {
        let bytes = self.bytes::<N>(purpose);
        let digit =
            |(at, byte): (usize, &u8)| char::from(if at == 0 { b'1' + byte % 9 } else { b'0' + byte % 10 });
        bytes.iter().enumerate().map(digit).collect()
    }
}

fn encode(bytes: &[u8], alphabet: &[u8; 16]) -> String {
    let digit = |nibble: u8| char::from(alphabet[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_purposes_do_not_disturb_each_other() {
        let (mut first, mut second) = (Source::seeded(7), Source::seeded(7));
        let session = first.bytes::<64>("session");
        second.hex::<20>("secret");
        assert_eq!(second.bytes::<64>("session"), session);
        assert_ne!(first.bytes::<64>("session"), session);
        assert_ne!(Source::seeded(8).bytes::<64>("session"), session);
        assert_ne!(Source::System.bytes::<64>("session"), Source::System.bytes::<64>("session"));
    }
}
