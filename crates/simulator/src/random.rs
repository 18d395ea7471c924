//! Identities and secrets that no two simulators should share. Devices are not made here: they follow the seed.

use aws_lc_rs::rand;

/// Random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "without randomness there is no secret to hand out and no way to go on"
    )]
    rand::fill(&mut bytes).expect("the system's random source answers");
    bytes
}

/// `N` random bytes as lower-case hex digits.
pub(crate) fn hex<const N: usize>() -> String {
    encode(&bytes::<N>(), b"0123456789abcdef")
}

/// `N` random bytes as upper-case hex digits.
pub(crate) fn upper_hex<const N: usize>() -> String {
    encode(&bytes::<N>(), b"0123456789ABCDEF")
}

/// `N` random decimal digits, the first of them not zero.
pub(crate) fn digits<const N: usize>() -> String {
    let bytes = bytes::<N>();
    let digit =
        |(at, byte): (usize, &u8)| char::from(if at == 0 { b'1' + byte % 9 } else { b'0' + byte % 10 });
    bytes.iter().enumerate().map(digit).collect()
}

fn encode(bytes: &[u8], alphabet: &[u8; 16]) -> String {
    let digit = |nibble: u8| char::from(alphabet[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
