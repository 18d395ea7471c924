//! The token file, byte by byte, and what its owner finds inside.

use aws_lc_rs::cipher::{
    AES_128, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::Pkcs1PrivateDecryptingKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::ber::{self, Node};
use crate::signer::Keys;
use crate::support::{KEY, Recipe, Sim, certificate, name, now};

const HEADERS: &str = "Content-Type: application/pkcs7-mime; name=\"smime.p7m\"; smime-type=enveloped-data\n\
                       Content-Transfer-Encoding: base64\n\
                       Content-Disposition: attachment; filename=\"smime.p7m\"\n\
                       Content-Description: S/MIME Encrypted Message\n\
                       \n";
const AES_128_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
const DES_EDE3_CBC: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 3, 7];

/// The CMS bytes of a file in any of its shapes.
fn cms(file: &[u8]) -> Vec<u8> {
    if file.starts_with(&[0x30, 0x80]) {
        return file.to_vec();
    }
    let text = std::str::from_utf8(file).unwrap().replace("\r\n", "\n");
    let body = text.split_once("\n\n").map_or(text.as_str(), |(_, body)| body);
    STANDARD.decode(body.replace('\n', "")).unwrap()
}

/// EncryptedContentInfo and the recipient of a file.
fn parts(file: &[u8]) -> (Node, Node) {
    let mut info = ber::read(&cms(file)).0.parts;
    let mut enveloped = info.remove(1).parts.remove(0);
    let content = enveloped.parts.remove(2);
    let recipient = enveloped.parts.remove(1).parts.remove(0);
    (content, recipient)
}

/// The text that the owner of the private key reads.
pub(crate) fn open(file: &[u8]) -> String {
    let (content, recipient) = parts(file);
    let transport = Pkcs1PrivateDecryptingKey::new(KEY.clone()).unwrap();
    let mut key = vec![0; transport.min_output_size()];
    let key = transport.decrypt(&recipient.parts[3].content, &mut key).unwrap();
    let vector = &content.parts[1].parts[1].content;
    #[expect(deprecated, reason = "old tokens are sealed with 3DES")]
    let algorithm: &'static Algorithm = match content.parts[1].parts[0].content.as_slice() {
        AES_128_CBC => &AES_128,
        AES_256_CBC => &AES_256,
        DES_EDE3_CBC => &aws_lc_rs::cipher::DES_EDE3_FOR_LEGACY_USE_ONLY,
        other => panic!("unknown cipher {other:x?}"),
    };
    let context = match vector.len() {
        16 => DecryptionContext::Iv128(FixedLength::try_from(vector.as_slice()).unwrap()),
        _ => DecryptionContext::Iv64(FixedLength::try_from(vector.as_slice()).unwrap()),
    };
    let mut text: Vec<u8> = content.parts[2].parts.iter().flat_map(|chunk| chunk.content.clone()).collect();
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(algorithm, key).unwrap()).unwrap();
    String::from_utf8(key.decrypt(&mut text, context).unwrap().to_vec()).unwrap()
}

/// The JSON inside an opened token.
pub(crate) fn fields(text: &str) -> Value {
    serde_json::from_str(&text[text.find('{').unwrap()..=text.rfind('}').unwrap()]).unwrap()
}

pub(crate) fn keys(text: &str) -> Keys {
    let fields = fields(text);
    let field = |name: &str| fields[name].as_str().unwrap().to_owned();
    Keys {
        consumer_key: field("consumer_key"),
        consumer_secret: field("consumer_secret"),
        access_token: field("access_token"),
        access_secret: field("access_secret"),
    }
}

#[tokio::test]
async fn a_token_file_has_four_headers_in_order_and_lines_of_76() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let file = String::from_utf8(sim.download(&server.uuid, "").await).unwrap();
    let body = file.strip_prefix(HEADERS).unwrap().strip_suffix('\n').unwrap();
    let lines: Vec<_> = body.split('\n').collect();
    assert!(lines[..lines.len() - 1].iter().all(|line| line.len() == 76));
    assert!((1..=76).contains(&lines[lines.len() - 1].len()));
}

/// Apple's published sample has exactly this skeleton.
#[tokio::test]
async fn the_envelope_is_ber_with_indefinite_lengths_around_a_definite_recipient() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let bytes = cms(&sim.download(&server.uuid, "").await);
    assert_eq!(bytes[..19], *b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03\xA0\x80\x30\x80\x02\x01");
    assert_eq!(bytes[19], 0);
    assert_eq!(bytes[bytes.len() - 10..], [0; 10]);
    let (info, rest) = ber::read(&bytes);
    assert!(rest.is_empty() && info.indefinite && info.parts.len() == 2);
    let explicit = &info.parts[1];
    assert!(explicit.tag == 0xA0 && explicit.indefinite && explicit.parts.len() == 1);
    let enveloped = &explicit.parts[0];
    assert!(enveloped.indefinite && enveloped.parts.len() == 3);
    assert_eq!(enveloped.parts[0].raw, [2, 1, 0]);
    let recipients = &enveloped.parts[1];
    assert!(recipients.tag == 0x31 && !recipients.indefinite && recipients.parts.len() == 1);
    let content = &enveloped.parts[2];
    assert!(content.indefinite && content.parts.len() == 3);
    assert_eq!(content.parts[0].content, [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 1]);
    assert_eq!(content.parts[1].parts[0].content, AES_128_CBC);
    assert_eq!(content.parts[1].parts[1].raw[..2], [4, 16]);
    let octets = &content.parts[2];
    assert!(octets.tag == 0xA0 && octets.indefinite && octets.parts.len() == 1 && octets.parts[0].tag == 4);
}

