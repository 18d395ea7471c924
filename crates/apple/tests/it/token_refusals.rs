//! What is no token, and what is one that must not be opened: each refused by its own name, or on purpose by none.

use adept_apple::certificate::{CertificateId, RecipientId};
use adept_apple::key_pair::KeyPair;
use adept_apple::token::{SealedToken, ServerToken, TokenError, UnexpectedInput};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::support::der::{INTEGER, NULL, OCTET_STRING, element, name, oid, sequence};
use super::support::encoding::{Encoding, Text};
use super::support::seal::{
    Cipher, Parts, Recipient, Shape, Transport, assemble, content_info, encrypt, encrypt_key, random,
};
use super::support::{JSON, KEY, TestKey, open, seal};

fn refusal(input: &[u8]) -> TokenError {
    open(input).err().unwrap()
}

fn found(input: &[u8]) -> UnexpectedInput {
    match refusal(input) {
        TokenError::NotAToken { found } => found,
        other => panic!("{other}"),
    }
}

fn good() -> Vec<u8> {
    seal(&Text::APPLE.of(JSON), &Shape::APPLE)
}

fn spoiled(spoil: impl FnOnce(&mut Parts)) -> Vec<u8> {
    let mut parts = seal::parts(&Text::APPLE.of(JSON), &Shape::APPLE, &KEY);
    spoil(&mut parts);
    assemble(&parts, &Shape::APPLE)
}

#[test]
fn nothing_is_empty() {
    for input in ["", " ", "\r\n\r\n", "\u{feff}", "\u{feff}\n"] {
        assert_eq!(refusal(input.as_bytes()), TokenError::Empty, "{input:?}");
    }
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let message = seal(&vec![b' '; 65 * 1024], &Shape::APPLE);
    for encoding in Encoding::ALL {
        assert_eq!(refusal(&encoding.of(&message)), TokenError::TooLarge, "{encoding:?}");
    }
    assert_eq!(refusal(&vec![b'A'; 256 * 1024 + 1]), TokenError::TooLarge);
    assert_eq!(found(&vec![b'A'; 256 * 1024]), UnexpectedInput::Unknown);
    // Zeros may follow a message, and count.
    let mut largest = good();
    largest.resize(64 * 1024, 0);
    assert!(open(&largest).is_ok());
    largest.push(0);
    assert_eq!(refusal(&largest), TokenError::TooLarge);
    assert_eq!(refusal(&vec![0; 20_000_000]), TokenError::TooLarge);
}

