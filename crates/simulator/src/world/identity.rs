//! What the seed decides about a device: a pure function of the seed and the device's number. Serial numbers never
//! repeat within a world; hardware addresses and IMEIs do not either within the first sixteen million devices.

use std::io::Write;

use super::catalog::{self, Model};
use super::record::Serial;

/// Serial numbers leave out I and O.
const ALPHABET: &[u8; 34] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Five characters of the alphabet.
const SERIALS: u64 = 34_u64.pow(5);
/// Shares no factor with `SERIALS` (2^5 * 17^5), so multiplying by it visits every serial number once.
const STRIDE: u64 = 27_644_437;
/// Plants and the first characters that they put on serial numbers.
const PLANTS: [&str; 8] = ["C02", "F2L", "DMP", "GG7", "J9X", "FVF", "H4T", "DNP"];

/// Devices that one world can make from its seed.
pub(crate) const MOST: u32 = SERIALS as u32;

/// A device as the seed has it.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    number: u32,
    hash: u64,
    position: usize,
    pub(crate) model: &'static Model,
}

impl Identity {
    pub(crate) fn new(seed: u64, number: u32) -> Identity {
        let hash = mix(seed ^ mix(u64::from(number)));
        let (position, model) = catalog::pick(hash >> 8);
        Identity { number, hash, position, model }
    }

    pub(crate) fn serial(&self, seed: u64) -> Option<Serial> {
        let mut left = (u64::from(self.number) * STRIDE + mix(seed) % SERIALS) % SERIALS;
        let mut text = String::with_capacity(12);
        text.push_str(PLANTS[(self.hash >> 60) as usize % PLANTS.len()]);
        for _ in 0..5 {
            text.push(char::from(ALPHABET[(left % 34) as usize]));
            left /= 34;
        }
        text.push_str(self.model.code);
        Serial::new(&text)
    }

    /// About one device in eight carries an asset tag.
    pub(crate) fn has_asset_tag(&self) -> bool {
        self.hash & 7 == 0
    }

    pub(crate) fn asset_tag(&self, out: &mut Vec<u8>) {
        put(out, format_args!("AT-{:07}", self.number));
    }

    /// A hardware address of the `interface`: 0 Wi-Fi, 1 Bluetooth, 2 Ethernet.
    pub(crate) fn address(&self, interface: u8, out: &mut Vec<u8>) {
        const MAKERS: [&str; 3] = ["F0:18:98", "BC:D0:74", "A4:83:E7"];
        let low = u64::from(self.number) * 10_368_889 % (1 << 24);
        let maker = MAKERS[usize::from(interface) % MAKERS.len()];
        put(out, format_args!("{maker}:{:02X}:{:02X}:{:02X}", low >> 16, low >> 8 & 255, low & 255));
    }

    /// The IMEI of a slot, 0 or 1: fifteen digits, the last of them Luhn's check digit.
    pub(crate) fn imei(&self, slot: u8, out: &mut Vec<u8>) {
        let start = out.len();
        self.meid(slot, out);
        let sum: u32 = out[start..]
            .iter()
            .enumerate()
            .map(|(at, digit)| {
                let value = u32::from(digit - b'0') << (at % 2);
                value / 10 + value % 10
            })
            .sum();
        out.push(b'0' + ((10 - sum % 10) % 10) as u8);
    }

    /// The first fourteen digits of the IMEI, which Apple gives as MEID.
    pub(crate) fn meid(&self, slot: u8, out: &mut Vec<u8>) {
        let type_code =
            35_100_000 + self.position as u32 * 200 + u32::from(slot) * 100 + self.number / 1_000_000;
        put(out, format_args!("{type_code:08}{:06}", self.number % 1_000_000));
    }

    /// The eSIM's id: 32 digits that begin with the issuer number used by Apple's suppliers.
    pub(crate) fn eid(&self, out: &mut Vec<u8>) {
        put(out, format_args!("8904903200{:012}{:010}", self.hash % 1_000_000_000_000, self.number));
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing into memory cannot fail.
    let _ = out.write_fmt(text);
}

/// The finalizer of SplitMix64: every bit of the input moves every bit of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn serials_have_twelve_characters_and_never_repeat() {
        let mut seen = HashSet::new();
        for number in (0..100_000).chain(MOST - 1000..MOST) {
            let serial = Identity::new(1, number).serial(1).unwrap();
            assert_eq!(serial.as_str().len(), 12);
            assert!(seen.insert(serial), "{}", serial.as_str());
        }
    }

    #[test]
    fn an_imei_ends_with_its_check_digit() {
        for number in [0, 1, 77, 999_999, 1_000_000, 40_000_000] {
            let mut imei = Vec::new();
            Identity::new(3, number).imei(1, &mut imei);
            assert_eq!(imei.len(), 15);
            let sum: u32 = imei
                .iter()
                .rev()
                .enumerate()
                .map(|(at, digit)| {
                    let value = u32::from(digit - b'0') * (1 + at as u32 % 2);
                    if value > 9 { value - 9 } else { value }
                })
                .sum();
            assert_eq!(sum % 10, 0);
        }
    }
}