#[tokio::test]
async fn the_recipient_is_the_certificate_issuer_and_serial_byte_for_byte() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    for serial in [vec![0x83, 0x4B, 0x5E, 0xCC, 0xBD, 0x0F, 0x79, 0x1C], vec![0, 0xFF], vec![0x7F; 20]] {
        let upload = certificate(&Recipe { serial: serial.clone(), ..Recipe::default() });
        let path = format!("/_sim/servers/{}/certificate", server.uuid);
        assert_eq!(sim.send(sim.request("PUT", &path).body(upload)).await.status, 204);
        let (_, recipient) = parts(&sim.download(&server.uuid, "").await);
        assert_eq!(recipient.parts[0].raw, [2, 1, 0]);
        assert_eq!(recipient.parts[1].content, [name(), ber::der(2, &serial)].concat());
        assert_eq!(
            recipient.parts[2].raw, *b"\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00",
            "RSAES-PKCS1-v1_5 with NULL parameters"
        );
        assert_eq!(recipient.parts[3].content.len(), 256);
    }
}

#[tokio::test]
async fn inside_are_two_headers_the_wrapper_and_five_fields() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let before = now();
    let text = open(&sim.download(&server.uuid, "").await);
    let json = text
        .strip_prefix("Content-Type: text/plain;charset=UTF-8\nContent-Transfer-Encoding: 7bit\n\n-----BEGIN MESSAGE-----\n")
        .and_then(|rest| rest.strip_suffix("\n-----END MESSAGE-----\n"))
        .unwrap();
    assert!(json.starts_with("{\"consumer_key\":\"CK_") && !json.contains('\n'));
    let fields = fields(&text);
    let hex = |name: &str, prefix: &str, digits: usize| {
        let rest = fields[name].as_str().unwrap().strip_prefix(prefix).unwrap().to_owned();
        assert!(rest.len() == digits && rest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name} {rest}");
    };
    hex("consumer_key", "CK_", 96);
    hex("consumer_secret", "CS_", 40);
    hex("access_secret", "AS_", 40);
    let access = fields["access_token"].as_str().unwrap().strip_prefix("AT_O").unwrap();
    let [digits, stem, issued] = access.split('O').collect::<Vec<_>>()[..] else { panic!("{access}") };
    assert!(digits.parse::<u64>().is_ok() && stem.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let issued = issued.parse::<i64>().unwrap() / 1000;
    assert!((before..=now()).contains(&issued));
    let expiry: jiff::Timestamp = fields["access_token_expiry"].as_str().unwrap().parse().unwrap();
    assert_eq!(expiry.as_second(), issued + 365 * 86_400);
    assert_eq!(fields["access_token_expiry"].as_str().unwrap().len(), "2026-01-01T00:00:00Z".len());
}

#[tokio::test]
async fn every_shape_opens_to_a_working_token() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    for query in [
        "?line_ends=crlf",
        "?chunks=7",
        "?folded=true",
        "?wrapper=false",
        "?wrapper=false&inner_headers=false",
        "?headers=false",
        "?raw=true",
        "?cipher=aes-256-cbc",
        "?cipher=des-ede3-cbc&line_ends=crlf&chunks=3&folded=true",
    ] {
        let file = sim.download(&server.uuid, query).await;
        let text = open(&file);
        sim.session(&keys(&text)).await;
        let outer = String::from_utf8_lossy(&file).into_owned();
        assert_eq!(outer.contains("\r\n"), query.contains("crlf"), "{query}");
        assert_eq!(text.contains("\r\n"), query.contains("crlf"), "{query}");
        assert_eq!(
            outer.replace('\r', "").contains("enveloped-\ndata\n"),
            query.contains("folded"),
            "{query}"
        );
        assert_eq!(
            outer.starts_with("Content-Type"),
            !query.contains("?headers") && !query.contains("raw"),
            "{query}"
        );
        assert_eq!(text.contains("BEGIN MESSAGE"), !query.contains("wrapper"), "{query}");
        assert_eq!(text.starts_with('{'), query.contains("inner_headers=false"), "{query}");
        let chunks = parts(&file).0.parts[2].parts.len();
        assert_eq!(
            chunks,
            query.split_once("chunks=").map_or(1, |(_, count)| count[..1].parse().unwrap()),
            "{query}"
        );
    }
}

#[tokio::test]
async fn the_download_is_named_like_apples() {
    let sim = Sim::start().await;
    let server = sim.server().await;
    let answer = sim.send(sim.request("POST", &format!("/_sim/servers/{}/token", server.uuid))).await;
    let name = answer.headers["content-disposition"].to_str().unwrap();
    let time = name.strip_prefix("attachment; filename=\"MDM Server 1_Token_").unwrap();
    let time = time.strip_suffix("_smime.p7m\"").unwrap();
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00-00-00Z");
}