#[test]
fn what_is_sent_by_mistake_is_named() {
    let der = Shape::DER;
    let message = good();
    let utf_16: Vec<u8> = String::from_utf8(Encoding::File.of(&message))
        .unwrap()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let file = String::from_utf8(Encoding::File.of(&message)).unwrap();
    let mail = format!(
        "Received: from a\r\nSubject: the token\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: \
         text/plain\r\n\r\nHere it is.\r\n--x\r\n{file}\r\n--x--\r\n"
    );
    let quoted_printable = file.replace('=', "=3D").replace("MIAG", "MI=\r\nAG").into_bytes();
    let base64 = |bytes: &[u8]| STANDARD.encode(bytes).into_bytes();
    let nested = base64(&base64(&base64(&message)));
    let twice_pem = super::support::pem("CMS", &message).repeat(2).into_bytes();
    // A file whose base64 ends with a filler before the next begins.
    let filled = [message.clone(), vec![0; 3 - message.len() % 3 + 1]].concat();
    let twice_base64 = [base64(&filled), base64(&message)].concat();
    let public_key = KEY.certificate.pem();
    let private_key = &KEY.pem[KEY.pem.find("-----BEGIN PRIVATE KEY-----").unwrap()..];
    let cases: &[(&[u8], UnexpectedInput)] = &[
        (b"hello", UnexpectedInput::Unknown),
        (b"Hello, here is the token.", UnexpectedInput::Unknown),
        (b"<!DOCTYPE html><title>Sign in</title>", UnexpectedInput::Unknown),
        (b"Subject: the token\n\nplease find it attached", UnexpectedInput::Mail),
        (
            b"Received: from a\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nhi",
            UnexpectedInput::Mail,
        ),
        (mail.as_bytes(), UnexpectedInput::Mail),
        (&base64(mail.as_bytes()), UnexpectedInput::Mail),
        (b"PK\x03\x04\x14\x00rest of an archive", UnexpectedInput::Archive),
        (b"UEsDBBQAAAA=", UnexpectedInput::Archive),
        (&utf_16, UnexpectedInput::Utf16),
        (&quoted_printable, UnexpectedInput::QuotedPrintable),
        (&nested, UnexpectedInput::NestedBase64),
        (&[Encoding::File.of(&message), Encoding::File.of(&message)].concat(), UnexpectedInput::TwoFiles),
        (&[message.clone(), message.clone()].concat(), UnexpectedInput::TwoFiles),
        (&twice_pem, UnexpectedInput::TwoFiles),
        (&twice_base64, UnexpectedInput::TwoFiles),
        (b"Content-Type: application/pkcs7-mime", UnexpectedInput::Unknown),
        (b"Content-Type: application/pkcs7-mime\r\n\r\n", UnexpectedInput::Unknown),
        (b"Q29udGVudC1UeXBlOiB0ZXh0", UnexpectedInput::Unknown),
        (&[0xff; 100], UnexpectedInput::Unknown),
        (&[&[0xff, 0xfe], &utf_16[..]].concat(), UnexpectedInput::Utf16),
        (JSON.as_bytes(), UnexpectedInput::Json),
        (&Text { has_headers: false, ..Text::APPLE }.of(JSON), UnexpectedInput::Json),
        (public_key.as_bytes(), UnexpectedInput::Certificate),
        (private_key.as_bytes(), UnexpectedInput::PrivateKey),
        (
            b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
            UnexpectedInput::OtherPem,
        ),
        (b"-----BEGIN CMS-----\nMIAG\n", UnexpectedInput::Truncated),
        (KEY.certificate.der(), UnexpectedInput::Malformed),
        (
            &content_info(&[1, 2, 840, 113549, 1, 7, 2], &sequence(&[&[0; 200]]), &der),
            UnexpectedInput::SignedMessage,
        ),
        (
            &content_info(&[1, 2, 840, 113549, 1, 9, 16, 1, 23], &sequence(&[&[0; 200]]), &der),
            UnexpectedInput::OtherMessage,
        ),
        (&message[..message.len() - 1], UnexpectedInput::Truncated),
        (&message[..message.len() / 2], UnexpectedInput::Truncated),
        (&[&message[..], b"more"].concat(), UnexpectedInput::Malformed),
        (&spoiled(|parts| parts.cipher = oid(&[1, 2, 840, 113549, 3, 2])), UnexpectedInput::UnknownCipher),
        (
            &spoiled(|parts| parts.cipher = oid(&[2, 16, 840, 1, 101, 3, 4, 1, 6])),
            UnexpectedInput::UnknownCipher,
        ),
        (&spoiled(|parts| parts.iv = vec![0; 8]), UnexpectedInput::Malformed),
        (&spoiled(|parts| parts.content.clear()), UnexpectedInput::Malformed),
        (&spoiled(|parts| parts.content.truncate(40)), UnexpectedInput::Malformed),
        (
            &spoiled(|parts| parts.key_algorithm = oid(&[1, 2, 840, 10045, 2, 1])),
            UnexpectedInput::UnknownKeyTransport,
        ),
    ];
    for (at, (input, expected)) in cases.iter().enumerate() {
        assert_eq!(found(input), *expected, "case {at}");
    }
}

