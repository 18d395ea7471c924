//! The files that fuzzing starts from, opened as the fuzz target opens them, so that they stay what they claim to be.

use std::fs;

use super::support::encoding::{Encoding, Text};
use super::support::seal::{CIPHERS, Cipher, PIECES, Recipient, Shape, TRANSPORTS, assemble, parts};
use super::support::splice::{SplicePoint, splice};
use super::support::{JSON, KEY, open, repository, seal, token};

const SEEDS: &str = "fuzz/seeds/open_token";

#[test]
fn every_seed_is_answered_and_the_valid_ones_open() {
    let mut valid = 0;
    for file in fs::read_dir(repository(SEEDS)).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let opened = open(&fs::read(&path).unwrap());
        if name.starts_with("valid-") {
            assert!(opened.is_ok_and(|opened| opened == token()), "{name}");
            valid += 1;
        } else {
            assert!(opened.is_err(), "{name}");
        }
    }
    assert!(valid >= 20, "{valid} valid seeds");
}

/// With `ADEPT_WRITE_SEEDS=1` in the environment this writes them again; the random parts of a token change each time.
#[test]
fn every_shape_has_a_seed() {
    let writes = std::env::var_os("ADEPT_WRITE_SEEDS").is_some();
    let seeds = seeds();
    for (name, bytes) in &seeds {
        let path = repository(SEEDS).join(name);
        if writes {
            fs::write(&path, bytes).unwrap();
        }
        assert!(path.exists(), "no seed {name}: run this test with ADEPT_WRITE_SEEDS=1");
    }
    let files = fs::read_dir(repository(SEEDS)).unwrap().count();
    assert_eq!(files, seeds.len(), "files in {SEEDS} that no shape stands for");
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let mut seed = |name: &str, bytes: &[u8]| seeds.push((name.to_owned(), bytes.to_vec()));
    let text = Text::APPLE.of(JSON);

    for encoding in Encoding::ALL {
        seed(&format!("valid-{encoding:?}"), &encoding.of(&seal(&text, &Shape::APPLE)));
    }
    for (at, cipher) in CIPHERS.into_iter().enumerate() {
        for (transport, recipient) in
            [(TRANSPORTS[at], Recipient::IssuerAndSerial), (TRANSPORTS[at + 4], Recipient::SubjectKeyId)]
        {
            let shape = Shape { cipher, transport, recipient, others: at, ..Shape::DER };
            seed(&format!("valid-{cipher:?}-{transport:?}-{recipient:?}"), &seal(&text, &shape));
        }
    }
    for pieces in PIECES {
        let name = format!("{pieces:?}").replace(['(', ')'], "");
        seed(
            &format!("valid-indefinite-{name}"),
            &seal(&text, &Shape { pieces, indefinite: u16::MAX, ..Shape::APPLE }),
        );
    }
    seed("valid-text-bare", &seal(JSON.as_bytes(), &Shape::APPLE));
    seed(
        "valid-text-without-fields",
        &seal(&Text { has_headers: false, ..Text::APPLE }.of(JSON), &Shape::APPLE),
    );
    seed(
        "valid-text-without-markers",
        &seal(&Text { has_markers: false, ..Text::APPLE }.of(JSON), &Shape::APPLE),
    );
    for cipher in [Cipher::Aes128, Cipher::TripleDes] {
        for point in SplicePoint::ALL {
            let shape = Shape { cipher, ..Shape::APPLE };
            let mut parts = parts(&text, &shape, &KEY);
            splice(&mut parts, cipher, point, 7);
            seed(&format!("refused-spliced-{point:?}-{cipher:?}"), &assemble(&parts, &shape));
        }
    }
    seed("refused-text", &seal(b"hello", &Shape::APPLE));
    seed("refused-half", &seal(&text, &Shape::APPLE)[..600]);
    seed("refused-nested", &b"\x30\x80".repeat(300));
    seed("refused-certificate", KEY.certificate.pem().as_bytes());
    let sample = fs::read(repository("fixtures/tokens/apple-documentation-sample.p7m")).unwrap();
    seed("refused-apple-documentation-sample", &sample);
    seeds
}
