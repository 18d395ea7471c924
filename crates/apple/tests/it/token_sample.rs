//! Tokens that others made: the one that Apple itself published, and a few by OpenSSL.

use adept_apple::certificate::RecipientId;
use adept_apple::token::{SealedToken, TokenError};

use super::support::{KEY, open, repository, token};

fn sample() -> Vec<u8> {
    std::fs::read(repository("fixtures/tokens/apple-documentation-sample.p7m")).unwrap()
}

#[test]
fn apples_sample_names_its_recipient() {
    let recipients = SealedToken::read(&sample()).unwrap().recipients();
    let [RecipientId::IssuerAndSerial { issuer, serial }] = &recipients[..] else { panic!("{recipients:?}") };
    assert_eq!(serial, &[0x83, 0x4b, 0x5e, 0xcc, 0xbd, 0x0f, 0x79, 0x1c]);
    assert_eq!((issuer[0], issuer.len()), (0x30, 0x77));
    assert_eq!(
        recipients[0].to_string(),
        "emailAddress=local@zippoinc2.apple.com, CN=Profile Manager S/MIME Identity, O=Zippo Inc, C=US, \
         serial 83:4B:5E:CC:BD:0F:79:1C"
    );
}

#[test]
fn apples_sample_is_refused_as_sealed_to_another_certificate() {
    let sealed = SealedToken::read(&sample()).unwrap();
    let refusal = sealed.open(&KEY.id(), &KEY.private).err().unwrap();
    assert_eq!(refusal, TokenError::WrongRecipient { wanted: sealed.recipients() });
    assert!(refusal.to_string().contains("O=Zippo Inc, C=US, serial 83:4B:5E:CC:BD:0F:79:1C"), "{refusal}");
}

#[test]
fn apples_sample_is_read_with_the_broken_header_of_apples_page() {
    let broken = String::from_utf8(sample())
        .unwrap()
        .replace("smime-type=enveloped-data", "smime-type=enveloped-\ndata");
    let recipients = SealedToken::read(&sample()).unwrap().recipients();
    assert_eq!(SealedToken::read(broken.as_bytes()).unwrap().recipients(), recipients);
}

#[test]
fn no_part_of_apples_sample_passes_for_the_whole() {
    let sample = sample();
    let whole = sample.trim_ascii_end().len();
    for length in 0..whole {
        assert!(SealedToken::read(&sample[..length]).is_err(), "{length} of {whole} bytes");
    }
}

#[test]
fn tokens_made_by_openssl_open() {
    let files: Vec<_> = std::fs::read_dir(repository("fixtures/tokens/openssl")).unwrap().collect();
    assert_eq!(files.len(), 7);
    for file in files {
        let path = file.unwrap().path();
        let opened = open(&std::fs::read(&path).unwrap());
        assert!(opened.is_ok_and(|opened| opened == token()), "{}", path.display());
    }
}