#[test]
fn unusual_oaep_is_an_unknown_key_transport() {
    let sha = |number| oid(&[2, 16, 840, 1, 101, 3, 4, 2, number]);
    let mut other_mask = seal::oaep(&sha(1), &sha(1), b"");
    let mgf1 = oid(&[1, 2, 840, 113549, 1, 1, 8]);
    let at = other_mask.windows(mgf1.len()).position(|part| part == mgf1).unwrap();
    other_mask[at + mgf1.len() - 1] = 99;
    for algorithm in [
        other_mask,
        seal::oaep(&sha(1), &sha(2), b""),
        seal::oaep(&sha(1), &sha(1), b"label"),
        seal::oaep(&sha(4), &sha(4), b""),
    ] {
        assert_eq!(
            found(&spoiled(|parts| parts.key_algorithm = algorithm)),
            UnexpectedInput::UnknownKeyTransport
        );
    }
}

#[test]
fn a_message_needs_between_one_and_32_recipients() {
    let parts = seal::parts(&Text::APPLE.of(JSON), &Shape::APPLE, &KEY);
    let recipient = seal::recipient_info(&parts, &Shape::APPLE);
    let password = element(0xa3, &[]);
    assert_eq!(found(&seal::assemble_with(&[], &parts, &Shape::APPLE)), UnexpectedInput::NoRecipient);
    assert_eq!(found(&seal::assemble_with(&[password], &parts, &Shape::APPLE)), UnexpectedInput::NoRecipient);
    assert!(open(&seal::assemble_with(&vec![recipient.clone(); 32], &parts, &Shape::APPLE)).is_ok());
    assert_eq!(
        found(&seal::assemble_with(&vec![recipient; 33], &parts, &Shape::APPLE)),
        UnexpectedInput::Malformed
    );
}

#[test]
fn deep_nesting_is_refused_at_once() {
    for unit in [&b"\x30\x80"[..], b"\x24\x80", b"\xa0\x80", b"\x31\x80", b"\x30\x83\x00\xff\xf0"] {
        let deep = unit.repeat(60_000 / unit.len());
        assert!(matches!(refusal(&deep), TokenError::NotAToken { .. }), "{unit:x?}");
        // The same where the content belongs, and where a field of any type may stand.
        let content =
            [&b"\x24\x80".repeat(14_000)[..], b"\x04\x10aaaaaaaaaaaaaaaa", &b"\0\0".repeat(14_000)].concat();
        let nested = sequence(&[&oid(&[1, 2, 3]), &unit.repeat(5_000)]);
        let message = content_info(
            &[1, 2, 840, 113549, 1, 7, 3],
            &sequence(&[&element(INTEGER, &[0]), &nested, &content]),
            &Shape::APPLE,
        );
        assert!(SealedToken::read(&message).is_err());
    }
}

#[test]
fn another_certificates_token_is_refused_with_its_name() {
    let other = CertificateId {
        issuer: name(&[(6, "US"), (10, "Zippo, Inc"), (3, "line\nbreak \u{202e}reversed")]),
        serial: vec![0x83, 0x4b],
        subject_key_id: None,
        key_digests: Vec::new(),
    };
    let message = spoiled(|parts| parts.recipient = seal::recipient(&other, &Shape::APPLE));
    let refusal = refusal(&message);
    assert_eq!(
        refusal,
        TokenError::WrongRecipient { wanted: SealedToken::read(&message).unwrap().recipients() }
    );
    let sentence = refusal.to_string();
    assert!(
        sentence.contains(r"CN=line\u{a}break \u{202e}reversed, O=Zippo\, Inc, C=US, serial 83:4B"),
        "{sentence}"
    );
}

