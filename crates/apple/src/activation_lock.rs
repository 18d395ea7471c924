//! Activation lock: the code that opens a locked device, and what Apple says to locking one. The caller that makes a code keeps
//! it sealed: without it, only the person who created the server at Apple can open the device.

use std::num::NonZeroU32;

use aws_lc_rs::{pbkdf2, rand};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::secret::Secret;

/// Ten digits and the letters that are not mistaken for one (Apple's page "Creating and Using Bypass Codes").
const ALPHABET: &[u8; 32] = b"0123456789ACDEFGHJKLMNPQRTUVWXYZ";

/// Letters before each dash of the written code, of which the last group has none.
const GROUPS: [usize; 6] = [5, 5, 4, 4, 4, 4];

const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(49_999);
const SALT: [u8; 4] = [0; 4];

/// 128 random bits that open a locked device. No `Debug`, and no way to Apple: Apple is sent [`BypassCode::escrow_key`].
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct BypassCode([u8; 16]);

/// Why a text is no bypass code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bypass code has 26 digits and letters, usually in groups of 5-5-4-4-4-4")]
pub struct NoBypassCode;

/// The system gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes to make a bypass code of")]
pub struct NoRandomness;

impl BypassCode {
    /// A new code.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut bits = [0; 16];
        rand::fill(&mut bits).map_err(|_| NoRandomness)?;
        Ok(Self(bits))
    }

    /// Takes bits that were kept.
    #[must_use]
    pub const fn from_bits(bits: [u8; 16]) -> Self {
        Self(bits)
    }

    /// The bits, to be kept sealed.
    #[must_use]
    pub const fn bits(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads a written code; dashes, spaces and case do not matter.
    ///
    /// # Errors
    /// Other than 26 letters of a code's alphabet, or one that no bits stand for.
    pub fn read(text: &str) -> Result<Self, NoBypassCode> {
        let letters = text.bytes().filter(|byte| *byte != b'-' && !byte.is_ascii_whitespace());
        let (mut bits, mut length) = (0_u128, 0);
        for letter in letters {
            let letter = letter.to_ascii_uppercase();
            let value = ALPHABET.iter().position(|known| *known == letter).ok_or(NoBypassCode)?;
            length += 1;
            // 25 letters of five bits, and the last three bits in the last one.
            let width = if length == 26 { 3 } else { 5 };
            if length > 26 || value >> width != 0 {
                return Err(NoBypassCode);
            }
            bits = bits << width | value as u128;
        }
        if length == 26 { Ok(Self(bits.to_be_bytes())) } else { Err(NoBypassCode) }
    }

    /// The code as people type it: `XXXXX-XXXXX-XXXX-XXXX-XXXX-XXXX`.
    #[must_use]
    pub fn written(&self) -> Secret {
        let bits = u128::from_be_bytes(self.0);
        let shifts = (0..25).map(|place| (123 - 5 * place, 31)).chain([(0, 7)]);
        let mut letters = shifts.map(|(shift, mask)| ALPHABET[(bits >> shift) as usize & mask] as char);
        let groups = GROUPS.map(|length| letters.by_ref().take(length).collect::<String>());
        Secret::new(groups.join("-"))
    }

    /// What Apple is sent instead of the code: PBKDF2-HMAC-SHA256 of its bits in lower-case hex. Takes 50,000 rounds, so
    /// some 20 ms of CPU: call it on a thread that may block.
    #[must_use]
    pub fn escrow_key(&self) -> EscrowKey {
        let mut key = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, &SALT, &self.0, &mut key);
        let text = key.iter().map(|byte| format!("{byte:02x}")).collect();
        key.zeroize();
        EscrowKey(Secret::new(text))
    }
}

/// The key that Apple compares a typed code with: 64 lower-case hex digits.
#[derive(Clone, PartialEq, Eq)]
pub struct EscrowKey(Secret);

impl EscrowKey {
    /// The text that is sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    pub(crate) const fn secret(&self) -> &Secret {
        &self.0
    }
}

/// What Apple says to locking a device. Source of the words: Apple's page "Activation Lock a Device".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockStatus {
    /// Locked.
    Success,
    /// Not a device of this server.
    NotAccessible,
    /// The organisation is not in the programme that this needs.
    OrgNotSupported,
    /// Devices of this kind cannot be locked.
    DeviceNotSupported,
    /// It was locked before; the key that was sent now opens nothing.
    DeviceAlreadyLocked,
    /// Apple does not say why.
    Failed,
    /// A word that is newer than this library, as Apple spelt it.
    Other(String),
}

impl LockStatus {
    /// Apple's word, read without regard to case.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let text = text.trim();
        [
            Self::Success,
            Self::NotAccessible,
            Self::OrgNotSupported,
            Self::DeviceNotSupported,
            Self::DeviceAlreadyLocked,
            Self::Failed,
        ]
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(text))
        .unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// Apple's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "SUCCESS",
            Self::NotAccessible => "NOT_ACCESSIBLE",
            Self::OrgNotSupported => "ORG_NOT_SUPPORTED",
            Self::DeviceNotSupported => "DEVICE_NOT_SUPPORTED",
            Self::DeviceAlreadyLocked => "DEVICE_ALREADY_LOCKED",
            Self::Failed => "FAILED",
            Self::Other(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits, code and key; the key was computed by Python's hashlib.
    const CODES: [([u8; 16], &str, &str); 4] = [
        (
            [0; 16],
            "00000-00000-0000-0000-0000-0000",
            "deab860d28deb5b7121d6d8fcf0f78e1471756d1b2c566c03277c23ea8930b4f",
        ),
        (
            [0xff; 16],
            "ZZZZZ-ZZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZ7",
            "ed6cfc1588b175d652d1dd6705ba7fec058b5c76facdd8ff41285ca0d341bd25",
        ),
        (
            0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes(),
            "000H4-0R40M-30F2-0918-5HR3-8F17",
            "c5ced1d0c51459c1a887866a5868dd3e9e6f4fc4a8c244f3f9eb9383c0f8aecb",
        ),
        (
            0xf0e1_d2c3_b4a5_9687_7869_5a4b_3c2d_1e0f_u128.to_be_bytes(),
            "Y3HX5-HXMMP-C8FY-39C9-5LRC-8Y17",
            "781d13100525787ec848586bb1796fd83c29bad2d7d61ca4ea2146c9a93a0d9e",
        ),
    ];

    #[test]
    fn a_code_is_written_read_and_derived_as_others_do() {
        for (bits, code, key) in CODES {
            let bypass = BypassCode::from_bits(bits);
            assert_eq!(bypass.written().expose(), code);
            assert_eq!(bypass.escrow_key().expose(), key);
            assert!(BypassCode::read(code) == Ok(bypass.clone()));
            assert!(BypassCode::read(&code.to_lowercase().replace('-', " ")) == Ok(bypass));
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "",
            "00000",
            "00000-00000-0000-0000-0000-000",
            "00000-00000-0000-0000-0000-00000",
            "00000-00000-0000-0000-0000-0008",
            "B0000-00000-0000-0000-0000-0000",
            "00000-00000-0000-0000-0000-000é",
        ] {
            assert!(BypassCode::read(text) == Err(NoBypassCode), "{text}");
        }
    }

    #[test]
    fn two_codes_are_never_the_same_and_each_is_read_back() {
        let codes = [(); 100].map(|()| BypassCode::generate().unwrap());
        for (nth, code) in codes.iter().enumerate() {
            assert!(BypassCode::read(code.written().expose()).as_ref() == Ok(code));
            assert!(codes[..nth].iter().all(|other| other != code));
        }
    }
}
