//! Every shape that a token may have opens to the same credentials.

use adept_apple::certificate::RecipientId;
use adept_apple::token::{SealedToken, ServerToken};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use proptest::sample::select;

use super::support::encoding::{Encoding, Text};
use super::support::seal::{
    CIPHERS, PIECES, RECIPIENTS, Recipient, Shape, TRANSPORTS, assemble_with, parts, recipient_info,
};
use super::support::{JSON, KEY, open, seal, token};

fn assert_opens(input: &[u8], what: &dyn std::fmt::Debug) {
    match open(input) {
        Ok(opened) => assert!(opened == token(), "another token came out of {what:?}"),
        Err(error) => panic!("{error} ({what:?})"),
    }
}

#[test]
fn every_cipher_with_every_key_transport_and_recipient_opens() {
    for cipher in CIPHERS {
        for transport in TRANSPORTS {
            for recipient in RECIPIENTS {
                let shape = Shape { cipher, transport, recipient, ..Shape::APPLE };
                assert_opens(&seal(&Text::APPLE.of(JSON), &shape), &shape);
            }
        }
    }
}

#[test]
fn every_encoding_of_every_kind_of_message_opens() {
    for shape in [Shape::APPLE, Shape::DER] {
        let message = seal(&Text::APPLE.of(JSON), &shape);
        for encoding in Encoding::ALL {
            assert_opens(&encoding.of(&message), &(encoding, &shape));
        }
    }
}