#[test]
fn a_certificate_is_compared_byte_by_byte() {
    let ours = KEY.id();
    let by_name = |issuer: &[u8], serial: &[u8]| RecipientId::IssuerAndSerial {
        issuer: issuer.to_vec(),
        serial: serial.to_vec(),
    };
    assert!(ours.matches(&by_name(&ours.issuer, &ours.serial)));
    assert!(!ours.matches(&by_name(&ours.issuer, &[&[0], &ours.serial[..]].concat())));
    assert!(!ours.matches(&by_name(&ours.issuer, &ours.serial[1..])));
    assert!(!ours.matches(&by_name(&ours.issuer[1..], &ours.serial)));
    assert!(ours.matches(&RecipientId::SubjectKeyId(ours.subject_key_id.clone().unwrap())));
    assert!(!ours.matches(&RecipientId::SubjectKeyId(Vec::new())));
    let without = CertificateId { subject_key_id: None, key_digests: Vec::new(), ..ours };
    assert!(!without.matches(&RecipientId::SubjectKeyId(Vec::new())));
}

#[test]
fn a_negative_serial_is_a_serial() {
    let ours = CertificateId { serial: vec![0x83, 0x4b, 0x5e], ..KEY.id() };
    let message = spoiled(|parts| parts.recipient = seal::recipient(&ours, &Shape::APPLE));
    assert!(SealedToken::read(&message).unwrap().open(&ours, &KEY.private).is_ok());
    assert!(matches!(refusal(&message), TokenError::WrongRecipient { .. }));
}

#[test]
fn names_stay_short_and_on_one_line() {
    let long = "\u{0}\u{7f}é,=".repeat(10_000);
    let many: Vec<(u64, &str)> = (0..200).map(|_| (3, &long[..1000])).collect();
    for issuer in [
        name(&[(3, &long[..50_000])]),
        name(&many),
        name(&[]),
        b"\x30\x03\x31\x01\x00".to_vec(),
        Vec::new(),
        vec![0x30; 5_000],
    ] {
        let id = RecipientId::IssuerAndSerial { issuer, serial: vec![0xab; 5_000] };
        let text = id.to_string();
        assert!(text.len() < 500, "{} bytes: {text}", text.len());
        assert!(!text.chars().any(char::is_control), "{text}");
        assert!(text.contains(", serial AB:AB"), "{text}");
        let refusal = TokenError::WrongRecipient { wanted: vec![id; 32] }.to_string();
        assert!(refusal.len() < 2_000 && refusal.contains("29 more"), "{refusal}");
    }
    assert_eq!(RecipientId::SubjectKeyId(vec![1, 0xff]).to_string(), "subject key identifier 01:FF");
}

