//! Serial numbers as they are compared: Apple, imports, clients and filters spell one with blanks around it and in any
//! case. One function for all of them.

/// By what a device is known: its serial number without blanks around it, in ASCII lower case.
pub fn serial_key(serial: &str) -> String {
    serial.trim().to_ascii_lowercase()
}

/// Whether both name one device.
pub fn is_same_serial(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_the_same_with_blanks_around_it_and_in_any_case() {
        for (spelled, key) in [
            ("ODD00003", "odd00003"),
            (" ODD00003 ", "odd00003"),
            ("odd00003", "odd00003"),
            ("\tOdd00003\r\n", "odd00003"),
            ("\u{a0}ODD00003", "odd00003"),
            ("ODD 00003", "odd 00003"),
            ("\u{c4}1", "\u{c4}1"),
            ("", ""),
            ("  ", ""),
        ] {
            assert_eq!(serial_key(spelled), key, "{spelled:?}");
            assert!(is_same_serial(spelled, key), "{spelled:?}");
        }
        assert!(!is_same_serial("ODD00003", "ODD00004"));
    }
}
