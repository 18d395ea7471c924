//! The ciphers of a message's content, all of them in CBC mode, and the padding inside. It holds no key, and whether
//! a decryption made sense is for the caller to find out.

#[expect(deprecated, reason = "tools may still write 3DES, and reading it gives nothing away")]
use aws_lc_rs::cipher::DES_EDE3_FOR_LEGACY_USE_ONLY;
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptingKey, DecryptionContext, UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;

/// The longest content key, in bytes.
pub(crate) const MAX_KEY_LEN: usize = 32;

const AES_BLOCK: usize = 16;
const DES_BLOCK: usize = 8;

/// A content cipher. Apple's published sample uses AES-128; the others are what common tools write.
#[derive(Clone, Copy)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
}

/// How much of a decrypted content is text, and whether its padding was right.
pub(super) struct Unpadded {
    pub(super) length: usize,
    pub(super) is_sound: bool,
}

impl Cipher {
    /// The cipher with an object identifier, given as content bytes: RFC 3565 §4.1 and RFC 3370 §5.1.
    pub(super) fn named(identifier: &[u8]) -> Option<Self> {
        match identifier {
            b"\x60\x86\x48\x01\x65\x03\x04\x01\x02" => Some(Self::Aes128),
            b"\x60\x86\x48\x01\x65\x03\x04\x01\x16" => Some(Self::Aes192),
            b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a" => Some(Self::Aes256),
            b"\x2a\x86\x48\x86\xf7\x0d\x03\x07" => Some(Self::TripleDes),
            _ => None,
        }
    }

    /// In bytes, at most [`MAX_KEY_LEN`].
    pub(super) fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    pub(super) fn block_len(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => AES_BLOCK,
            Self::TripleDes => DES_BLOCK,
        }
    }

    /// Decrypts `content` where it lies. Fails when the key or the IV has the wrong length, the content is not made of
    /// whole blocks, or three DES keys are not three different, strong ones.
    pub(super) fn decrypt(self, key: &[u8], iv: &[u8], content: &mut [u8]) -> Result<Unpadded, Unspecified> {
        let context = match self {
            Self::TripleDes => DecryptionContext::Iv64(FixedLength::try_from(iv)?),
            _ => DecryptionContext::Iv128(FixedLength::try_from(iv)?),
        };
        let key = DecryptingKey::cbc(UnboundCipherKey::new(self.algorithm(), key)?)?;
        key.decrypt(content, context)?;
        Ok(unpad(content, self.block_len()))
    }

    #[expect(deprecated, reason = "tools may still write 3DES, and reading it gives nothing away")]
    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Aes128 => &AES_128,
            Self::Aes192 => &AES_192,
            Self::Aes256 => &AES_256,
            Self::TripleDes => &DES_EDE3_FOR_LEGACY_USE_ONLY,
        }
    }
}

/// Looks at the padding (RFC 5652 §6.3) with the same work for every content of one length: wrong padding must not be
/// distinguished from wrong text by a stopwatch. Where it is wrong, the whole content counts as text.
fn unpad(content: &[u8], block: usize) -> Unpadded {
    let padding = content.last().map_or(0, |last| usize::from(*last));
    let mut wrong = u8::from(padding == 0);
    wrong |= u8::from(padding > block);
    wrong |= u8::from(padding > content.len());
    for (back, byte) in content.iter().rev().take(block).enumerate() {
        wrong |= u8::from(back < padding) & u8::from(usize::from(*byte) != padding);
    }
    let is_sound = wrong == 0;
    Unpadded { length: content.len() - if is_sound { padding } else { 0 }, is_sound }
}

#[cfg(test)]
mod tests {
    use super::unpad;

    #[test]
    fn padding_is_counted_only_when_all_of_it_is_right() {
        let cases: &[(&[u8], Option<usize>)] = &[
            (b"abcdefg\x01", Some(7)),
            (b"abcdef\x02\x02", Some(6)),
            (&[8; 8], Some(0)),
            (b"abcdefgh\x08\x08\x08\x08\x08\x08\x08\x08", Some(8)),
            (b"abcdefg\x00", None),
            (b"abcdef\x01\x02", None),
            (b"abcdefg\x09", None),
            (b"abcdefg\xff", None),
            (&[9; 16], None),
            (&[0xff; 8], None),
            (b"\x03\x03", None),
            (b"", None),
        ];
        for (content, expected) in cases {
            let unpadded = unpad(content, 8);
            assert_eq!(unpadded.is_sound.then_some(unpadded.length), *expected, "{content:?}");
            assert!(unpadded.is_sound || unpadded.length == content.len());
        }
    }
}