/// A caller that alters a token and watches the answers must learn nothing about what is inside.
#[test]
fn every_reason_behind_the_right_recipient_is_one_refusal() {
    let text = Text::APPLE.of(JSON);
    let json = |from: &str, to: &str| seal(&Text::APPLE.of(&JSON.replace(from, to)), &Shape::APPLE);
    let wrapped = |key: &[u8]| {
        let key = encrypt_key(Transport::Pkcs1, &KEY, key);
        spoiled(|parts| parts.encrypted_key = key)
    };
    // Encrypts whole blocks, so that the padding is what the last block says.
    let blocks = |blocks: &[u8]| {
        let key = random(16);
        let mut content = blocks.to_vec();
        let iv = encrypt(Cipher::Aes128, &key, &mut content);
        let encrypted_key = encrypt_key(Transport::Pkcs1, &KEY, &key);
        spoiled(|parts| (parts.content, parts.iv, parts.encrypted_key) = (content, iv, encrypted_key))
    };
    let padded = |last: &[u8]| {
        let text = format!("{JSON:<width$}", width = 1008 - last.len());
        blocks(&[text.as_bytes(), last].concat())
    };
    let mut not_utf_8 = JSON.as_bytes().to_vec();
    not_utf_8[JSON.find("AS_").unwrap()] = 0xff;
    let not_utf_8 = seal(&not_utf_8, &Shape::APPLE);
    let long = format!("CS_{}", "a".repeat(1022));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("RSA padding", spoiled(|parts| parts.encrypted_key = random(256))),
        ("RSA number too large", spoiled(|parts| parts.encrypted_key = vec![0xff; 256])),
        ("RSA number of zero", spoiled(|parts| parts.encrypted_key = vec![0; 256])),
        ("RSA number too short", spoiled(|parts| parts.encrypted_key.truncate(255))),
        ("RSA number too long", spoiled(|parts| parts.encrypted_key.push(0))),
        ("no RSA number", spoiled(|parts| parts.encrypted_key.clear())),
        (
            "OAEP in place of PKCS #1",
            spoiled(|parts| parts.key_algorithm = oid(&[1, 2, 840, 113549, 1, 1, 7])),
        ),
        ("empty content key", wrapped(b"")),
        ("short content key", wrapped(&[1; 15])),
        ("long content key", wrapped(&[1; 32])),
        ("another content key", wrapped(&[1; 16])),
        ("content padding of zero", padded(&[0])),
        ("content padding of 17", padded(&[17])),
        ("uneven content padding", padded(&[3, 2, 3])),
        ("altered content", spoiled(|parts| parts.content.iter_mut().for_each(|byte| *byte ^= 1))),
        ("no content padding", blocks(&text[..text.len() / 16 * 16])),
        ("no text", seal(b"", &Shape::APPLE)),
        ("no JSON", seal(b"Content-Type: text/plain\r\n\r\nhello", &Shape::APPLE)),
        ("half of the JSON", seal(&JSON.as_bytes()[..300], &Shape::APPLE)),
        ("a JSON array", seal(format!("[{JSON}]").replace(['{', '}'], "").as_bytes(), &Shape::APPLE)),
        ("two JSON objects", seal(format!("{JSON}{JSON}").as_bytes(), &Shape::APPLE)),
        ("a member missing", json("access_secret", "other")),
        ("a member twice", json("\"consumer_key\"", "\"access_secret\":\"AS_1\",\"consumer_key\"")),
        ("a secret that is null", json("\"AS_6e0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3\"", "null")),
        ("an empty secret", json("AS_6e0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3", "")),
        ("a blank secret", json("AS_6e0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3", "  ")),
        ("a secret with a control character", json("AS_6e", "AS_\\n")),
        ("a secret beyond ASCII", json("AS_6e", "AS_é")),
        ("a secret of 1,025 characters", json("AS_6e0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3", &long)),
        ("no expiry", json("2027-08-12T21:18:32Z", "")),
        ("an impossible expiry", json("2027-08-12", "2027-02-30")),
        ("a secret that is not UTF-8", not_utf_8),
    ];
    for (what, message) in cases {
        let refusal = open(&message).err();
        assert_eq!(refusal, Some(TokenError::Unreadable), "{what}");
        assert_eq!(refusal.unwrap().to_string(), TokenError::Unreadable.to_string(), "{what}");
    }
}

#[test]
fn the_wrong_private_key_is_the_same_refusal() {
    let pair = KeyPair::generate("Somebody else", "2026-11-23T12:00:00Z".parse().unwrap()).unwrap();
    let pem = [pair.certificate.pem(), super::support::pem("PRIVATE KEY", &pair.pkcs8)].concat();
    let other = TestKey::from_pem(&pem);
    for cipher in seal::CIPHERS {
        for transport in [Transport::Pkcs1, Transport::OaepSha256] {
            let message = seal(&Text::APPLE.of(JSON), &Shape { cipher, transport, ..Shape::APPLE });
            let sealed = SealedToken::read(&message).unwrap();
            assert_eq!(sealed.open(&KEY.id(), &other.private).err(), Some(TokenError::Unreadable));
            assert!(matches!(
                sealed.open(&other.id(), &other.private).err(),
                Some(TokenError::WrongRecipient { .. })
            ));
        }
    }
}

