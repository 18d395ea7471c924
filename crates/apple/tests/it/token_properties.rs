//! What must hold for any bytes whatsoever: an answer, soon, and no panic.

use std::time::{Duration, Instant};

use adept_apple::certificate::Certificate;
use adept_apple::key_pair::PrivateKey;
use adept_apple::token::{SealedToken, ServerToken};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::support::encoding::{Encoding, Text};
use super::support::seal::{PIECES, Shape};
use super::support::{JSON, KEY, open, repository, seal};

/// Far more than any input takes even without optimization on a busy machine, and far less than a quadratic path would.
const SOON: Duration = Duration::from_secs(2);

fn soon<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < SOON, "{what} took {:?}", start.elapsed());
    result
}

#[test]
fn no_part_of_a_token_passes_for_the_whole() {
    for shape in [
        Shape::APPLE,
        Shape::DER,
        Shape { indefinite: u16::MAX, pieces: PIECES[2], others: 3, ..Shape::APPLE },
    ] {
        let message = seal(&Text::APPLE.of(JSON), &shape);
        for length in 0..message.len() {
            assert!(
                SealedToken::read(&message[..length]).is_err(),
                "{length} of {} bytes of {shape:?}",
                message.len()
            );
        }
    }
}

#[test]
fn no_part_of_a_file_passes_for_the_whole() {
    let message = seal(&Text::APPLE.of(JSON), &Shape::APPLE);
    for encoding in
        [Encoding::File, Encoding::Base64Message, Encoding::Base64MessageUrlSafe, Encoding::PemCms]
    {
        let file = encoding.of(&message);
        // Padding and line ends carry nothing; without them the message is still whole.
        let is_packaging = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'=';
        let whole = file.len() - file.iter().rev().take_while(|byte| is_packaging(byte)).count();
        for length in 0..whole {
            assert!(
                SealedToken::read(&file[..length]).is_err(),
                "{length} of {} bytes of {encoding:?}",
                file.len()
            );
        }
    }
    let file = Encoding::Base64File.of(&message);
    for length in 0..file.len() - 8 {
        assert!(SealedToken::read(&file[..length]).is_err(), "{length} of {} bytes", file.len());
    }
}

#[test]
fn the_worst_inputs_of_the_largest_size_are_answered_soon() {
    let units: &[&[u8]] = &[
        b"\x30\x80",
        b"\x24\x80\x04\x00\x00\x00",
        b"\x30\x82\xff\xff",
        b"0",
        b"A",
        b"=",
        b"-",
        b"\n",
        b"\r\n",
        b" ",
        b":",
        b"A:\n",
        b"A:",
        b"-----BEGIN ",
        b"-----BEGIN CMS-----\n",
        b"-----BEGIN CMS-----\n-----END CM",
        b"-----END CMS-----",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"{",
        b"MIAG",
        b"MIAGCSqGSIb3DQEHA6CA",
        b"\0",
    ];
    for unit in units {
        for size in [64 * 1024, 256 * 1024] {
            let input = unit.repeat(size / unit.len());
            let _ = soon(&format!("{size} bytes of {unit:?}"), || SealedToken::read(&input).err());
            let input = [b"-----BEGIN CMS-----\n", &input[..input.len() - 100]].concat();
            let _ = soon(&format!("PEM with {unit:?}"), || SealedToken::read(&input).err());
        }
    }
    let text = " ".repeat(100) + JSON;
    let tiny = Shape { pieces: PIECES[2], indefinite: u16::MAX, ..Shape::APPLE };
    let message = seal(&[b" \n".repeat(16_000), text.into_bytes()].concat(), &tiny);
    assert!(soon("many small pieces", || open(&message)).is_ok());
}

/// A valid message, for mutations to begin with.
fn message() -> impl Strategy<Value = Vec<u8>> {
    (any::<u16>(), select(&PIECES[..]), 0..3_usize).prop_map(|(indefinite, pieces, others)| {
        seal(&Text::APPLE.of(JSON), &Shape { indefinite, pieces, others, ..Shape::APPLE })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let _ = soon("reading", || open(&bytes).err());
        for start in [&b"\x30\x80"[..], b"\x30\x82\x05\x00", b"Content-Type: x\n\n", b"-----BEGIN CMS-----\n", b"MIAG"] {
            let _ = soon("reading", || open(&[start, &bytes].concat()).err());
        }
        let _ = ServerToken::from_json(&bytes).err();
        let _ = Certificate::from_der(&bytes);
        let _ = PrivateKey::from_pkcs8_der(&bytes).err();
    }

    #[test]
    fn any_text_is_answered(text in "(\\PC|[\r\n]|-----(BEGIN|END) (CMS|PKCS7|CERTIFICATE|PRIVATE KEY)-----){0,60}") {
        let _ = soon("reading", || open(text.as_bytes()).err());
        let _ = Certificate::from_pem(&text);
        let _ = PrivateKey::from_pem(&text).err();
    }

    #[test]
    fn a_mutated_token_is_answered(
        mut message in message(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        encoding in select(&Encoding::ALL[..]),
    ) {
        for (at, byte) in changes {
            let at = at.index(message.len());
            message[at] = byte;
        }
        let _ = soon("opening", || open(&encoding.of(&message)).err());
    }

    #[test]
    fn a_mutated_file_is_answered(
        message in message(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<(Index, Index)>(),
        encoding in select(&Encoding::ALL[..]),
    ) {
        let mut file = encoding.of(&message);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let (from, to) = (cut.0.index(file.len()), cut.1.index(file.len()));
        let _ = soon("opening", || open(&file).err());
        let _ = soon("opening", || open(&file[from.min(to)..from.max(to)]).err());
        file.drain(from.min(to)..from.max(to));
        let _ = soon("opening", || open(&file).err());
    }

    #[test]
    fn a_mutated_sample_names_somebody_or_nobody(changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4)) {
        let mut sample = std::fs::read(repository("fixtures/tokens/apple-documentation-sample.p7m")).unwrap();
        for (at, byte) in changes {
            let at = at.index(sample.len());
            sample[at] = byte;
        }
        if let Ok(sealed) = SealedToken::read(&sample) {
            for recipient in sealed.recipients() {
                prop_assert!(recipient.to_string().len() < 500);
            }
        }
    }

    #[test]
    fn a_mutated_certificate_is_answered(changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4)) {
        let mut der = KEY.certificate.der().to_vec();
        for (at, byte) in changes {
            let at = at.index(der.len());
            der[at] = byte;
        }
        if let Ok(certificate) = Certificate::from_der(&der) {
            prop_assert!(certificate.id().to_string().len() < 500);
        }
    }
}
