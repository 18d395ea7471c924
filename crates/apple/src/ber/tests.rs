//! The reader on small inputs. Whole messages are in `tests/it`.

use super::*;

fn octets(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    Reader::new(bytes).octets(OCTET_STRING)
}

#[test]
fn lengths_are_read_in_every_form() {
    assert_eq!(octets(b"\x04\x02ab").unwrap(), b"ab");
    assert_eq!(octets(b"\x04\x81\x02ab").unwrap(), b"ab");
    assert_eq!(octets(b"\x04\x88\0\0\0\0\0\0\0\x02ab").unwrap(), b"ab");
    assert_eq!(octets(b"\x24\x04\x04\x02ab").unwrap(), b"ab");
    assert_eq!(octets(b"\x24\x80\x04\x02ab\0\0").unwrap(), b"ab");
    assert_eq!(octets(b"\x24\x80\x24\x80\x04\x01a\x24\x03\x04\x01b\0\0\x04\0\x04\x01c\0\0").unwrap(), b"abc");
}

#[test]
fn wrong_lengths_are_faults() {
    let cases: &[(&[u8], Fault)] = &[
        (b"", Fault::Truncated),
        (b"\x04", Fault::Truncated),
        (b"\x04\x02a", Fault::Truncated),
        (b"\x04\x82\x01", Fault::Truncated),
        (b"\x04\x88\xff\xff\xff\xff\xff\xff\xff\xff", Fault::Truncated),
        (b"\x24\x80\x04\x01a", Fault::Truncated),
        (b"\x24\x80\x04\x01a\0", Fault::Truncated),
        (b"\x04\x80a\0\0", Fault::Malformed),
        (b"\x04\xff", Fault::Malformed),
        (b"\x04\x89\0\0\0\0\0\0\0\0\x01a", Fault::Malformed),
        (b"\x24\x03\x04\x02ab", Fault::Malformed),
        (b"\x24\x80\0\x01", Fault::Malformed),
        (b"\x24\x80\x02\x01a\0\0", Fault::Malformed),
        (b"\x02\x01a", Fault::Malformed),
        (b"\0\0", Fault::Malformed),
    ];
    for (bytes, fault) in cases {
        assert_eq!(octets(bytes).unwrap_err(), *fault, "{bytes:x?}");
    }
}

#[test]
fn an_element_must_be_used_up() {
    let read = |bytes| Reader::new(bytes).within(SEQUENCE, |reader| reader.primitive(INTEGER));
    assert_eq!(read(b"\x30\x03\x02\x01\x07").unwrap(), [7]);
    assert_eq!(read(b"\x30\x80\x02\x01\x07\0\0").unwrap(), [7]);
    assert_eq!(read(b"\x30\x06\x02\x01\x07\x02\x01\x08").unwrap_err(), Fault::Malformed);
    assert_eq!(read(b"\x30\x80\x02\x01\x07\x02\x01\x08\0\0").unwrap_err(), Fault::Malformed);
    assert_eq!(read(b"\x30\x02\x02\x01\x07").unwrap_err(), Fault::Malformed);
}

#[test]
fn an_element_of_any_shape_is_passed_over_and_kept_as_it_was() {
    for element in [
        &b"\x30\x03\x02\x01\x07"[..],
        b"\x30\x80\x02\x01\x07\0\0",
        b"\xa0\x80\x30\x80\0\0\x30\x02\xff\xff\0\0",
    ] {
        let followed = [element, b"\x02\x01\x09"].concat();
        let mut reader = Reader::new(&followed);
        assert_eq!(reader.raw().unwrap(), element);
        assert_eq!(reader.primitive(INTEGER).unwrap(), [9]);
        assert!(reader.rest().is_empty());
    }
}

#[test]
fn nesting_is_bounded() {
    let nested =
        |depth: usize| [&b"\x24\x80".repeat(depth)[..], b"\x04\x01a", &b"\0\0".repeat(depth)].concat();
    assert_eq!(octets(&nested(MAX_DEPTH)).unwrap(), b"a");
    assert_eq!(octets(&nested(MAX_DEPTH + 1)).unwrap_err(), Fault::Malformed);
    assert_eq!(Reader::new(&nested(MAX_DEPTH + 1)).skip().unwrap_err(), Fault::Malformed);
    assert_eq!(octets(&nested(30_000)).unwrap_err(), Fault::Malformed);
}