#[test]
fn every_text_opens() {
    for has_headers in [true, false] {
        for has_markers in [true, false] {
            for line_end in ["\n", "\r\n", "\r"] {
                for width in [1, 2, 76, 10_000] {
                    let text = Text { has_headers, has_markers, line_end, width };
                    assert_opens(&seal(&text.of(JSON), &Shape::DER), &text);
                }
            }
        }
    }
    assert_opens(&seal(JSON.replace(',', ",\r\n    ").as_bytes(), &Shape::DER), &"indented");
    assert_opens(
        &seal(JSON.replace("{", r#"{"org_name":"\u00c4","more":[{}],"#).as_bytes(), &Shape::DER),
        &"more members",
    );
    assert_opens(&seal(JSON.replace("CK_", r"\u0043K_").as_bytes(), &Shape::DER), &"escapes");
}

#[test]
fn a_message_of_the_largest_size_opens_in_every_encoding() {
    let padding = " ".repeat(62_000);
    let shape = Shape { pieces: PIECES[1], ..Shape::APPLE };
    let message = seal(format!("{padding}{JSON}").as_bytes(), &shape);
    assert!((63_000..=64 * 1024).contains(&message.len()), "{}", message.len());
    for encoding in Encoding::ALL {
        assert_opens(&encoding.of(&message), &encoding);
    }
}

#[test]
fn one_of_several_recipients_suffices_and_all_are_named() {
    for others in [1, 2, 7, 30] {
        let shape = Shape { others, ..Shape::APPLE };
        let message = seal(&Text::APPLE.of(JSON), &shape);
        assert_opens(&message, &shape);
        // Every second one of the others is a password, which names nobody.
        assert_eq!(SealedToken::read(&message).unwrap().recipients().len(), others.div_ceil(2) + 1);
    }
}

#[test]
fn a_recipient_may_be_named_twice() {
    let shape = Shape { recipient: Recipient::SubjectKeyId, ..Shape::APPLE };
    let parts = parts(&Text::APPLE.of(JSON), &shape, &KEY);
    let ours = recipient_info(&parts, &shape);
    let message = assemble_with(&[ours.clone(), ours], &parts, &shape);
    assert_opens(&message, &shape);
    let id = KEY.id().subject_key_id.unwrap();
    let named = RecipientId::SubjectKeyId(id);
    assert_eq!(SealedToken::read(&message).unwrap().recipients(), [named.clone(), named]);
}

/// What forms, shells and spreadsheets make of a file's text.
#[test]
fn what_programs_put_around_a_text_is_taken_off() {
    let message = seal(&Text::APPLE.of(JSON), &Shape::APPLE);
    let file = String::from_utf8(Encoding::File.of(&message)).unwrap();
    let base64 = STANDARD.encode(&message);
    let pem = super::support::pem("PKCS7", &message);
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let escaped = |text: &str, end: &str| text.replace("\r\n", "\n").replace('\n', end);
    for (text, what) in [
        (format!("\"{file}\""), "double quotes"),
        (format!("'{base64}'"), "single quotes"),
        (format!("  \"{pem}\"\r\n"), "quotes and space"),
        (format!("data:application/pkcs7-mime;base64,{base64}"), "a data URL"),
        (format!("data:;base64,{}", STANDARD.encode(&file)), "a data URL of the file"),
        (escaped(&file, "\\n"), "escaped line ends"),
        (escaped(&file, "\\r\\n"), "escaped line ends of Windows"),
        (escaped(&pem, "\\n"), "escaped line ends of PEM"),
        (format!("\"{}\"", escaped(&file, "\\r\\n")), "a JSON text"),
        (joined(&file), "lines joined"),
        (joined(&pem), "lines of PEM joined"),
        (format!("{file}\u{1a}"), "Ctrl-Z"),
        (format!("{base64}\0\0"), "NUL"),
        (format!("{file}\r\n\u{1a}\0"), "both"),
        (STANDARD.encode(format!("{file}\0")), "NUL in base64"),
        (format!("{}\0", STANDARD.encode(&file)), "NUL behind base64 of the file"),
        (format!("X-Saved-By: a program\r\n\r\n{file}"), "a header block before the file's own"),
    ] {
        assert_opens(text.as_bytes(), &what);
    }
}

#[test]
fn a_recipient_may_be_named_by_any_digest_of_its_key() {
    let digests = KEY.id().key_digests;
    let lengths: Vec<_> = digests.iter().map(Vec::len).collect();
    assert_eq!(lengths, [20, 8, 20, 20, 20, 32]);
    assert_eq!(digests[1][0] >> 4, 0b0100);
    for digest in digests {
        let id = adept_apple::certificate::CertificateId { subject_key_id: Some(digest), ..KEY.id() };
        let shape = Shape { recipient: Recipient::SubjectKeyId, ..Shape::APPLE };
        let mut parts = parts(&Text::APPLE.of(JSON), &shape, &KEY);
        parts.recipient = super::support::seal::recipient(&id, &shape);
        let message = super::support::seal::assemble(&parts, &shape);
        assert_opens(&message, &id);
    }
}

#[test]
fn a_token_survives_its_own_json() {
    let json = token().to_json();
    assert!(ServerToken::from_json(&json).unwrap() == token());
    assert_eq!(std::str::from_utf8(&json).unwrap(), JSON);
}

#[test]
fn json_of_a_token_is_written_where_it_stays_so_that_no_copy_of_a_secret_is_left_behind() {
    for (text, length) in [("a", 0), ("a", 1), ("\"", 1000), ("\u{1}", 1000)] {
        let secret = || adept_apple::secret::Secret::new(text.repeat(length));
        let token = ServerToken {
            consumer_key: secret(),
            consumer_secret: secret(),
            access_token: secret(),
            access_secret: secret(),
            ..token()
        };
        let json = token.to_json();
        // The room for the longest JSON that secrets of this length can have: a vector that grew has twice what it had.
        assert_eq!(json.capacity(), 256 + 4 * 6 * length, "{length} times {text:?}");
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    (
        select(&CIPHERS[..]),
        select(&TRANSPORTS[..]),
        select(&RECIPIENTS[..]),
        select(&PIECES[..]),
        any::<u16>(),
        0..4_usize,
    )
        .prop_map(|(cipher, transport, recipient, pieces, indefinite, others)| Shape {
            cipher,
            transport,
            recipient,
            pieces,
            indefinite,
            others,
        })
}

fn texts() -> impl Strategy<Value = Text> {
    (any::<bool>(), any::<bool>(), select(&["\n", "\r\n"][..]), 1..200_usize).prop_map(
        |(has_headers, has_markers, line_end, width)| Text { has_headers, has_markers, line_end, width },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_shape_in_any_encoding_opens(shape in shapes(), text in texts(), encoding in select(&Encoding::ALL[..])) {
        let message = seal(&text.of(JSON), &shape);
        assert_opens(&encoding.of(&message), &(shape, text, encoding));
    }

    #[test]
    fn any_printable_secret_survives_its_own_json(secret in "[!-~]([ -~]{0,100}[!-~])?") {
        let mut token = token();
        token.access_secret = adept_apple::secret::Secret::new(secret);
        prop_assert!(ServerToken::from_json(&token.to_json()).unwrap() == token);
    }
}