#[test]
fn padding_written_manually_is_as_good_as_any() {
    // So that the refusals above are refusals of the padding and not of something else.
    let key = random(16);
    let mut content = format!("{JSON:<1008}").into_bytes();
    content.extend([16; 16]);
    let iv = encrypt(Cipher::Aes128, &key, &mut content);
    let encrypted_key = encrypt_key(Transport::Pkcs1, &KEY, &key);
    assert!(
        open(&spoiled(|parts| (parts.content, parts.iv, parts.encrypted_key) = (content, iv, encrypted_key)))
            .is_ok()
    );
}

#[test]
fn des_keys_that_are_not_three_different_ones_are_refused_alike() {
    for key in [[1; 24].to_vec(), [&[1; 8][..], &[9; 8], &[1; 8]].concat()] {
        let message = seal(&Text::APPLE.of(JSON), &Shape { cipher: Cipher::TripleDes, ..Shape::APPLE });
        assert!(open(&message).is_ok());
        let shape =
            Shape { cipher: Cipher::TripleDes, recipient: Recipient::IssuerAndSerial, ..Shape::APPLE };
        let mut parts = seal::parts(&Text::APPLE.of(JSON), &shape, &KEY);
        parts.encrypted_key = encrypt_key(Transport::Pkcs1, &KEY, &key);
        assert_eq!(refusal(&assemble(&parts, &shape)), TokenError::Unreadable);
    }
}

#[test]
fn json_of_any_size_and_shape_is_read_or_refused() {
    assert!(ServerToken::from_json(JSON.as_bytes()).is_ok());
    for json in ["", "{}", "null", "[]", &"[".repeat(60_000), &" ".repeat(70_000)] {
        assert_eq!(ServerToken::from_json(json.as_bytes()).err(), Some(TokenError::Unreadable));
    }
    for (length, refusal) in
        [(65_536, None), (65_537, Some(TokenError::Unreadable)), (70_000, Some(TokenError::Unreadable))]
    {
        let padded = format!("{JSON}{}", " ".repeat(length - JSON.len()));
        assert_eq!(ServerToken::from_json(padded.as_bytes()).err(), refusal, "{length}");
    }
}

#[test]
fn no_refusal_shows_what_was_sent() {
    let secret = "AS_6e0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3";
    for input in [
        JSON.to_owned(),
        format!("Subject: {secret}\n\n{JSON}"),
        format!("-----BEGIN {secret}-----\n-----END {secret}-----"),
    ] {
        let refusal = refusal(input.as_bytes());
        assert!(!format!("{refusal} {refusal:?}").contains(secret));
    }
    let element = element(OCTET_STRING, NULL);
    assert!(!refusal(&element).to_string().is_empty());
}

#[test]
fn base64_of_base64_of_base64_is_no_token() {
    let once = Encoding::Base64Message.of(&good());
    let twice = Encoding::Base64Message.of(&once);
    assert!(open(&once).is_ok() && open(&twice).is_ok());
    let thrice = Encoding::Base64Message.of(&twice);
    assert_eq!(found(&thrice), UnexpectedInput::NestedBase64);
    assert_eq!(found(&Encoding::Base64Message.of(&thrice)), UnexpectedInput::NestedBase64);
    assert_eq!(found(&Encoding::Base64Message.of(b" \r\n")), UnexpectedInput::Unknown);
}

#[test]
fn a_refusal_names_three_certificates_and_counts_the_others() {
    for (recipients, more) in [(1, None), (3, None), (4, Some("1 more")), (32, Some("29 more"))] {
        let wanted = vec![RecipientId::SubjectKeyId(vec![7]); recipients];
        let sentence = TokenError::WrongRecipient { wanted }.to_string();
        assert_eq!(sentence.matches("identifier 07").count(), recipients.min(3), "{sentence}");
        assert_eq!(sentence.contains(" more"), more.is_some(), "{sentence}");
        assert!(sentence.contains(more.unwrap_or_default()), "{sentence}");
    }
}
